"""What finding waste costs, against reading the headers of the same layers.

    python benchmarks/findings.py [ARCHIVE ...]

Without an archive: 109,000 made entries in 10 layers (10,000 files each, and the directories), and the Dockerfile's kinds of
names among them. Prints seconds for the headers, for the merged table, for the package databases and for the findings, and
the ratio of findings to headers, which is to stay below 1. Nothing is read from the cache; each figure is the best of seven,
with the collector of cycles set as the program sets it.
"""

from __future__ import annotations

import gc
import io
import random
import sys
import tarfile
import time
from collections.abc import Callable
from typing import TypeVar

from msbtui.analysis.base import find_base
from msbtui.analysis.model import Base
from msbtui.analysis.waste import find_waste
from msbtui.engine import open_image
from msbtui.image.facts import MappedContents, StoredContents
from msbtui.image.model import Image, ImageConfig, Layer
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.image.tar import index_layer

T = TypeVar("T")
LAYERS, FILES = 10, 10_000
TIMES = 7
"""Runs, of which the best counts."""
NAMES = (
    "usr/lib/python3/dist-packages/m{0}/f{1}.py", "srv/app/node_modules/p{0}/lib/f{1}.js", "usr/share/doc/d{0}/f{1}.gz",
    "usr/local/include/i{0}/f{1}.h", "opt/tool{0}/bin/f{1}", "usr/src/app{0}/f{1}.c", "var/lib/data{0}/f{1}.bin",
    "usr/local/lib/python3.11/site-packages/s{0}/tests/f{1}.py", "root/.cache/pip/http/{0}/f{1}", "srv/www{0}/f{1}.html",
)  # fmt: skip


def made() -> list[bytes]:
    """Give ten layers' tars."""
    layers, rng = [], random.Random(1)
    for number in range(LAYERS):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            directories: set[str] = set()
            for file in range(FILES):
                path = rng.choice(NAMES).format(number * 90 + file % 90, file)
                folder = path.rpartition("/")[0]
                if folder not in directories:
                    directories.add(folder)
                    info = tarfile.TarInfo(folder)
                    info.type = tarfile.DIRTYPE
                    tar.addfile(info)
                info = tarfile.TarInfo(path)
                info.size = rng.randrange(2000)
                tar.addfile(info, io.BytesIO(bytes(info.size)))
        layers.append(out.getvalue())
    return layers


def best(work: Callable[[], T], times: int = TIMES) -> tuple[float, T]:
    """Give the least seconds of processor time of some runs, and what the last gave."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return min(seconds), result


def report(name: str, headers: float, image: Image, base: Base) -> None:
    """Measure the rest, and print."""
    merging, table = best(lambda: FileTable(layer.entries for layer in image.layers))
    entries = sum(len(layer.entries) for layer in image.layers)
    finding = reading = float("inf")
    for _ in range(TIMES):
        start = time.process_time()
        packages = read_packages(image, table)
        for layer in range(table.layers):
            packages.at(layer)
        packages.owner("")
        reading = min(reading, time.process_time() - start)
        start = time.process_time()
        waste = find_waste(image, table, packages, base, None, None, None)
        finding = min(finding, time.process_time() - start)
    print(
        f"{name}: {entries:,} entries, {len(image.layers)} layers: headers {headers:.3f} s, table {merging:.3f} s, "
        f"packages {reading:.3f} s, {len(waste.findings)} findings {finding:.3f} s; findings/headers {finding / headers:.2f}, "
        f"with packages {(finding + reading) / headers:.2f}"
    )


def main() -> None:
    """Measure what the command line names."""
    gc.set_threshold(100_000, 50, 100)
    if not sys.argv[1:]:
        tars = made()
        headers, indexes = best(lambda: [index_layer(data) for data in tars])
        layers = [
            Layer(number, f"sha256:{number}", index, MappedContents(data, index))
            for number, (data, index) in enumerate(zip(tars, indexes, strict=True))
        ]
        config = ImageConfig(cmd=("/opt/tool1/bin/f1",))
        report("made", headers, Image("made", "sha256:0", "linux/amd64", config, (), layers), Base(0))
        return
    for path in sys.argv[1:]:
        image = open_image(path)
        buffers = []
        for layer in image.layers:
            contents = layer.contents
            assert isinstance(contents, MappedContents | StoredContents)
            buffers.append(getattr(contents, "_buffer", None))
        mapped = [buffer for buffer in buffers if buffer is not None]
        headers, _ = best(lambda: [index_layer(buffer) for buffer in mapped])  # noqa: B023
        report(path.rpartition("/")[2], headers, image, find_base(image, None, {}))


if __name__ == "__main__":
    main()
