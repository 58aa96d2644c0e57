"""Probes: which files ask for which, what their lines say, and that the scripts themselves find what does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, PATH, F, P, dpkg, elf, view

from msbtui.engine.containers import RunResult, State
from msbtui.image.model import ImageConfig
from msbtui.split import probescripts
from msbtui.split.javamodules import module_check
from msbtui.split.masking import without_numbers
from msbtui.split.model import Plan
from msbtui.split.probes import Loaded, Probe, compare_lines, probes, read_lines
from msbtui.split.start import Seen, _ends, read_answer, stream_differs
from msbtui.split.trial import Trial, says_read_only

SITE = "usr/local/lib/python3.11/site-packages"
FILES = {
    **DEBIAN,
    **dpkg({**DEBIAN_PACKAGES, "python3-six": P(["usr/lib/python3/dist-packages/six-1.dist-info/METADATA"], "python")}),
    "usr/local/bin/python3": elf("libc.so.6"),
    "usr/local/bin/node": elf("libc.so.6"),
    "usr/local/bin/java": elf("libc.so.6"),
    "usr/local/bin/ruby": elf("libc.so.6"),
    "opt/venv/bin/python": elf("libc.so.6"),
    "opt/venv/pyvenv.cfg": F("home = /usr/local/bin"),
    f"{SITE}/yaml/__init__.py": F(""),
    f"{SITE}/PyYAML-6.dist-info/METADATA": F(""),
    "usr/lib/python3/dist-packages/six-1.dist-info/METADATA": F(""),
    "app/package.json": F("{}"),
    "app/node_modules/a/package.json": F("{}"),
    "app/app.jar": F("PK"),
    "app/lib/other.jar": F("PK"),
    "usr/local/bundle/specifications/rack-3.gemspec": F(""),
}
CONFIG = ImageConfig(env=(PATH,), cmd=("java", "-jar", "app.jar"), workdir="/app")


def original():
    return view([("", FILES)], CONFIG, base_layers=0)


def test_the_kept_files_say_which_probes_run():
    found = {probe.name: probe for probe in probes(list(FILES), original())}
    assert set(found) == {
        "Python imports of /opt/venv/bin/python",
        "Python imports of /usr/local/bin/python3",
        "Node dependencies of /app",
        "main class of /app/app.jar",
        "Ruby gems",
    }
    assert found["Node dependencies of /app"].workdir == "/app"
    assert found["main class of /app/app.jar"].arguments == ("--dry-run", "-jar", "/app/app.jar")
    assert probes(["usr/local/bin/python3", "app/main.py"], original()) == []


def trial(gone: tuple[str, ...] = (), set_aside: tuple[str, ...] = ()) -> Trial:
    after = view([("", {path: item for path, item in FILES.items() if not path.startswith(gone or ("//",))})], CONFIG)
    plan = Plan("split", (), "FROM x", set_aside=set_aside)
    return Trial(plan, "a", "b", original(), after, verify_id="", environ={}, cancel=None, tell=lambda _: None, memory={})


def test_a_library_that_is_gone_or_does_not_load_fails_and_is_named():
    probe = Probe("Python imports", "/usr/local/bin/python3", ())
    good = [Loaded("yaml", f"{SITE}/PyYAML-6.dist-info", True, "")]
    same = RunResult(0, b'["yaml", "/usr/local/lib/python3.11/site-packages/PyYAML-6.dist-info", true, ""]\n', b"")
    assert compare_lines(trial(), probe, good, same).passed
    gone = compare_lines(trial((SITE,)), probe, good, RunResult(0, b"", b""))
    assert not gone.passed
    assert gone.lacks == (f"{SITE}/PyYAML-6.dist-info", f"{SITE}/yaml")
    said = b'["yaml", "/x", false, "Traceback\\nModuleNotFoundError: No module named \'yaml\'"]\n'
    broken = compare_lines(trial((f"{SITE}/yaml",)), probe, good, RunResult(0, said, b""))
    assert broken.lacks == (f"{SITE}/yaml",)
    assert "No module named" in broken.detail


def test_lines_that_a_library_printed_are_skipped():
    data = b'hello\n[1, 2]\n["a", "/b", true, ""]\n{"x": 1}\n["", "", false, "out of time"]\n["c", "", 1, "no"]\n\xff\xfe\n'
    assert read_lines(data) == [Loaded("a", "b", True, ""), Loaded("c", "", False, "no")]
    assert read_lines(b"[" * 100_000 + b"\n" + b"1" * 10_000 + b"\n" + data) == read_lines(data)


def test_the_python_script_tells_what_loads_and_what_does_not(tmp_path: Path):
    for name, text in {
        "good_one": "x = 1",
        "bad_one": "import not_there_at_all",
        "loud": "print('[]'); import os; os._exit(3)",
    }.items():
        record = tmp_path / f"{name}-1.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (record / "RECORD").write_text(f"{name}.py,,\n{name}-1.dist-info/METADATA,,\n")
        (tmp_path / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-S", "-c", probescripts.PYTHON],
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, check=True,
    )  # fmt: skip
    found = {item.name: item for item in read_lines(done.stdout)}
    assert (found["good_one"].loaded, found["bad_one"].loaded, found["loud"].loaded) == (True, False, False)
    assert "No module named 'not_there_at_all'" in found["bad_one"].said
    assert found["good_one"].where == str(tmp_path / "good_one-1.dist-info").lstrip("/")


def test_answers_are_taken_apart():
    answer = read_answer(b"HTTP/1.1 302 Found\r\nDate: now\r\nLocation: /login\r\ncontent-type: text/html; charset=x\r\n\r\nbody")
    assert (answer.status, answer.kind, answer.body) == ("302 to /login", "text/html", b"body")
    assert read_answer(b"220 mail ready\r\n").status == ""
    assert read_answer(b"\x00\xff\r\n\r\n").body == b"\x00\xff\r\n\r\n"


def test_what_numbers_alone_make_different_is_the_same_loosely():
    assert without_numbers("part 12 of 3, id deadbeef01") == without_numbers("part 7 of 4, id 00ffee1234")
    assert without_numbers("worker failed") != without_numbers("worker started")


def test_a_start_differs_by_lines_that_two_starts_of_the_original_do_not_explain():
    first, second = b"ready 1\nworker a\nextra now\n", b"worker a\nready 2\n"
    assert stream_differs(first, second, b"worker a\nready 7\n") == ""
    assert "has 'broken'" in stream_differs(first, second, b"worker a\nready 7\nbroken\n")
    assert "lacks 'worker a'" in stream_differs(first, second, b"ready 1\n")
    # what still runs may be cut anywhere, and be a moment later
    assert stream_differs(first, second, b"ready 1\nwork", b"ready 1\nworker a", running=True) == ""
    assert "has 'work'" in stream_differs(first, second, b"ready 1\nwork\nworker a\n", running=True)
    assert "has 'work'" in stream_differs(first, second, b"ready 1\nwork", b"worker a")
    menu = b"".join(b"%d. choice\nenter: " % number for number in range(50))
    assert stream_differs(menu, menu[:400], menu[:333], running=True) == ""


def test_complaints_of_a_read_only_file_system():
    assert says_read_only(b"", b"touch: cannot touch 'x': Read-only file system")
    assert says_read_only(b"Error: EROFS: read-only file system, open 'x'", b"")
    assert not says_read_only(b"all is well", b"")


@pytest.mark.parametrize(
    ("used", "has", "passed"),
    [
        (b"java.base,jdk.compiler\n", b"java.base@17.0.1\njava.sql@17.0.1\n", False),
        (b"java.base,java.sql\n", b"java.base@17.0.1\njava.sql@17.0.1\n", True),
        (b"Error: no module\nagain\n", b"java.base@17\n", None),
        (b"", b"java.base@17\n", None),
        (b"java.base\n", b"", None),
    ],
)
def test_the_modules_that_jars_use_must_be_in_the_new_java(used, has, passed):
    before = view([("", {**FILES, "usr/local/bin/jdeps": elf("libc.so.6")})], CONFIG, base_layers=0)
    asked = SimpleNamespace(
        plan=Plan("split", (), "", kept=("app/app.jar", "app/x.txt")),
        before=before,
        after=original(),
        new="new",
        run_original=lambda command, **_: (RunResult(0, used, b"") if command[-1] == "/app/app.jar" else None, True),
        run=lambda *_, **__: RunResult(0, has, b""),
    )
    check = module_check(asked)
    assert passed is None if check is None else check.passed is passed
    assert check is None or passed or "jdk.compiler" in check.detail


def test_an_extension_of_php_that_is_not_there_asks_for_its_package():
    so = "usr/lib/php/20220829/simplexml.so"
    before = {**DEBIAN, so: elf("libc.so.6"), **dpkg({**DEBIAN_PACKAGES, "php8.2-xml": P([so])})}
    trial = SimpleNamespace(
        before=view([("", before)], ImageConfig(), base_layers=0), after=view([("", DEBIAN)], ImageConfig(), base_layers=0)
    )
    probe = Probe("PHP extensions", "/usr/bin/php", ())
    check = compare_lines(trial, probe, [Loaded("SimpleXML", "", True, ""), Loaded("core", "", True, "")], RunResult(0, b"", b""))
    assert not check.passed
    assert check.lacks == ("package:php8.2-xml",)


def test_a_start_that_the_kernel_ended_says_so() -> None:
    ran = Seen(State(running=True, exit_code=0))
    killed = Seen(State(running=False, exit_code=137, out_of_memory=True), stdout=b"loading\n")
    check = _ends(trial(), ran, killed, read_only=False)
    assert not check.passed
    assert check.detail == (
        "the original still runs, the new image ended with exit code 137"
        " (killed: it wanted more memory than a trial has): loading"
    )
    assert "memory" not in _ends(trial(), ran, Seen(State(running=False, exit_code=1)), read_only=False).detail
