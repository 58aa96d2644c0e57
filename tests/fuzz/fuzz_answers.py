#!/usr/bin/env python3
"""Read images from a registry and from an engine whose answers are spoiled, and tell for which of them something does not hold.

    python tests/fuzz/fuzz_answers.py --count 10000 --seed 1

What must hold for any answers: the image, whole and verified, or one clear line and exit code 4; within 5 seconds; no body taken
beyond what it may have; nothing that is secret shown to another host. `--only N` looks at one case. Exit code 1 where one breaks.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from fake_engine import FakeEngine  # noqa: E402
from fake_registry import FakeRegistry  # noqa: E402
from hostile_server import Hostile  # noqa: E402
from image_samples import Sample, StoredSample, digest  # noqa: E402

from msbtui.engine import distribution, open_image, signatures  # noqa: E402
from msbtui.errors import TargetError  # noqa: E402
from msbtui.image.cache import LayerCache  # noqa: E402
from msbtui.image.compress import open_layer  # noqa: E402
from msbtui.image.table import FileTable  # noqa: E402

LONGEST = 5.0
"""Seconds that one case may take; a busy machine gets twice as much by the clock."""
SECRET = base64.b64encode(b"me:secret").decode()
DATA = Path(__file__).parents[1] / "data/toc"


def _stored_sample() -> StoredSample:
    layers = [
        ((DATA / f"{form}.blob").read_bytes(), json.loads((DATA / f"{form}.json").read_text())) for form in ("estargz", "zstd")
    ]

    def plain(blob: bytes) -> bytes:
        stream = open_layer(blob)
        return b"".join(iter(lambda: stream.read(1 << 20), b""))

    return StoredSample(layers=[plain(blob) for blob, _ in layers], stored=layers)


class _RegistryAnswers:
    """What a good registry answers, with tokens where it wants them."""

    def __init__(self, sample: Sample, wants: str) -> None:
        self.good = FakeRegistry(sample)
        self.good._server.server_close()
        self.wants = wants
        self.host = ""

    def __call__(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        path = unquote(urlsplit(path).path)
        if path == "/token":
            return (200, {}, b'{"token":"granted"}') if SECRET in headers.get("authorization", "") else (401, {}, b"{}")
        shown = headers.get("authorization", "")
        if self.wants == "bearer" and shown != "Bearer granted":
            return 401, {"WWW-Authenticate": f'Bearer realm="http://{self.host}/token",service="r"'}, b"{}"
        if self.wants == "basic" and SECRET not in shown:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b"{}"
        found = self.good.find(path)
        if found is None:
            return 404, {}, b'{"errors":[]}'
        data, kind = found
        if (wanted := headers.get("range", "")).startswith("bytes="):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1 if last else len(data), len(data))
            return 206, {"Content-Type": kind, "Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}, data[start:end]
        return 200, {"Content-Type": kind}, data


class _EngineAnswers:
    """What a good engine answers."""

    def __init__(self, engine: FakeEngine) -> None:
        self.good = engine

    def __call__(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(path).path
        if path.startswith("/v1."):
            path = "/" + path.split("/", 2)[2]
        found = self.good.right_answer(path)
        return (found, {}, b'{"message":"no"}') if isinstance(found, int) else (200, {}, found)


class World:
    """The servers, and what they serve."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.home = scratch / "home"
        (self.home / ".docker").mkdir(parents=True)
        self.stranger = Hostile(lambda path, headers: (200, {}, b"{}"))
        self.samples = [Sample(), _stored_sample()]
        self.registries = []
        for sample in self.samples:
            for wants in ("", "basic", "bearer"):
                right = _RegistryAnswers(sample, wants)
                one = Hostile(right, stranger=f"http://{self.stranger.host}")
                right.host = one.host
                self.registries.append((one, sample))
        auths = {one.host: {"auth": SECRET} for one, _ in self.registries}
        (self.home / ".docker/config.json").write_text(json.dumps({"auths": auths}))
        self.engines = []
        for layout in ("legacy", "oci"):
            engine = FakeEngine(scratch / f"good-{layout}.sock", self.samples[0], layout=layout)
            engine._server.server_close()
            hostile = Hostile(
                _EngineAnswers(engine), socket_path=str(scratch / f"{layout}.sock"), stranger=f"http://{self.stranger.host}"
            )
            self.engines.append((hostile, f"unix://{scratch}/{layout}.sock"))

    @contextmanager
    def running(self) -> Iterator[World]:
        """Serve until the block ends."""
        with ExitStack() as stack:
            for server in (self.stranger, *(one for one, _ in self.registries), *(one for one, _ in self.engines)):
                stack.enter_context(server.running())
            yield self

    def look(self, seed: int, case: int) -> tuple[str, str]:
        """Look at one case; give `accepted`, `refused` or `broken`, and what is wrong."""
        place = case % 8
        environ = {"HOME": str(self.home), "PATH": "/nonexistent"}
        if place < 6:
            server, sample = self.registries[place]
            target = f"registry:{server.host}/sample:latest"
        else:
            server, host = self.engines[place - 6]
            sample, target, environ = self.samples[0], "docker:sample", {**environ, "DOCKER_HOST": host}
        server.begin(seed, case)
        self.stranger.begin(seed, 0)
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        found: list[tuple[str, str]] = []

        def work() -> None:
            found.append(_read(target, environ, LayerCache(folder), sample))

        began = time.monotonic(), time.process_time()
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(2 * LONGEST)
        seconds, busy = time.monotonic() - began[0], time.process_time() - began[1]
        shutil.rmtree(folder, ignore_errors=True)
        verdict, wrong = found[0] if found else ("broken", f"hangs: {_where(thread)}")
        if not wrong and (busy > LONGEST or seconds > 2 * LONGEST):
            wrong = f"took {seconds:.1f} s, {busy:.1f} s of the processor"
        if not wrong and server.drained:
            wrong = "an endless body was taken whole"
        # A token service is where the registry says, and is shown the credentials for that registry, as docker does it.
        told = [path for path, headers in self.stranger.seen if "scope=" not in path and _is_secret(path, headers)]
        if not wrong and told:
            wrong = f"credentials were shown elsewhere: {told[0]}"
        return ("broken", f"{wrong}\n{server.spoiled}") if wrong else (verdict, "")


