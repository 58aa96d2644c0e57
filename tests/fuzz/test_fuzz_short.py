"""A short run of the fuzzer, and the inputs that mean harm by name. `fuzz_archives.py` beside this file does the long run."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import fuzz_judge
import pytest
from fuzz_harmful import HARMFUL
from tar_maker import END, body, header

from msbtui.image.model import Kind, LayerIndex
from msbtui.image.table import FileTable

COUNT = 150
ACCEPTED = frozenset(
    (
        "loops of links",
        "logical size of 8 EiB",
        "history longer than layers",
        "history shorter than layers",
        "a history that no Dockerfile can hold",
        "20,000 packages that need what all provide",
        "a command of millions",
        "the same layer 120 times",
        "the same layer 120 times, plain",
        "65,000 names of one file, all gone later",
        "whiteouts of everything, layer after layer",
        "a file over a directory over a file",
        # What is said beside an image is left out where it cannot be believed; the image is read.
        "a provenance nested 100,000 deep",
        "a provenance of 100 MB",
        "a provenance of a million layers",
        "70,000 attestations",
        "ELF files that say the same many times",
        "150,000 packages that say nothing",
        "an SBOM of a million packages",
        "an SBOM nested 100,000 deep",
    )
)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    gc.collect()  # what other tests left is cleared away now, not while somebody watches
    return tmp_path


@pytest.fixture(scope="module")
def apart() -> Iterator[Executor]:
    """A process of its own: what other tests left running would be taken for what an input did."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def test_no_made_input_breaks_anything(tmp_path: Path) -> None:
    script = Path(__file__).with_name("fuzz_archives.py")
    command = [sys.executable, str(script), "--count", str(COUNT), "--seed", "0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]


@pytest.mark.parametrize("name", HARMFUL)
def test_harmful_inputs_are_refused_or_accounted_for(name: str, tmp_path: Path, apart: Executor) -> None:
    verdict, wrong = _judged(HARMFUL[name](), tmp_path, apart)
    assert not wrong
    assert verdict == ("accepted" if name in ACCEPTED else "refused")


def test_an_outer_pax_record_without_a_space_ends(tmp_path: Path, apart: Executor) -> None:
    data = header(b"pax", size=12, flag=b"x") + body(b"12path=abcd\n") + header(b"manifest.json") + END
    assert _judged(data, tmp_path, apart) == ("refused", "")


def _judged(data: bytes, scratch: Path, apart: Executor) -> tuple[str, str]:
    path = scratch / "input.tar"
    path.write_bytes(data)
    return apart.submit(fuzz_judge.judge_with_cache, path, scratch).result()


def test_the_judge_sees_what_is_wrong(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scratch / "input.tar"
    path.write_bytes(HARMFUL["loops of links"]())

    def look(act: object) -> str:
        monkeypatch.setattr(fuzz_judge, "_look", act)
        return fuzz_judge.judge(path, scratch)[1]

    def spin(_: Path) -> None:
        while True:
            pass

    elsewhere = scratch.parent / f"{scratch.name}-elsewhere"
    assert "ZeroDivisionError" in look(lambda _: 1 // 0)
    assert "wrote" in look(lambda _: elsewhere.write_text("x"))
    assert "MiB for" in look(lambda _: len(bytearray(b"\1") * (900 << 20)))
    monkeypatch.setattr(fuzz_judge, "HANGS", 0.2)
    assert "took too long" in look(spin)
    elsewhere.unlink()


def test_the_judge_sees_a_broken_identity() -> None:
    index = LayerIndex()
    index.paths.append("a")
    index.kinds.append(Kind.FILE)
    for column, value in (
        (index.sizes, 5),
        (index.modes, 0),
        (index.uids, 0),
        (index.gids, 0),
        (index.mtimes, 0),
        (index.offsets, 512),
    ):
        column.append(value)  # type: ignore[attr-defined]
    index.tar_size = 1024
    table = FileTable([index])
    fuzz_judge.sound(table)
    table._sizes[0] = 6
    with pytest.raises(AssertionError):
        fuzz_judge.sound(table)
