"""What a plan says of itself: why each line, what stays behind, what is kept only from caution; as text and in full."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, LIB, MEGABYTE, PATH, D, F, P, World, dpkg, elf, library, toolchain

from msbtui.dockerfile.parser import parse
from msbtui.image.model import ImageConfig
from msbtui.report.split_json import split_document
from msbtui.report.split_text import split_text
from msbtui.split.explain import places
from msbtui.split.model import Caution, LeftOut, Plan, Rung, Size, Step

TEXT = """FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y gcc make libz1 fonts-x
WORKDIR /src
COPY . .
RUN make && make install
EXPOSE 80
CMD ["tool"]
"""
PACKAGES = {
    **DEBIAN_PACKAGES,
    "libz1": P([f"{LIB}/libz.so.1"]),
    "fonts-x": P(["usr/share/fonts/x.ttf"], "fonts"),
    "gcc": P(["usr/bin/gcc"], "devel"),
}


@pytest.fixture(scope="module")
def world() -> World:
    installed = {
        **toolchain(),
        f"{LIB}/libz.so.1": library("libz.so.1", "libc.so.6", size=90_000),
        "usr/share/fonts/x.ttf": F(size=3 * MEGABYTE),
        "var/lib/apt/lists/deb_Packages": F(size=7 * MEGABYTE),
        "var/lib/apt/lists/deb_Sources": F(size=8 * MEGABYTE),
        **dpkg(PACKAGES),
    }
    source = {
        "src": D(), "src/main.c": F("int main;"), "src/Makefile": F("all:"), "src/table.dat": F(size=5000),
    }  # fmt: skip
    made = {"usr/local/bin/tool": elf("libz.so.1", "libc.so.6", size=70_000), "usr/local/share/tool/words": F(size=44_000)}
    layers = [
        ("RUN /bin/sh -c apt-get update && apt-get install -y gcc make libz1 fonts-x # buildkit", installed),
        ("COPY . .", source),
        ("RUN /bin/sh -c make && make install", made),
    ]
    return World(TEXT, layers, ImageConfig(env=(PATH,), cmd=("tool",), workdir="/src", exposed_ports=("80/tcp",)), base=DEBIAN)


def test_every_line_has_its_reason_and_the_library_names_who_needs_it(world):
    plan = world.plan()
    said = {step.what: step for step in plan.steps}
    assert "/usr/local/bin/tool needs libz.so.1" in said["install libz1"].why
    assert said["copy /usr/local/bin/tool"].evidence == ("/usr/local/bin/tool: CMD runs it",)
    # every instruction of the runtime stage is a step of its own
    stage = plan.dockerfile.partition("# runtime stage")[2]
    for line in stage.splitlines():
        if line.startswith(("EXPOSE", "CMD", "WORKDIR", "FROM")):
            assert line in said
        if line.startswith("COPY"):
            assert any(line.split()[-2] in what for what in said if what.startswith("copy ")), line


def test_what_is_kept_only_from_caution_has_its_bytes(world):
    found = {item.what: (item.bytes, item.why) for item in world.plan().caution}
    assert found["files that may be data: /src/table.dat"][0] == 5000
    count, why = found["new files that nothing names: /usr/local/share/tool/words"]
    assert count == 44_000
    assert why == "nothing shows that only the build needs them; made by: make && make install"
    assert "the author installed it by name" in found["package fonts-x"][1]
    # what starts, and what it is linked with, is no caution
    assert not any("bin/tool" in what or "libz1" in what for what in found)
    amounts = [item.bytes for item in world.plan().caution]
    assert amounts == sorted(amounts, reverse=True)


def test_what_stays_behind_says_where_it_lies_and_why_that_is_safe(world):
    found = {item.what.partition(":")[0]: item for item in world.plan().left_out}
    state = found["state of the package manager, logs and temporary files"]
    assert "/var/lib/apt/lists" in state.what
    assert "deb_Packages" not in state.what
    assert state.bytes >= 15 * MEGABYTE
    assert "state of its own" in state.why
    assert "compiled" in found["sources, objects and build files of what was compiled"].why
    assert len({item.why for item in found.values()}) == len(found)


def test_the_text_has_the_evidence_the_risks_and_the_cautions_only_where_asked_for(world):
    plan = world.plan()
    short, full = split_text(plan, parse(world.dockerfile)), split_text(plan, parse(world.dockerfile), explain=True)
    assert "nothing shows that only the build needs them" in " ".join(full.split())
    assert "nothing shows that only the build needs them" not in " ".join(short.split())
    assert len(full) > len(short)
    for line in full.partition("\n--- ")[0].splitlines():
        assert len(line) <= 100, line
    for step in plan.steps:
        assert step.what in full


def test_steps_of_one_reason_say_it_once_and_amounts_stay_with_their_names():
    library = "a library that the application may load"
    steps = (
        Step("copy /a", f"{library} (1 kB in 2 files)", (f"/a/x: {library}",)),
        Step("copy /b", f"{library} (3 kB in 1 file)", ("/b/y: CMD runs it",)),
        Step("CMD x", "the author's own line"),
    )  # fmt: skip
    plan = Plan("split", (), "FROM a\n", 10, Size(estimated=5), steps=steps)
    text = split_text(plan, parse("FROM a\n"), explain=True)
    at = text.splitlines().index("  copy /a (1 kB in 2 files)")
    assert text.splitlines()[at : at + 6] == [
        "  copy /a (1 kB in 2 files)",
        "  copy /b (3 kB in 1 file)",
        "      a library that the application may load",
        "      · /b/y: CMD runs it",
        "  CMD x",
        "      the author's own line",
    ]


def test_small_amounts_are_one_line_until_all_are_asked_for():
    left = (LeftOut("much: /x", 5_000_000, "safe"), LeftOut("little: /y", 500_000, "safe"), LeftOut("less: /z", 100_000, "safe"))
    plan = Plan("split", (), "FROM a\n", 10, Size(estimated=5), left_out=left, caution=(Caution("a: /q", 7, "may be read"),))
    dockerfile = parse("FROM a\n")
    short, full = split_text(plan, dockerfile), split_text(plan, dockerfile, explain=True)
    assert "little" not in short
    assert "  600 kB  2 more" in short
    assert "little: /y" in full
    assert "more" not in full
    assert "      7 B  a: /q" in short
    assert "may be read" in full


def test_the_document_holds_all_of_it_and_is_as_its_schema_says(world):
    plan = world.plan()
    schema = json.loads((files("msbtui") / "report" / "schemas" / "split.json").read_text())
    document = split_document(plan)
    jsonschema.validate(document, schema)
    assert [item["what"] for item in document["caution"]] == [item.what for item in plan.caution]
    assert [step["evidence"] for step in document["steps"]] == [list(step.evidence) for step in plan.steps]
    rung = Rung("trees", "what", "a risk", 7)
    ladder = split_document(Plan("split", (), "", rungs=(rung,)))["rungs"]
    assert ladder == [{"name": "trees", "what": "what", "risk": "a risk", "estimated": 7, "chosen": False}]


class Sizes:
    def __init__(self, sizes: dict[str, int]) -> None:
        self.size = sizes.__getitem__


@pytest.mark.parametrize(
    ("sizes", "named"),
    [
        ({"root/.cache/pip/a": 5, "root/.cache/pip/b": 5}, "/root/.cache/pip"),
        ({"root/.cache/pip/a": 5}, "/root/.cache/pip/a"),
        ({"a/b/x": 100, "a/b/y": 100, "c/d": 1}, "/a/b, /c/d"),
        ({f"r{i}/x": i + 1 for i in range(9)}, "/r8/x, /r7/x, /r6/x and 6 more"),
        ({f"app/f{i}": 1 for i in range(9)}, "/app"),
        ({}, ""),
    ],
)
def test_places_are_named_by_the_directories_that_hold_the_bytes(sizes, named):
    assert places(Sizes(sizes), sizes) == named  # type: ignore[arg-type]
