"""Watching on real engines: what a program opens under a name that it puts together is kept only where that was watched."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from msbtui.engine.build import NAMES, build, new_id
from msbtui.engine.leftovers import LABEL, OWNER_LABEL, remove_all
from msbtui.engine.tracer import Tracer
from msbtui.errors import TargetError
from msbtui.split.trace import named

pytestmark = pytest.mark.engine

APP = r"""#!/usr/bin/perl
my $place = '/sr' . 'c/plug' . 'ins/';
print "working\n";
for my $name ('o' . 'ne', 't' . 'wo') { open(my $file, '<', "$place$name.ext") or next; my $line = <$file>; }
"""
TEXT = """FROM debian:bookworm-slim
COPY . /src
RUN mkdir -p /root/.cache/ccache && head -c 20000000 /dev/zero > /root/.cache/ccache/objects
RUN cp /src/app.pl /usr/local/bin/app && chmod 755 /usr/local/bin/app && useradd --uid 1234 runner
USER runner
CMD ["app"]
"""


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "plugins").mkdir()
    for name, text in {"app.pl": APP, "Makefile": "all:\n", "Dockerfile": TEXT}.items():
        (tmp_path / name).write_text(text)
    for name in ("one", "two", "three"):
        (tmp_path / "plugins" / f"{name}.ext").write_text(f"the plugin {name}\n" * (200_000 if name == "three" else 1))
    return tmp_path


def asked(engine: dict[str, str], *words: str) -> str:
    return subprocess.run(["docker", *words], env=engine, capture_output=True, text=True, check=True).stdout


def split(engine: dict[str, str], folder: Path, *arguments: str) -> tuple[int, dict, str]:
    words = [sys.executable, "-m", "msbtui", "split", str(folder / "Dockerfile"), "--json", *arguments]
    done = subprocess.run(words, env=engine, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace to carry along")
def test_what_was_opened_is_kept_and_nothing_else_of_its_kind(engine, project):
    code, document, errors = split(engine, project, "--verify")
    assert (code, document["verified"]) == (0, True), (document["checks"], errors)
    # the program works without its plugins and says nothing of them, so no check can miss them
    assert "plugins" not in document["dockerfile"].partition("# runtime stage")[2]
    code, document, errors = split(engine, project, "--trace")
    assert (code, document["verified"]) == (0, True), (document["checks"], errors)
    stage = document["dockerfile"].partition("# runtime stage")[2]
    assert "/src/plugins/one.ext" in stage
    assert "/src/plugins/two.ext" in stage
    assert "three.ext" not in stage
    assert "/src/plugins /" not in stage
    evidence = [line for step in document["steps"] for line in step["evidence"]]
    assert "/src/plugins/one.ext: opened while the container's start ran" in evidence
    assert [run["what"] for run in document["traced"]] == ["the container's start"]
    assert document["traced"][0]["files"] >= 3
    label = f"label={LABEL}"
    assert asked(engine, "ps", "-aq", "--filter", label) + asked(engine, "images", "-q", "--filter", label) == ""
    assert asked(engine, "images", "-q", NAMES) == ""


def test_a_machine_without_strace_installs_one_in_a_copy_of_the_image(engine, tmp_path, monkeypatch):
    """Needs the image's package repositories."""
    identity = new_id()
    text = "FROM debian:bookworm-slim\nRUN useradd --uid 1234 runner\nUSER runner\n"
    image = build(tmp_path, text, verify_id=identity, environ=engine)
    monkeypatch.setattr("shutil.which", lambda name, **_: None if name == "strace" else real(name, **_))
    try:
        with Tracer(image, "linux/amd64", "runner", verify_id=identity, environ=engine) as tracer:
            assert tracer.name == "strace, installed in a copy of the image"
            with tracer.container(["sh", "-c", "id -u; cat /etc/debian_version"]) as container:
                container.wait(30)
                out, trace = container.logs()
            assert out.split() == [b"1234", asked(engine, "run", "--rm", image, "cat", "/etc/debian_version").strip().encode()]
            assert {"etc/debian_version", "usr/bin/cat"} <= named(trace)
    except TargetError as error:
        if "could not be installed" in error.what:
            pytest.skip("builds of this engine reach no package repository")
        raise
    finally:
        remove_all(identity, environ=engine)
    assert asked(engine, "images", "-q", NAMES) == ""


real = shutil.which


def test_an_image_of_nothing_is_watched_by_what_is_carried_in_and_else_the_reason_is_said(engine, tmp_path, monkeypatch):
    if real("strace") is None:
        pytest.skip("no strace to carry along")
    identity = new_id()
    text = "FROM debian:bookworm-slim AS from\nFROM scratch\nCOPY --from=from /usr/bin/cat /cat\nCOPY --from=from /lib64 /lib64\n"
    text += (
        "COPY --from=from /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/\n"
    )
    text += "USER 999:999\n"
    image = build(tmp_path, text, verify_id=identity, environ=engine)
    try:
        with (
            Tracer(image, "linux/amd64", "999:999", verify_id=identity, environ=engine) as tracer,
            tracer.container(["/cat", "/etc/hostname"]) as container,
        ):
            container.wait(30)
            trace = container.logs()[1]
        assert {"cat", "etc/hostname"} <= named(trace)
        with pytest.raises(TargetError, match=r"strace is of amd64, the image of s390x; strace could not be installed in a copy"):
            Tracer(image, "linux/s390x", "999", verify_id=identity, environ=engine).__enter__()
    finally:
        remove_all(identity, environ=engine)
    assert asked(engine, "images", "-q", NAMES) == ""


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace to carry along")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_watches_leaves_nothing_behind(engine, project, tmp_path, sign):
    place = tmp_path / "temporary"
    place.mkdir()
    (project / "app.pl").write_text("#!/usr/bin/perl\nsleep 300;\n")
    child = subprocess.Popen(
        [sys.executable, "-m", "msbtui", "split", str(project / "Dockerfile"), "--trace"],
        env={**engine, "TMPDIR": str(place)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 240
    form = f'{{{{.Command}}}} {{{{.Label "{OWNER_LABEL}"}}}}'
    listing = ("ps", "--no-trunc", "--filter", f"label={OWNER_LABEL}", "--format", form)
    while child.poll() is None and time.monotonic() < until:
        if any("tracer -f" in line and f"/{child.pid}/" in line for line in asked(engine, *listing).splitlines()):
            break
        time.sleep(0.2)
    assert child.poll() is None, child.communicate()
    child.send_signal(sign)
    _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (130, "msbtui: cancelled\n")
    assert not any(f"/{child.pid}/" in line for line in asked(engine, "ps", "-a", *listing[1:]).splitlines())
    assert list(place.glob("msbtui-*")) == []
