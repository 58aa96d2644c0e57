"""Builds and runs through the docker CLI: its words, its end, and that nothing stays behind."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from msbtui.engine import process
from msbtui.engine.build import BuildError, build, new_id, read_line, remove, remove_all, run
from msbtui.engine.host import Endpoint
from msbtui.engine.leftovers import owner
from msbtui.errors import Cancelled, TargetError

FAKE = f"""#!{sys.executable}
import os, sys, time
words = sys.argv[1:]
log = open(os.environ["FAKE_LOG"], "a")
print(*words, *(os.environ.get("DOCKER_" + name) for name in ("HOST", "BUILDKIT", "CONTEXT")), file=log, flush=True)
mode = os.environ.get("FAKE_MODE", "")
if words[:2] == ["buildx", "version"]:
    sys.exit(1 if "no buildx" in mode else 0)
if words[:2] == ["build", "--help"]:
    print("" if "no buildkit" in mode else "--progress string")
elif words[0] in ("buildx", "build"):
    name = words[words.index("--iidfile") + 1]
    text = open(words[words.index("--file") + 1]).read()
    ignore = words[words.index("--file") + 1] + ".dockerignore"
    print("#1 [internal] load build definition")
    print("#5 [build 2/4] RUN make", flush=True)
    print("#5 0.351 compiling", os.path.exists(ignore), flush=True)
    if "hang" in mode:
        child = os.fork()
        if child == 0:
            open(os.environ["FAKE_LOG"] + ".pid", "w").write(str(os.getpid()))
        time.sleep(600)
    if "--tag" in words:
        open(os.environ["FAKE_LOG"] + ".tag", "w").write(words[words.index("--tag") + 1])
    if "fail" in mode:
        print("ERROR: failed to solve: process did not complete: exit code: 2")
        sys.exit(1)
    open(name, "w").write(os.environ.get("FAKE_ID", "sha256:" + "a" * 64))
elif words[:2] == ["image", "inspect"] and "loads" in mode and words[-1] == open(os.environ["FAKE_LOG"] + ".tag").read():
    print("sha256:" + "b" * 64)
elif words[:2] == ["image", "inspect"]:
    sys.exit(1)