def _where(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)[-6:]) if frame is not None else "it ended just now"


def _is_secret(path: str, headers: dict[str, str]) -> bool:
    text = f"{path} {json.dumps(headers)}"
    return SECRET in text or "granted" in text or "authorization" in headers


def _read(target: str, environ: dict[str, str], cache: LayerCache, sample: Sample) -> tuple[str, str]:
    try:
        image = open_image(target, cache=cache, environ=environ)
        for layer in image.layers:
            for entry in range(len(layer.entries)):
                layer.contents.digest(entry)
        table = FileTable([layer.entries for layer in image.layers])
    except TargetError as error:
        text = str(error)
        if error.exit_code != 4 or "\n" in text or not text.isprintable() or len(text) > 2000:
            return "broken", f"an error that is no clear line: {text!r:.500}"
        return "refused", ""
    except BaseException:
        return "broken", traceback.format_exc()
    if table.size != table.live_bytes + table.hidden_bytes:
        return "broken", "the account does not add up"
    # Whatever was spoiled: by tag another configuration may be served, but never other layers than it names.
    if image.id == digest(sample.config) and [len(one.entries) for one in image.layers] != _counts(sample):
        return "broken", "the image is not the one that its digest says"
    return "accepted", ""


_known: dict[int, list[int]] = {}


def _counts(sample: Sample) -> list[int]:
    from msbtui.image.tar import index_layer

    if id(sample) not in _known:
        _known[id(sample)] = [len(index_layer(layer)) for layer in sample.layers]
    return _known[id(sample)]


@contextmanager
def quick() -> Iterator[None]:
    """Wait less between attempts: what is tried is what is done, not how long it takes."""
    places: list[tuple[Any, str, Any]] = [
        (distribution, "_BACK_OFF", 0.001), (distribution, "_LONGEST_WAIT", 0.01), (distribution, "_TIMEOUT", (1.0, 1.0)),
        (signatures, "_PATIENCE", 0.5),
    ]  # fmt: skip
    before = [(module, name, getattr(module, name)) for module, name, _ in places]
    for module, name, value in places:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    cases = [options.only] if options.only is not None else range(options.start, options.start + options.count)
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-answers-"))
    counts, kinds, began = Counter[str](), Counter[str](), time.monotonic()
    try:
        with quick(), World(scratch).running() as world:
            for place in range(8):
                verdict, wrong = world.look(options.seed, 0) if not place else ("accepted", "")
                assert verdict == "accepted", wrong
            for case in cases:
                verdict, wrong = world.look(options.seed, case)
                counts[verdict] += 1
                if wrong:
                    kind = wrong.strip().splitlines()[-2][:150] if "\n" in wrong.strip() else wrong[:150]
                    kinds[kind] += 1
                    if kinds[kind] <= 2:
                        print(f"\ncase {case}:\n{wrong.strip()[-3000:]}", flush=True)
                if case % 500 == 0:
                    print(f"{case}: {dict(counts)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(
        f"seed {options.seed}: {sum(counts.values())} cases in {time.monotonic() - began:.0f} s: {counts['accepted']} accepted, "
        f"{counts['refused']} refused, {counts['broken']} broken"
    )
    return 1 if counts["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
