"""The probes with the real interpreters, where this machine has them, and what their results are worth as a check."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from split_world import DEBIAN, PATH, F, elf, view

from msbtui.engine.containers import RunResult
from msbtui.errors import TargetError
from msbtui.image.model import ImageConfig
from msbtui.split import probescripts
from msbtui.split.model import Check, Plan
from msbtui.split.probes import Probe, _check, probes, read_lines
from msbtui.split.trial import Trial


def loaded(*words: str, folder: Path, **env: str) -> dict[str, tuple[bool, str]]:
    done = subprocess.run(
        words,
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **env},
        capture_output=True,
        check=False,
    )
    return {item.name: (item.loaded, item.said) for item in read_lines(done.stdout)}


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_node_requires_every_production_dependency_and_no_other(tmp_path):
    document = {
        "dependencies": dict.fromkeys(("good", "bad", "gone", "modern", "@a/b", "loud"), "1"),
        "devDependencies": {"tool": "1"},
    }
    (tmp_path / "package.json").write_text(json.dumps(document))
    texts = {
        "good": "module.exports = 1", "bad": "require('./absent')", "@a/b": "module.exports = 2",
        "loud": "console.log('[]'); process.exit(4)",
        "modern": "export default 1", "tool": "throw 1",
    }  # fmt: skip
    for name, text in texts.items():
        folder = tmp_path / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "index.js").write_text(text)
        about = {"name": name, "version": "1.0.0", **({"type": "module", "exports": "./index.js"} if name == "modern" else {})}
        (folder / "package.json").write_text(json.dumps(about))
    found = loaded("node", "-e", probescripts.NODE, folder=tmp_path)
    assert {name: ok for name, (ok, _) in found.items()} == {
        "good": True, "bad": False, "gone": False, "modern": True, "@a/b": True, "loud": False,
    }  # fmt: skip
    assert "Cannot find module './absent'" in found["bad"][1]
    assert "Cannot find module 'gone'" in found["gone"][1]


@pytest.mark.skipif(shutil.which("ruby") is None, reason="no ruby here")
def test_ruby_requires_every_gem(tmp_path):
    for name, text in {"good": "X = 1", "bad": "require 'not_there_at_all'", "with-dash": "Y = 1"}.items():
        library = tmp_path / "gems" / f"{name}-1.0" / "lib"
        library.mkdir(parents=True)
        (library / f"{name}.rb").write_text(text)
        (tmp_path / "specifications").mkdir(exist_ok=True)
        (tmp_path / "specifications" / f"{name}-1.0.gemspec").write_text(
            f"Gem::Specification.new {{ |s| s.name = '{name}'; s.version = '1.0'; s.summary = 's'; s.authors = ['a'] }}\n"
        )
    found = loaded("ruby", "-e", probescripts.RUBY, folder=tmp_path, GEM_HOME=str(tmp_path), GEM_PATH=str(tmp_path))
    assert (found["good"][0], found["bad"][0], found["with-dash"][0]) == (True, False, True)
    assert "cannot load such file -- not_there_at_all" in found["bad"][1]


@pytest.mark.skipif(shutil.which("php") is None, reason="no php here")
def test_php_names_its_extensions(tmp_path):
    found = loaded("php", "-r", probescripts.PHP, folder=tmp_path)
    assert found["Core"] == (True, "")
    assert len(found) > 3


@pytest.mark.skipif(shutil.which("java") is None, reason="no java here")
def test_a_jar_loads_its_main_class(tmp_path):
    def ends(arguments: list[str]) -> tuple[int, bytes]:
        done = subprocess.run(["java", *arguments], cwd=tmp_path, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    with zipfile.ZipFile(tmp_path / "broken.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: absent.Main\n")
    code, said = ends(["--dry-run", "-jar", "broken.jar"])
    assert code != 0
    assert b"absent" in said
    if shutil.which("javac") is None:
        pytest.skip("no javac here to make a class that loads")
    (tmp_path / "Main.java").write_text(
        "public class Main { public static void main(String[] a) { System.out.println(Lib.x); System.exit(7); } }"
    )
    (tmp_path / "Lib.java").write_text("class Lib { static int x = 3; }")
    subprocess.run(["javac", "Main.java", "Lib.java"], cwd=tmp_path, check=True)
    with zipfile.ZipFile(tmp_path / "good.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: Main\n")
        jar.write(tmp_path / "Main.class", "Main.class")
    assert ends(["--dry-run", "-jar", "good.jar"]) == (0, b"")  # it does not run


JAVA = {**DEBIAN, "usr/bin/java": elf("libc.so.6"), "app/app.jar": F("PK"), "app/classes/Main.class": F("x")}


def test_a_class_path_start_is_tried_as_it_is_written():
    config = ImageConfig(
        env=(PATH,), entrypoint=("java", "-Xmx1g", "-cp", "classes:lib/*", "a.Main"), cmd=("serve",), workdir="/app"
    )
    found = probes(["app/classes/Main.class"], view([("", JAVA)], config, base_layers=0))
    assert [(probe.name, probe.arguments, probe.workdir) for probe in found] == [
        ("main class of the start", ("--dry-run", "-Xmx1g", "-cp", "classes:lib/*", "a.Main", "serve"), "/app")
    ]


class Runs(Trial):
    """A trial whose containers are a table: image -> what it answers."""

    def __init__(self, before: dict[str, F], answers: dict[str, RunResult | TargetError], gone: tuple[str, ...] = ()) -> None:
        config = ImageConfig(env=(PATH,), workdir="/app")
        after = {path: item for path, item in before.items() if not path.startswith(gone or ("//",))}
        super().__init__(
            Plan("split", (), "FROM x"), "old", "new", view([("", before)], config, base_layers=0),
            view([("", after)], config, base_layers=0), verify_id="", environ={}, cancel=None, tell=lambda _: None, memory={},
        )  # fmt: skip
        self.answers = answers
        self.asked: list[tuple[str, bool]] = []

    def run(self, image, command, *, entrypoint=None, timeout=60.0, read_only=False, workdir=None):
        self.asked.append((image, read_only))
        answer = self.answers[image]
        if isinstance(answer, TargetError):
            raise answer
        return answer


def said(*items: tuple[str, bool, str]) -> RunResult:
    return RunResult(0, b"".join(json.dumps([name, f"/app/{name}", ok, text]).encode() + b"\n" for name, ok, text in items), b"")


FILES = {**DEBIAN, "app/a.py": F(""), "app/b.py": F(""), "app/a/METADATA": F(""), "app/b/METADATA": F("")}
LINES = Probe("Python imports", "/usr/local/bin/python3", ("-c", ""))
WHOLE = Probe("main class of /app/app.jar", "/usr/bin/java", ("--dry-run",), lines=False)


def judged(probe: Probe, old: RunResult | TargetError, new: RunResult | TargetError, gone: tuple[str, ...] = ()) -> Check | None:
    return _check(Runs(FILES, {"old": old, "new": new}, gone), probe)


def test_only_what_loads_in_the_original_counts():
    old = said(("a", True, ""), ("b", False, "no"))
    check = judged(LINES, old, said(("a", True, ""), ("b", False, "no")))
    assert check is not None
    assert (check.passed, check.detail) == (True, "1 loads in both")
    # nothing loads in the original, or it cannot even run the probe: nothing to compare
    assert judged(LINES, said(("a", False, "no")), said(("a", False, "no"))) is None
    assert judged(LINES, TargetError("no such file"), said(("a", True, ""))) is None
    assert judged(LINES, RunResult(1, b"", b"no module json"), said(("a", True, ""))) is None


def test_what_loads_in_the_original_alone_fails_the_check_and_is_named():
    old = said(("a", True, ""), ("b", True, ""))
    check = judged(LINES, old, said(("a", True, ""), ("b", False, "ImportError: cannot open /app/b.py")), ("app/b.py",))
    assert check is not None
    assert not check.passed
    assert check.detail == "b: ImportError: cannot open /app/b.py"
    assert check.lacks == ("app/b.py",)
    check = judged(LINES, old, said(("a", True, "")))
    assert check is not None
    assert not check.passed
    assert "b is not there" in check.detail
    check = judged(LINES, old, TargetError("exec /usr/local/bin/python3: no such file"))
    assert check is not None
    assert not check.passed
    check = judged(LINES, old, RunResult(137, b"", b"", timed_out=True))
    assert check is not None
    assert not check.passed


@pytest.mark.parametrize(
    ("old", "new", "passed"),
    [
        (RunResult(0, b"", b""), RunResult(0, b"", b""), True),
        (RunResult(0, b"", b""), RunResult(1, b"", b"Error: Could not find or load main class"), False),
        (RunResult(0, b"", b""), RunResult(137, b"", b"", timed_out=True), False),
        (RunResult(1, b"", b"Unrecognized option: --dry-run"), RunResult(1, b"", b""), None),
        (RunResult(137, b"", b"", timed_out=True), RunResult(0, b"", b""), None),
    ],
)
def test_a_probe_of_one_whole_counts_by_its_exit_code(old, new, passed):
    check = judged(WHOLE, old, new)
    assert (None if check is None else check.passed) is passed


def test_the_new_image_is_probed_under_the_fences_that_the_original_bore():
    trial = Runs(FILES, {"old": RunResult(0, b"", b""), "new": RunResult(0, b"", b"")})
    _check(trial, WHOLE)
    assert trial.asked == [("old", True), ("new", True)]
    trial = Runs(FILES, {"old": RunResult(0, b"", b"Read-only file system"), "new": RunResult(0, b"", b"")})
    _check(trial, WHOLE)
    assert trial.asked == [("old", True), ("old", False), ("new", False)]
