import os

import pytest
from shown_session import NoContents, index_of

from msbtui.analysis.model import Base
from msbtui.cli import run
from msbtui.dockerfile.ignore import parse_ignore
from msbtui.dockerfile.parser import parse
from msbtui.errors import TargetError
from msbtui.image.model import HistoryItem, Image, ImageConfig, Kind, Layer
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.session import Session
from msbtui.session.context import Taken, ignored_by, read_context, taken_by
from msbtui.session.model import Options
from msbtui.session.reading import match_session_lines
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.explain import explain
from msbtui.session.rows.inputs import context_lines
from msbtui.session.rows.selection import Links, Selection

TEXT = (
    "FROM a\nARG D=x\nCOPY src/*.go go.mod /s/\nCOPY . .\nADD $D /d\nCOPY nothing /n\nCOPY --from=b /x /x\n"
    'COPY --exclude=*.log logs /l\nCOPY ["src", "/j"]\n'
)


@pytest.fixture
def folder(tmp_path):
    for name, size in {
        "Dockerfile": len(TEXT),
        "src/a.go": 10,
        "src/b.go": 20,
        "src/sub/c.go": 40,
        "go.mod": 5,
        "logs/x.log": 7,
        "logs/y": 3,
        "node_modules/big": 1000,
        "README.md": 2,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(TEXT if name == "Dockerfile" else "x" * size)
    (tmp_path / "link").symlink_to("go.mod")
    (tmp_path / ".dockerignore").write_text("# dependencies\nnode_modules\n*.md\n!KEEP.md\nbuild/\n")
    return tmp_path


def test_each_copy_takes_what_the_ignore_file_leaves(folder):
    context = read_context(folder / "Dockerfile")
    assert (context.ignored_files, context.ignored_bytes) == (2, 1002)
    assert [each.written for each in context.unmatched] == ["!KEEP.md", "build/"]
    sent = sum(file.bytes for file in context.files)
    assert context.bytes == sent
    assert [(each.line, each.source, each.files, each.bytes) for each in taken_by(context, parse(TEXT))] == [
        (3, "src/*.go", 2, 30),
        (3, "go.mod", 1, 5),
        (4, ".", len(context.files), sent),
        (5, "$D", None, 0),
        (6, "nothing", 0, 0),
        (8, "logs", 1, 3),
        (9, "src", 3, 70),
    ]
    assert "link" in {file.path for file in context.files if file.bytes == 0}


@pytest.mark.parametrize("own", ["go.mod\n", ""])
def test_the_ignore_file_of_the_dockerfile_wins_also_when_it_is_empty(folder, own):
    (folder / "Dockerfile.dockerignore").write_text(own)
    context = read_context(folder / "Dockerfile")
    assert context.ignore_path.endswith("Dockerfile.dockerignore") and context.shadowed.endswith("/.dockerignore")
    assert context.ignored_files == (1 if own else 0)


def test_a_large_folder_gives_lower_bounds_and_blames_no_pattern(folder):
    context = read_context(folder / "Dockerfile", limit=4)
    assert not context.complete and context.unmatched == ()
    assert "or more" in context_lines(context, parse(TEXT))[0]


def test_a_refused_pattern_is_named_with_its_line(folder):
    (folder / ".dockerignore").write_text("a\n[\n")
    with pytest.raises(TargetError, match=r"\.dockerignore:2"):
        read_context(folder / "Dockerfile")


def test_hostile_names_are_printable(folder):
    (folder / os.fsdecode(b"src/\x1b[31m\xff.go")).write_text("xy")
    context = read_context(folder / "Dockerfile")
    assert r"src/\x1b[31m\xff.go" in {file.path for file in context.files}
    assert taken_by(context, parse(TEXT))[0] == Taken(3, "src/*.go", 3, 32)


def test_the_command_tells_it(folder, capsys):
    assert run(["graph", str(folder), "--context"]) == 0
    out = capsys.readouterr().out
    assert "left out: 1.0 kB in 2 files by" in out
    assert "line 3: src/*.go: 30 B in 2 files" in out
    assert "line 6: nothing: no file that is sent matches" in out
    assert "line 5 of the ignore file matches nothing: build/" in out


def test_the_explanation_of_a_copy_says_what_it_takes(folder):
    dockerfile = parse(TEXT)
    said = explain(
        Selection(line=3), "source", Links(Costs(), dockerfile), dockerfile, "", lambda: read_context(folder / "Dockerfile")
    )
    assert ("From the build context, src/*.go: 30 B in 2 files.", "text") in said
    asked = []
    explain(Selection(line=7), "source", Links(Costs(), dockerfile), dockerfile, "", lambda: asked.append(1))
    assert not asked


@pytest.mark.parametrize(
    "patterns", ["node_modules\n*.log\n", "*\n!src\nsrc/*.o\n", "**/cache\n!a/cache/keep\n", "a/b\n!a/b/c\n"]
)
def test_what_the_ignore_file_leaves_out_can_be_asked_path_by_path(tmp_path, patterns):
    (tmp_path / ".dockerignore").write_text(patterns)
    ignore = parse_ignore(patterns.encode())
    ignored = ignored_by(tmp_path / "Dockerfile")
    paths = [
        "node_modules/x/y.js",
        "a.log",
        "d/a.log",
        "src",
        "src/a.c",
        "src/a.o",
        "a/cache/keep",
        "a/cache/x",
        "a/b/c/d",
        "a/b/e",
    ]
    assert [ignored(path) for path in paths] == [ignore.ignores(path)[0] for path in paths]
    assert any(map(ignored, paths))
    deep = "d/" * 5000 + "x.c"
    assert ignored(deep) == ignore.ignores(deep)[0]


def test_nothing_is_known_to_be_left_out_without_a_good_ignore_file(tmp_path):
    assert ignored_by(tmp_path / "Dockerfile") is None
    (tmp_path / ".dockerignore").write_text("[\n")
    assert ignored_by(tmp_path / "Dockerfile") is None
    (tmp_path / ".dockerignore").write_text("# nothing\n")
    assert ignored_by(tmp_path / "Dockerfile") is None


def test_a_pattern_that_is_refused_only_when_it_is_asked_leaves_nothing_out(tmp_path):
    (tmp_path / ".dockerignore").write_text("*.log\n[z-a]\n")
    ignored = ignored_by(tmp_path / "Dockerfile")
    assert not ignored("d/b.log")


def test_findings_know_what_the_ignore_file_names_now(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
    (tmp_path / ".dockerignore").write_text("data\n")
    session = Session(Options(target="docker:x", dockerfile=str(tmp_path / "Dockerfile")), environ={})
    session.open()
    index = index_of([("app/data/a.csv", Kind.FILE, 100), ("app/run", Kind.FILE, 7)])
    history = (HistoryItem(created_by="COPY . /app # buildkit", comment="buildkit.dockerfile.v0"),)
    layer = Layer(0, "sha256:0", index, NoContents(), history=history[0], history_index=0)
    session.image = Image("x", "sha256:1", "linux/amd64", ImageConfig(entrypoint=("/app/run",)), history, [layer])
    session.table, session.base = FileTable([index]), Base(0)
    session.packages = read_packages(session.image, session.table)
    match_session_lines(session)
    session.refresh_waste()
    assert [(each.kind, each.bytes, each.line) for each in session.waste.findings] == [("context-junk", 100, 2)]
    (tmp_path / ".dockerignore").unlink()
    session.refresh_waste()
    assert session.waste.findings == ()
