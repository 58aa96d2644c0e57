#!/usr/bin/env python3
"""Measure msbtui beside dive and xray, all in one run, and write the figures into README.md beside this file.

    python benchmarks/run.py                       # everything; dive alone takes minutes for one of the images
    python benchmarks/run.py --only big,gzip --no-write
    python benchmarks/run.py --engine unix:///var/run/docker.sock

Programs are kept below --tools, images below --images (7 GB); both may be deleted at any time. Programs take turns, so that
load on the machine meets all of them; of several runs the fastest counts. Only ratios within one run mean anything.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import mmap
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import images
import tools
from measure import Run, run, run_until

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
SCREEN = re.compile(rb"file-?\d+\.|part-\d+|srv|usr")
ISAL = """
import sys, tarfile
from isal import isal_zlib
with tarfile.open(sys.argv[1]) as outer:
    for member in outer:
        if member.size > 100_000:
            isal_zlib.decompress(outer.extractfile(member).read(), wbits=31)
"""
"""The same gzip blobs unpacked by isal in one thread, each by one call."""
ISAL_IN_PIECES = """
import sys, tarfile
from isal import igzip
with tarfile.open(sys.argv[1]) as outer:
    for member in outer:
        if member.size > 100_000:
            with igzip.open(outer.extractfile(member)) as plain:
                while plain.read(1 << 17):
                    pass
"""
"""The same in pieces that stay in the cache and are thrown away: the fastest that isal does in one thread."""
VERIFIED = """
import hashlib, mmap, sys, tarfile
from concurrent.futures import ThreadPoolExecutor
from isal import isal_zlib
def read(data):
    hashlib.sha256(data).digest()
    reader, space = isal_zlib._GzipReader(data), bytearray(1 << 19)
    while reader.readinto(space):
        pass
with tarfile.open(sys.argv[1]) as outer, ThreadPoolExecutor(2) as threads:
    whole = memoryview(mmap.mmap(outer.fileobj.fileno(), 0, access=mmap.ACCESS_READ))
    blobs = [whole[one.offset_data : one.offset_data + one.size] for one in outer if one.size > 100_000]
    list(threads.map(read, blobs))
"""
"""The same blobs hashed and unpacked, as who verifies them must, in two threads: the limit of reading them."""
HEADERS = """
import mmap, struct, sys
unpack = struct.Struct("100s24x12s20xc").unpack_from
with open(sys.argv[1], "rb") as file:
    data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
todo, seen = [(0, len(data))], []
while todo:
    at, end = todo.pop()
    while at < end:
        name, size, kind = unpack(data, at)
        if not name[0]:
            break
        length = int(size[:11], 8)
        seen.append(name)
        if name.startswith(b"blobs/sha256/") and length > 100_000:
            todo.append((at + 512, at + 512 + length))
        at += 512 + (length + 511 & -512)
