"""Recall and precision of the findings, on purpose-made Dockerfiles whose waste is known to the byte.

    ENGINE_CLASSIC=... ENGINE_MODERN=... python benchmarks/waste_truth.py [--keep] [NAME ...]

Builds each `tests/engine/truth/NAME.Dockerfile` on each engine that these variables name and compares what is found above the
base with what the file's own comments say. Directives, each on a line of its own, above the instruction that they are about:

    # waste[LABEL] KIND BYTES CONFIDENCE   the next instruction adds this finding; BYTES a number, or where the exact number
                                           depends on what is downloaded or compiled, what `find` and `dpkg` in a container of
                                           the image say: `@/PATH,@/PATH,!/PATH` all files at and below the first ones
                                           (patterns of the shell) that are not in the base image, without those at and below
                                           the last ones; `=NAME` keeps only files of such names. `dpkg:NAME` the files and
                                           records of a package, `base` all files of the base image, which is of one layer,
                                           `#PATH` what the file at PATH says (a number that the build wrote there)
    # hides[LABEL]                         the next instruction hides it
    # also KIND ...                        findings of these kinds may be there besides
    # near: TEXT                           what is there and is no waste (for people: any finding not declared is a false one)
    # file PATH BYTES                      a file of the build context

Recall: declared findings that are there, with kind, line, hiding line and confidence, and the bytes equal. Precision: findings
that were declared, among all; by confidence. Exit 1 where a finding of confidence A is false or a declared one is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from msbtui.analysis.base import find_base
from msbtui.analysis.lines import match_lines
from msbtui.analysis.model import Finding
from msbtui.analysis.waste import find_waste
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.engine import open_image
from msbtui.engine.docker import connect, known_bases
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.session.roots import root_image

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "engine" / "truth"
ENGINES = ("ENGINE_CLASSIC", "ENGINE_MODERN")
_WASTE = re.compile(r"# waste(?:\[(\w+)\])? ([\w-]+) (\S+) ([ABC])")
_HIDES = re.compile(r"# hides\[(\w+)\]")
_FILE = re.compile(r"# file (\S+) (\d+)")
_ALSO = re.compile(r"# also (.+)")


@dataclass
class Declared:
    """One finding that a Dockerfile says it has."""

    kind: str
    size: str
    confidence: str
    line: int
    label: str = ""
    hidden_by: int | None = None

    def __str__(self) -> str:
        later = f" hidden by line {self.hidden_by}" if self.hidden_by else ""
        return f"{self.kind} {self.size} {self.confidence} line {self.line}{later}"


@dataclass
class Truth:
    """What a Dockerfile says of itself."""

    name: str
    text: str
    declared: list[Declared] = field(default_factory=list)
    also: set[str] = field(default_factory=set)
    files: dict[str, int] = field(default_factory=dict)


@dataclass
class Outcome:
    """What was found, against what was said."""

    name: str
    right: list[Finding] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    false: list[Finding] = field(default_factory=list)


def read_truth(path: Path) -> Truth:
    """Read the directives of a Dockerfile."""
    truth = Truth(path.name.removesuffix(".Dockerfile"), path.read_text())
    waiting: list[Declared] = []
    hiding: list[str] = []
    continued = False
    for number, line in enumerate(truth.text.splitlines(), 1):
        if found := _WASTE.fullmatch(line):
            waiting.append(Declared(found[2], found[3], found[4], 0, found[1] or ""))
        elif found := _HIDES.fullmatch(line):
            hiding.append(found[1])
        elif found := _FILE.fullmatch(line):
            truth.files[found[1]] = int(found[2])
        elif found := _ALSO.fullmatch(line):
            truth.also.update(found[1].split())
        elif not line.startswith("#") and line.strip() and not continued:
            for one in waiting:
                one.line = number
            truth.declared += waiting
            for one in truth.declared:
                if one.label in hiding:
                    one.hidden_by = number
            waiting, hiding = [], []
        if not line.startswith("#"):
            continued = line.endswith("\\")
    return truth


def build(truth: Truth, host: str) -> str:
    """Build it on an engine; give the image's name."""
    name = f"msbtui-truth-{truth.name}"
    environ = dict(os.environ, DOCKER_HOST=host)
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w", suffix=".Dockerfile") as dockerfile:
        for number, (path, size) in enumerate(truth.files.items()):
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((b"%d\n" % number) * (size // 2) + b"\n" * (size % 2))
        dockerfile.write(truth.text)
        dockerfile.flush()
        command = ["docker", "buildx", "build", "--load", "--quiet", "-t", name, "-f", dockerfile.name, folder]
        if lock := os.environ.get("BUILD_LOCK"):
            command = ["flock", lock, *command]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{truth.name} did not build: {shlex.join(command)}\n{done.stderr[-2000:]}")
    return name


def compare(truth: Truth, reference: str, environ: dict[str, str]) -> Outcome:
    """Find the waste of a built image and compare."""
    dockerfile = parse(truth.text)
    graph = build_graph(dockerfile)
    image = open_image(reference, environ=environ)
    table = FileTable(layer.entries for layer in image.layers)
    provenance = match_lines(dockerfile, graph, image.history, [layer.history_index for layer in image.layers])
    base = find_base(image, provenance, known_bases(connect(environ)), from_name=root_image(graph))
    packages = read_packages(image, table)
    report = find_waste(image, table, packages, base, provenance, dockerfile, graph)
    sums = [
        sum(table.layer_hidden(layer) for layer in range(base.layers, table.layers)),
        sum(one.bytes for one in report.findings if one.hidden_by is not None and one.kind != "secret" and not one.in_base),
    ]
    if sums[0] != sums[1]:
        raise SystemExit(f"{truth.name}: {sums[0]} bytes are hidden, and findings tell of {sums[1]}")
    outcome = Outcome(truth.name)
    left = [finding for finding in report.findings if not finding.in_base]
    for one in truth.declared:
        size = measured(one.size, reference.removeprefix("docker:"), dockerfile.instructions[0].words[0], environ)
        match = next((finding for finding in left if _is(finding, one, size)), None)
        if match is None:
            outcome.missing.append(f"{one} = {size}")
        else:
            left.remove(match)
            outcome.right.append(match)
    outcome.false = [finding for finding in left if finding.kind not in truth.also]
    return outcome


def _is(finding: Finding, one: Declared, size: int) -> bool:
    hidden_by = finding.hidden_by.line if finding.hidden_by is not None else None
    said = (finding.kind, finding.confidence, finding.line, hidden_by, finding.bytes)
    return said == (one.kind, one.confidence, one.line, one.hidden_by, size)


def measured(said: str, reference: str, base: str, environ: dict[str, str]) -> int:
    """Give the bytes that a directive means, as the tools in a container tell them: nothing of msbtui's has a say in it."""
    if said.isdigit():
        return int(said)
    if said.startswith("#"):
        return int(_inside(reference, f"cat {said[1:]}", environ))
    if said == "base":
        return _stored_again(reference, base, environ)
    if name := said.partition("dpkg:")[2]:
        # A slim image lacks what dpkg lists and was told to leave out.
        records = f"find /var/lib/dpkg/info -regextype posix-extended -regex '.*/{name}(:[a-z0-9]+)?\\.[a-z0-9]+'"
        return _each_once(
            _inside(
                reference,
                f"(dpkg -L {name}; {records}) | xargs -d '\\n' -I@ find @ -maxdepth 0 -type f {_PRINT} 2>&1 || true",
                environ,
            )
        )
    parts = said.split(",")
    places, without, names = ([part[1:] for part in parts if part[0] == mark] for mark in "@!=")
    search = f"find {' '.join((*places, *without))} -type f {_PRINT}"
    held = _inside(base, f"{search} 2>&1 || true", environ) if base != "scratch" else ""
    in_base = {line.split(" ", 1)[1] for line in held.splitlines()}
    listing = _inside(reference, search, environ)
    left_out = [line.split(" ", 3)[3] for line in listing.splitlines() if line.split(" ", 1)[1] in in_base]
    return _each_once(listing, (*without, *left_out), names)


_PRINT = r"-printf '%i %s %T@ %p\n'"


def _inside(reference: str, script: str, environ: dict[str, str]) -> str:
    """Give what a shell in a container of the image prints."""
    # An engine under load may lose what a container printed that ended at once: the mark at the end shows it.
    script += "\nprintf ."
    command = ["docker", "run", "--rm", "--network=none", "--user=0", "--entrypoint=/bin/sh", reference, "-ec", script]
    for _ in range(3):
        done = subprocess.run(command, env=environ, capture_output=True, check=False)
        if done.returncode:
            break
        if done.stdout.endswith(b"."):
            return done.stdout[:-1].decode("utf-8", "surrogateescape")
    raise SystemExit(f"{shlex.join(command)}\n{done.stderr.decode(errors='replace')}")


def _stored_again(reference: str, base: str, environ: dict[str, str]) -> int:
    """Give the bytes of the files of the last layer that the base, of one layer, has with the same content.

    Python's own reader of archives tells. An engine with the containerd store leaves what did not change out of a layer.
    """
    last, (only,) = _layers(reference, environ)[-1], _layers(base, environ)
    return sum(size for path, (size, content) in last.items() if only.get(path) == (size, content))


def _layers(reference: str, environ: dict[str, str]) -> list[dict[str, tuple[int, str]]]:
    """Give each layer's files: path -> size and hash; of hard-linked names the first."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["docker", "save", "-o", file.name, reference], env=environ, check=True)
        with tarfile.open(file.name) as image:
            manifest = image.extractfile("manifest.json")
            assert manifest is not None
            return [_files(image, place) for place in json.load(manifest)[0]["Layers"]]


def _files(image: tarfile.TarFile, place: str) -> dict[str, tuple[int, str]]:
    found = {}
    with tarfile.open(fileobj=image.extractfile(place)) as layer:
        for member in layer:
            if member.isreg():
                content = layer.extractfile(member)
                assert content is not None
                name = member.name.removeprefix("./").strip("/")
                found[name] = (member.size, hashlib.file_digest(content, "sha256").hexdigest())
    return found


def _each_once(listing: str, without: Sequence[str] = (), names: Sequence[str] = ()) -> int:
    """Add the sizes up, those of hard-linked names once; an inode of which a name is left out stays whole."""
    sizes: dict[str, int] = {}
    kept: set[str] = set()
    literal = set(without)
    patterns = [place for place in without if "*" in place or f"{place}/" in listing]
    for line in listing.splitlines():
        if not line[0].isdigit():
            continue  # find says that something is not there
        inode, size, _, path = line.split(" ", 3)
        sizes[inode] = int(size)
        below = any(fnmatchcase(path, place) or fnmatchcase(path, f"{place}/*") for place in patterns)
        if path in literal or below or not (not names or any(fnmatchcase(path.rpartition("/")[2], name) for name in names)):
            kept.add(inode)
    return sum(size for inode, size in sizes.items() if inode not in kept)


def main() -> int:
    """Build, compare, print."""
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    truths = [read_truth(path) for path in sorted(FOLDER.glob("*.Dockerfile"))]
    truths = [truth for truth in truths if not names or truth.name in names]
    bad = 0
    for engine in ENGINES:
        host = os.environ.get(engine)
        if not host:
            continue
        environ = dict(os.environ, DOCKER_HOST=host)
        right, false = Counter[str](), Counter[str]()
        missing = declared = 0
        for truth in truths:
            reference = build(truth, host)
            outcome = compare(truth, f"docker:{reference}", environ)
            if "--keep" not in sys.argv:
                subprocess.run(["docker", "image", "rm", "-f", reference], env=environ, capture_output=True, check=False)
            declared += len(truth.declared)
            missing += len(outcome.missing)
            right.update(finding.confidence for finding in outcome.right)
            false.update(finding.confidence for finding in outcome.false)
            for text in outcome.missing:
                print(f"  {truth.name}: missing {text}")
            for finding in outcome.false:
                where = f"line {finding.line}" + (f" hidden by {finding.hidden_by.line}" if finding.hidden_by else "")
                print(f"  {truth.name}: false {finding.kind} {finding.bytes} {finding.confidence} {where} {finding.paths[:3]}")
        said = ", ".join(f"{mark}: {right[mark]} right, {false[mark]} false" for mark in "ABC")
        precision = sum(right.values()) / max(sum(right.values()) + sum(false.values()), 1)
        recall = (declared - missing) / max(declared, 1)
        print(
            f"{engine}: {len(truths)} Dockerfiles, {declared} findings declared; recall {recall:.3f}, "
            f"precision {precision:.3f} ({said})",
            flush=True,
        )
        bad += missing + false["A"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
