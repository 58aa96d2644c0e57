"""The fences of a verification's containers, each tried on real engines: network, memory, processes, time, writing, rights."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from msbtui.dockerfile.parser import parse
from msbtui.engine.build import new_id
from msbtui.engine.containers import Container, run
from msbtui.engine.leftovers import LABEL, OWNER_LABEL, owner, remove_all
from msbtui.engine.tracer import Tracer
from msbtui.errors import TargetError
from msbtui.session.model import Options
from msbtui.split.verify import Site

pytestmark = pytest.mark.engine
IMAGE = "debian:bookworm-slim"


@pytest.fixture
def identity(engine):
    made = new_id()
    yield made
    remove_all(made, environ=engine)


def asked(engine: dict[str, str], *words: str) -> str:
    return subprocess.run(["docker", *words], env=engine, capture_output=True, text=True, check=True).stdout


def sh(engine: dict[str, str], identity: str, text: str, **options: object):
    return run(IMAGE, ("-c", text), entrypoint="/bin/sh", verify_id=identity, environ=engine, **options)  # type: ignore[arg-type]


def fenced(engine: dict[str, str], container: Container, identity: str) -> dict:
    found = json.loads(asked(engine, "inspect", container.name))[0]
    host = found["HostConfig"]
    assert host["Memory"] == 1 << 30
    assert host["PidsLimit"] == 256
    assert host["NanoCpus"] == 1_000_000_000
    assert host["Privileged"] is False
    assert host["Binds"] in (None, [])
    assert host["Devices"] in (None, [])
    assert (host["PidMode"], host["IpcMode"], host["UTSMode"], host["UsernsMode"]) == ("", "private", "", "")
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    assert not any("unconfined" in option for option in host["SecurityOpt"])
    assert host["PortBindings"] in (None, {})
    labels = found["Config"]["Labels"]
    assert (labels[LABEL], labels[OWNER_LABEL]) == (identity, owner())
    return host


def test_a_container_is_fenced_in_as_the_engine_sees_it(engine, identity):
    with Container(IMAGE, ("sleep", "60"), verify_id=identity, read_only=True, environ=engine) as container:
        host = fenced(engine, container, identity)
        assert host["NetworkMode"] == "none"
        assert host["ReadonlyRootfs"] is True
        assert host["CapAdd"] in (None, [])
        # the window beside it sees its network and nothing more
        network = f"container:{container.name}"
        with Container(IMAGE, ("sleep", "60"), verify_id=identity, network=network, environ=engine) as window:
            host = fenced(engine, window, identity)
            assert host["NetworkMode"].startswith("container:")
            assert host["CapAdd"] in (None, [])
    assert asked(engine, "ps", "-aq", "--filter", f"label={LABEL}={identity}") == ""


def test_a_watched_container_has_the_same_fences(engine, identity):
    try:
        with Tracer(IMAGE, "linux/amd64", "", verify_id=identity, environ=engine) as tracer:
            with tracer.container(("sleep", "60")) as container:
                host = fenced(engine, container, identity)
            assert host["NetworkMode"] == "none"
            assert set(host["CapAdd"] or []) <= {"SYS_PTRACE", "CAP_SYS_PTRACE"}
    except TargetError as error:
        pytest.skip(error.what)


def test_there_is_no_network_but_its_own(engine, identity):
    result = sh(engine, identity, "ls /sys/class/net; tail -n +2 /proc/net/route; cat /proc/net/if_inet6 | wc -l")
    assert result.stdout.split()[0] == b"lo"
    assert b"eth" not in result.stdout
    text = 'use Socket; socket(S, PF_INET, SOCK_STREAM, 0); exit(connect(S, sockaddr_in(53, inet_aton("8.8.8.8"))) ? 0 : 9)'
    assert run(IMAGE, ("-e", text), entrypoint="/usr/bin/perl", verify_id=identity, environ=engine, timeout=30).exit_code == 9


def test_memory_processes_and_time_end(engine, identity):
    hungry = run(
        IMAGE, ("-e", "my @x; push @x, 'a' x 100_000_000 for 1 .. 40; print 'had it all'"), entrypoint="/usr/bin/perl",
        verify_id=identity, environ=engine,
    )  # fmt: skip
    assert hungry.exit_code == 137
    assert b"had it all" not in hungry.stdout
    text = "my $n = 0; while ($n < 2000) { my $p = fork; last unless defined $p; if (!$p) { sleep 20; exit } $n++ } print $n"
    forks = run(IMAGE, ("-e", text), entrypoint="/usr/bin/perl", verify_id=identity, environ=engine)
    assert 100 < int(forks.stdout) < 256
    endless = sh(engine, identity, "while true; do :; done", timeout=3)
    assert endless.timed_out
    assert asked(engine, "ps", "-aq", "--filter", f"label={LABEL}={identity}") == ""


def test_a_flood_of_output_is_bounded_here_and_on_the_engine(engine, identity, monkeypatch):
    monkeypatch.setattr("msbtui.engine.containers.OUTPUT_LIMIT", 1 << 16)
    result = sh(engine, identity, "head -c 40000000 /dev/zero | tr '\\0' x")
    assert result.truncated
    assert len(result.stdout) == 1 << 16
    with Container(IMAGE, ("-c", "yes"), entrypoint="/bin/sh", verify_id=identity, environ=engine) as container:
        container.wait(3)
        log = json.loads(asked(engine, "inspect", container.name))[0]["HostConfig"]["LogConfig"]
        assert (log["Type"], log["Config"]) == ("json-file", {"max-size": "4m"})
        assert len(container.logs(1 << 20)[0]) <= 1 << 20


def test_nothing_can_be_written_where_that_is_said_and_no_rights_are_gained(engine, identity):
    result = sh(
        engine, identity, "touch /usr/x /x; echo $?; grep NoNewPrivs /proc/self/status; mount -t tmpfs none /mnt", read_only=True
    )
    assert b"Read-only file system" in result.stderr
    assert b"NoNewPrivs:\t1" in result.stdout
    assert result.exit_code != 0
    assert b"permission denied" in result.stderr.lower()


HOLDER = """
import sys
from msbtui.engine.containers import Container
from msbtui.engine.folders import temporary_folder
with temporary_folder("build"), Container(sys.argv[1], ("sleep", "300"), verify_id=sys.argv[2]) as container:
    print(container.name, flush=True)
    sys.stdin.readline()
"""


def holder(engine: dict[str, str], identity: str, place: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process that verifies for as long as it gets no line; give it, and its container's name."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, IMAGE, identity], env={**engine, "TMPDIR": str(place)}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


def test_the_next_verification_sweeps_what_a_killed_one_left_and_leaves_a_running_one_alone(
    engine, identity, tmp_path, monkeypatch
):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    running, mine = holder(engine, identity, place)
    (folder,) = place.iterdir()
    killed, left = holder(engine, identity, place)
    killed.kill()
    killed.communicate()
    names = ("ps", "-a", "--format", "{{.Names}}", "--filter", f"label={LABEL}={identity}")
    assert set(asked(engine, *names).split()) == {mine, left}
    assert len(list(place.iterdir())) == 2
    dockerfile = parse("FROM scratch\n")
    with Site(dockerfile, tmp_path, Options(), environ=engine):
        assert asked(engine, *names).split() == [mine]
        assert list(place.iterdir()) == [folder]
        assert asked(engine, "inspect", "--format", "{{.State.Running}}", mine).strip() == "true"
    # what ends here removes its own and nothing of others
    assert asked(engine, *names).split() == [mine]
    running.communicate("\n", timeout=60)
    assert asked(engine, *names) == ""
    assert list(place.iterdir()) == []