"""
"""Names and sizes of every header of an archive, and nothing else: the limit of a first look at plain layers in Python."""


class Bench:
    """One run of everything."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.programs = options.tools / "bin"
        self.scratch = Path(tempfile.mkdtemp(prefix="msbtui-bench-"))
        self.environ = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
            "XDG_CACHE_HOME": str(self.scratch / "cache"),
            "XDG_CONFIG_HOME": str(self.scratch / "config"),
            "PYTHONPYCACHEPREFIX": str(self.scratch / "bytecode"),
            "PYTHONPATH": str(HERE.parent),
            "CI": "false",
        }
        self.lines: list[str] = []
        self.answers: dict[str, dict[str, object]] = {}

    # -- programs

    def msbtui(self, target: str, *, known: bool) -> Run:
        """`inspect --json`; `known`: with what an earlier look left in the cache."""
        if not known:
            shutil.rmtree(self.scratch / "cache", ignore_errors=True)
        done = run([sys.executable, "-m", "msbtui", "inspect", target, "--json", "--quiet"], self.environ)
        if not done.done:
            raise SystemExit(f"msbtui failed on {target}")
        self.answers[target] = json.loads(done.output)["image"]
        return done

    def dive(self, path: Path) -> Run:
        return run(
            [str(self.programs / "dive"), f"docker-archive://{path}", "--json", str(self.scratch / "dive.json")], self.environ
        )

    def xray(self, path: Path) -> Run:
        return run_until([str(self.programs / "xray"), str(path)], self.environ, SCREEN)

    def python(self, script: str, path: Path) -> Run:
        return run([sys.executable, "-c", script, str(path)], self.environ)

    # -- figures

    def image(self, name: str) -> Path:
        path = images.MAKERS[name](self.options.images)
        with path.open("rb") as file:  # into memory, for all alike
            while file.read(1 << 22):
                pass
        return path

    def best(self, times: int, *programs: Callable[[], Run]) -> list[Run]:
        """Let programs take turns; give the fastest run of each."""
        runs: list[list[Run]] = [[] for _ in programs]
        for _ in range(times):
            for found, program in zip(runs, programs, strict=True):
                found.append(program())
        return [min(found, key=lambda one: one.seconds) for found in runs]

    def row(self, what: str, ours: Run, against: str, theirs: Run, wanted: str, *, times: bool = True) -> None:
        """One line: `times`: how many times faster; else the share of their time."""
        ratio = theirs.seconds / ours.seconds if times else ours.seconds / theirs.seconds
        spent = theirs.processor / ours.processor if times else ours.processor / theirs.processor
        if not theirs.done:
            self.say(f"| {what} | {_cost(ours)} | {against} | gives no answer | | | {wanted} |")
            return
        unit = "x faster" if times else "x its time"
        self.say(f"| {what} | {_cost(ours)} | {against} | {_cost(theirs)} | {ratio:.2f}{unit} | {spent:.2f}x | {wanted} |")

    def say(self, line: str) -> None:
        print(line, flush=True)
        self.lines.append(line)

    # -- what is measured

    def first_looks(self, name: str, what: str, dive_times: int, wanted_dive: str, wanted_xray: str) -> None:
        path = self.image(name)
        known = [lambda: self.msbtui(str(path), known=False), lambda: self.msbtui(str(path), known=True)]
        first, second, xray, *_ = self.best(self.options.times, *known, lambda: self.xray(path))
        (headers,) = self.best(self.options.times, lambda: run([sys.executable, "-c", HEADERS, str(path)], self.environ))
        (dive,) = self.best(dive_times, lambda: self.dive(path))
        self.row(f"{what}, first look", first, "dive", dive, wanted_dive)
        self.row(f"{what}, first look", first, "xray", xray, wanted_xray)
        self.row(f"{what}, first look", first, "limit: names and sizes of all headers", headers, "", times=False)
        self.row(f"{what}, second look", second, "own first look", first, "under 0.25 s")
        read, size = self.read_of(path)
        self.say(f"| {what}, second look: of {size >> 20} MiB read from disk | {read >> 10} KiB | | | | | no byte of a layer |")
        hidden = self.answers[str(path)]["hidden"]
        wasted = json.loads((self.scratch / "dive.json").read_text())["image"]["inefficientBytes"] if dive.done else None
        self.say(f"| {what}: bytes hidden | {hidden:,} | dive, wasted | {wasted:,} | | | exact |")

    def read_of(self, path: Path) -> tuple[int, int]:
        """Give how much of a file a second look brings into memory, with what the system reads ahead around it; and its size."""
        size = path.stat().st_size
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            before = _resident(file.fileno(), size)
            self.msbtui(str(path), known=True)
            return max(_resident(file.fileno(), size) - before, 0), size

    def big(self) -> None:
        self.first_looks("big", "1.5 GB, 5 layers, 17,000 entries", self.options.times, "8x", "")
        path = self.image("big")

        def evicted(program: Callable[[], Run]) -> Callable[[], Run]:
            def go() -> Run:
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                return program()

            return go

        ours, dive = self.best(2, evicted(lambda: self.msbtui(str(path), known=False)), evicted(lambda: self.dive(path)))
        self.row("the same, not in the system's memory", ours, "dive", dive, "")

    def churn(self) -> None:
        self.first_looks("churn", "109,000 entries, 10 layers", 1, "200x", "not slower")

    def gzip(self) -> None:
        path = self.image("gzip")
        ours, isal, pieces, limit = self.best(
            self.options.times,
            lambda: self.msbtui(str(path), known=False),
            lambda: self.python(ISAL, path),
            lambda: self.python(ISAL_IN_PIECES, path),
            lambda: self.python(VERIFIED, path),
        )
        self.row("8 gzip layers, 0.8 GB unpacked", ours, "isal alone, one thread, a call a blob", isal, "0.7x", times=False)
        self.row("the same", ours, "isal alone, one thread, pieces that stay in the cache", pieces, "", times=False)
        self.row("the same", ours, "limit: isal and sha256 of what is stored, two threads", limit, "", times=False)

    def linear(self) -> None:
        small, large = self.image("files-100k"), self.image("files-1m")
        few, many = self.best(2, lambda: self.msbtui(str(small), known=False), lambda: self.msbtui(str(large), known=False))
        self.row("1,000,000 entries, 20 layers", many, "100,000 entries", few, "11x at most; under 500 MB", times=False)
        few, many = self.best(2, lambda: self.msbtui(str(small), known=True), lambda: self.msbtui(str(large), known=True))
        self.row("the same, second look", many, "100,000 entries", few, "", times=False)

    def whiteouts(self) -> None:
        plain, marked = self.image("half-million"), self.image("half-million-whiteouts")
        one, two = self.best(3, lambda: self.msbtui(str(plain), known=False), lambda: self.msbtui(str(marked), known=False))
        self.row("500,000 files and 10,000 whiteouts", two, "without the whiteouts", one, "1.2x at most", times=False)

    def engine(self) -> None:
        """The 1.5 GB image in an engine, exported once."""
        host = self.options.engine
        if not host:
            return
        self.environ["DOCKER_HOST"] = host
        with self.image("big").open("rb") as file:
            subprocess.run(["docker", "load", "--quiet"], stdin=file, env=self.environ, check=True, stdout=subprocess.DEVNULL)
        ref = "docker:bench/big:latest"
        (first,) = self.best(1, lambda: self.msbtui(ref, known=False))
        (second,) = self.best(self.options.times, lambda: self.msbtui(ref, known=True))
        self.row("1.5 GB image in an engine, second look", second, "own first look", first, "20x")
        subprocess.run(["docker", "rmi", "bench/big:latest"], env=self.environ, check=False, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """What starting costs, whatever is looked at."""
        bare, ours = self.best(
            self.options.times,
            lambda: run([sys.executable, "-c", "pass"], self.environ),
            lambda: run([sys.executable, "-m", "msbtui", "--version"], self.environ),
        )
        self.row("`msbtui --version`", ours, "bare Python", bare, "", times=False)


PARTS = ("start", "big", "churn", "gzip", "linear", "whiteouts", "engine")


def _cost(one: Run) -> str:
    return f"{one.seconds:.2f} s ({one.processor:.2f} s, {one.memory / 1e6:.0f} MB)"


def _resident(number: int, size: int) -> int:
    """Give the bytes of a file that are in the system's memory (mincore(2))."""
    pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
    flags = (ctypes.c_ubyte * pages)()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    at = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, number, 0)
    libc.mincore(ctypes.c_void_p(at), ctypes.c_size_t(size), flags)
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(size))
    return sum(flag & 1 for flag in flags) * mmap.PAGESIZE


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--tools", type=Path, default=cache / "msbtui-benchmarks")
    parser.add_argument("--images", type=Path, default=Path(tempfile.gettempdir()) / "msbtui-benchmark-images")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, divided by commas: " + ", ".join(PARTS))
    parser.add_argument("--times", type=int, default=5, help="turns of the fast programs")
    parser.add_argument("--engine", default="", help="a Docker Engine's address, to measure an image in it")
    parser.add_argument("--no-write", action="store_true", help="leave README.md as it is")
    options = parser.parse_args()
    options.images.mkdir(parents=True, exist_ok=True)
    versions = tools.install(options.tools)
    bench = Bench(options)
    bench.say("| what | msbtui | against | theirs | ratio | ratio of processor time | to reach |")
    bench.say("|---|---|---|---|---|---|---|")
    try:
        for part in options.only.split(","):
            getattr(bench, part)()
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, AttributeError):
        processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]  # type: ignore[index]
    about = (
        f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores ({processor}), Python {platform.python_version()}, "
        f"dive {versions.get('dive', 'missing')}, "
        f"xray-tui {versions.get('xray', 'missing')}; load average {os.getloadavg()[1]:.1f}. "
        "Wall time with the program's start; in brackets processor time and peak memory."
    )
    print(about)
    if not options.no_write:
        page = HERE / "README.md"
        text = page.read_text()
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        page.write_text(f"{before}{BEGIN}\n{about}\n\n" + "\n".join(bench.lines) + f"\n{END}{after}")


if __name__ == "__main__":
    main()