elif words[0] == "run":
    if "hang" in mode:
        print("partial", flush=True)
        time.sleep(600)
    if "engine fails" in mode:
        print("docker: Error response from daemon: no room.\\nRun 'docker run --help' for more", file=sys.stderr)
        sys.exit(125)
    sys.stdout.write("out" * 1000)
    sys.stderr.write("err")
    sys.exit(7)
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A docker CLI that notes how it was called; gives its environment and its log."""
    (tmp_path / "bin").mkdir()
    cli = tmp_path / "bin/docker"
    cli.write_text(FAKE)
    cli.chmod(cli.stat().st_mode | stat.S_IXUSR)
    log = tmp_path / "log"
    log.touch()
    return {"PATH": str(cli.parent), "FAKE_LOG": str(log), "DOCKER_CONTEXT": "mine"}, log


def test_what_progress_says():
    line = read_line("#7 [build 2/4] RUN make")
    assert (line.vertex, line.stage, line.step, line.steps, line.text) == (7, "build", 2, 4, "[build 2/4] RUN make")
    line = read_line("#7 [linux/amd64 build 2/4] RUN make")
    assert (line.stage, line.step) == ("linux/amd64 build", 2)
    line = read_line("#7 [2/4] RUN make")
    assert (line.stage, line.step, line.steps) == ("", 2, 4)
    line = read_line("#7 0.351 \x1b[31mred")
    assert (line.output, line.text) == (True, "\\x1b[31mred")
    assert read_line("#7 DONE 0.1s").step is None
    assert read_line("").vertex is None


def test_a_build_is_called_as_docker_has_it(docker, tmp_path):
    environ, log = docker
    lines = []
    image = build(
        tmp_path, "FROM scratch\n", tag="t:1", target="stage",
        build_args={"A": "1"}, build_contexts={"c": "docker-image://x"}, platform="linux/amd64",
        host="unix:///engine.sock", verify_id="id1", on_line=lines.append, environ=environ,
    )  # fmt: skip
    assert image == "sha256:" + "a" * 64
    called = log.read_text().splitlines()[-2]  # then it asks for the image's id
    for words in (
        "buildx build --load --builder default --progress=plain", "--tag t:1", "--target stage",
        "--build-arg A=1", "--build-context c=docker-image://x",
        "--platform linux/amd64", "--label msbtui.verify=id1", f"{tmp_path} unix:///engine.sock None None",
    ):  # fmt: skip
        assert words in called
    assert [(line.stage, line.step) for line in lines if line.step] == [("build", 2)]


def test_the_image_is_asked_for_by_its_own_name_whatever_arguments_and_contexts_are_called(docker, tmp_path):
    environ, _ = docker
    image = build(
        tmp_path, "FROM scratch\n", build_args={"debian": "1"}, build_contexts={"alpine": "docker-image://x"},
        verify_id="id1", environ={**environ, "FAKE_MODE": "loads"},
    )  # fmt: skip
    assert image == "sha256:" + "b" * 64


@pytest.mark.parametrize("said", ["", "--cidfile=/tmp/x", "sha256:" + "A" * 64, "sha256:" + "a" * 64 + "\nx", "\u00e9"])
def test_an_engines_word_for_an_image_is_an_id_or_nothing(docker, tmp_path, said):
    environ, *_ = docker
    with pytest.raises(BuildError, match="ended without an image"):
        build(tmp_path, "FROM scratch\n", environ={**environ, "FAKE_ID": said})


def test_a_builder_and_what_belongs_to_it_go_to_buildx(docker, tmp_path):
    environ, log = docker
    build(tmp_path, "FROM scratch\n", builder="farm", extra=("--secret", "id=a", "--ssh", "default"), environ=environ)
    called = log.read_text().splitlines()[-1]
    assert "buildx build --load --builder farm --progress=plain" in called
    assert f"--secret id=a --ssh default {tmp_path}" in called
    with pytest.raises(TargetError, match="the builder farm needs buildx"):
        build(tmp_path, "FROM scratch\n", builder="farm", environ={**environ, "FAKE_MODE": "no buildx"})


def test_the_id_is_the_one_that_the_engine_knows_the_image_by(docker, tmp_path):
    """What a builder elsewhere calls its id may be another one in the engine that the image was loaded into."""
    environ, log = docker
    loads = {**environ, "FAKE_MODE": "loads"}
    assert build(tmp_path, "FROM scratch\n", verify_id="id1", builder="farm", environ=loads) == "sha256:" + "b" * 64
    assert "--tag msbtui-verify:id1-" in log.read_text()
    assert build(tmp_path, "FROM scratch\n", tag="mine:1", verify_id="id1", environ=loads) == "sha256:" + "b" * 64
    assert build(tmp_path, "FROM scratch\n", verify_id="id1", environ=environ) == "sha256:" + "a" * 64
    assert build(tmp_path, "FROM scratch\n", environ=loads) == "sha256:" + "a" * 64


def test_without_buildx_the_built_in_buildkit(docker, tmp_path):
    environ, log = docker
    build(tmp_path, "FROM scratch\n", environ={**environ, "FAKE_MODE": "no buildx"})
    assert log.read_text().splitlines()[-1].startswith("build --progress=plain")
    assert log.read_text().splitlines()[-1].endswith("None 1 mine")


def test_with_neither_it_says_so(docker, tmp_path):
    environ, _ = docker
    with pytest.raises(TargetError, match="neither buildx nor BuildKit") as caught:
        build(tmp_path, "FROM scratch\n", environ={**environ, "FAKE_MODE": "no buildx, no buildkit"})
    assert caught.value.exit_code == 4
    with pytest.raises(TargetError, match="there is none"):
        build(tmp_path, "FROM scratch\n", environ={"PATH": str(tmp_path)})


def test_a_failed_build_says_why_in_the_builders_words(docker, tmp_path):
    environ, _ = docker
    with pytest.raises(BuildError, match="failed to solve: process did not complete: exit code: 2") as caught:
        build(tmp_path, "FROM scratch\n", environ={**environ, "FAKE_MODE": "fail"})
    assert "#5 0.351 compiling False" in caught.value.log
    assert "\n" not in str(caught.value)


def test_a_dockerfiles_own_dockerignore_counts_for_its_text_too(docker, tmp_path):
    environ, _ = docker
    (tmp_path / "app.Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "app.Dockerfile.dockerignore").write_text("*.o\n")
    lines = []
    build(tmp_path, "FROM scratch\n", beside=tmp_path / "app.Dockerfile", on_line=lines.append, environ=environ)
    assert "compiling True" in [line.text for line in lines]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_cancel_ends_the_build_and_all_that_it_started(docker, tmp_path):
    environ, log = docker
    cancel = threading.Event()
    pid = Path(f"{log}.pid")

    def on_line(line):
        if line.output:
            threading.Thread(target=lambda: (wait_for(lambda: pid.exists() and pid.read_text()), cancel.set())).start()

    with pytest.raises(Cancelled):
        build(tmp_path, "FROM scratch\n", on_line=on_line, cancel=cancel, environ={**environ, "FAKE_MODE": "hang"})
    wait_for(lambda: not alive(int(pid.read_text())))
    assert not alive(int(pid.read_text()))


def wait_for(condition):
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)


def test_a_run_is_fenced_in(docker, monkeypatch):
    monkeypatch.setattr("msbtui.engine.containers.OUTPUT_LIMIT", 100)
    environ, log = docker
    result = run("image", ["cmd", "a b"], entrypoint="/bin/sh", host="unix:///e", verify_id="id1", environ=environ)
    assert (result.exit_code, len(result.stdout), result.stderr, result.truncated, result.timed_out) == (
        7,
        100,
        b"err",
        True,
        False,
    )
    called = log.read_text()
    for words in (
        "--rm",
        "--network none",
        "--security-opt no-new-privileges",
        "--memory 1g",
        "--pids-limit 256",
        "--cpus 1",
        "--pull never",
    ):
        assert words in called
    assert "--label msbtui.verify=id1 " in called
    assert f"--label msbtui.verify.owner={owner()} " in called
    assert "--log-opt max-size=4m" in called
    assert "--privileged" not in called
    assert "--read-only" not in called
    assert "--entrypoint /bin/sh image cmd a b unix:///e" in called


def test_a_run_that_does_not_end_is_killed_by_name(docker):
    environ, log = docker
    result = run("image", timeout=0.5, environ={**environ, "FAKE_MODE": "hang"})
    assert result.timed_out
    assert result.stdout == b"partial\n"
    called = log.read_text().splitlines()
    name = called[0].split("--name ")[1].split()[0]
    assert called[-1].startswith(f"rm --force --volumes {name} ")


def test_a_cancelled_run_is_removed_too(docker):
    environ, log = docker
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    with pytest.raises(Cancelled):
        run("image", cancel=cancel, environ={**environ, "FAKE_MODE": "hang"})
    assert log.read_text().splitlines()[-1].startswith("rm --force --volumes msbtui-")


def test_an_engine_that_cannot_start_it(docker):
    environ, _ = docker
    with pytest.raises(TargetError, match=r"could not be started: no room\. \(see"):
        run("image", environ={**environ, "FAKE_MODE": "engine fails"})


def test_the_environment_leads_to_the_given_engine():
    environ = {
        "DOCKER_HOST": "tcp://other",
        "DOCKER_CONTEXT": "c",
        "DOCKER_CERT_PATH": "/keys",
        "DOCKER_TLS_VERIFY": "1",
        "X": "y",
    }
    assert process.environment("unix:///e", environ) == {"DOCKER_HOST": "unix:///e", "X": "y"}
    assert process.environment(None, environ) == environ
    with_keys = process.environment(Endpoint("tcp://h:1", "a context", "/other", True), environ)
    assert with_keys == {"DOCKER_HOST": "tcp://h:1", "DOCKER_CERT_PATH": "/other", "DOCKER_TLS_VERIFY": "1", "X": "y"}


@pytest.fixture(params=["ENGINE_CLASSIC", "ENGINE_MODERN"])
def host(request):
    address = os.environ.get(request.param)
    if not address:
        pytest.skip(f"{request.param} names no engine")
    return address


@pytest.mark.engine
def test_a_real_build_run_and_removal(host, tmp_path):
    (tmp_path / "file").write_text("content\n")
    verify_id = new_id()
    text = "FROM debian:bookworm-slim AS first\nRUN echo made > /made\nFROM first\nCOPY file /file\n"
    try:
        lines = []
        image = build(tmp_path, text, host=host, verify_id=verify_id, on_line=lines.append)
        assert any(line.stage == "first" and line.steps == 2 for line in lines)
        result = run(
            image,
            ["sh", "-c", "cat /file /made; grep NoNewPrivs /proc/self/status; ls /sys/class/net"],
            host=host,
            verify_id=verify_id,
        )
        assert result.stdout == b"content\nmade\nNoNewPrivs:\t1\nlo\n"
        assert run(image, ["nothing"], host=host, verify_id=verify_id).exit_code == 127
        hanging = run(image, ["sleep", "60"], host=host, verify_id=verify_id, timeout=1)
        assert hanging.timed_out
        assert remove(image, host=host)
        with pytest.raises(TargetError, match="could not be started"):
            run(image, ["true"], host=host, verify_id=verify_id)
        with pytest.raises(BuildError, match="exit code: 3") as caught:
            build(tmp_path, "FROM debian:bookworm-slim\nRUN echo said; exit 3\n", host=host, verify_id=verify_id)
        assert any("said" in line for line in caught.value.log)
    finally:
        remove_all(verify_id, host=host)
    environ = process.environment(host)
    listed = process.collect(["docker", "ps", "--all", "--quiet", "--filter", f"label=msbtui.verify={verify_id}"], environ)
    assert listed.stdout == b""
