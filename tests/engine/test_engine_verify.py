"""Verification on real engines: what a failing check teaches, what signals leave behind, and what a kill leaves to sweep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from msbtui.engine.leftovers import LABEL, OWNER_LABEL, owner, sweep

pytestmark = pytest.mark.engine

SERVER = r"""#!/usr/bin/perl
use strict; use IO::Socket::INET; $| = 1;
my $place = '/sr' . 'c';
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die "no port: $!";
print "listening since ", time, "\n";
while (my $client = $server->accept) {
  my ($first) = split / HTTP/, scalar <$client>;
  while (<$client>) { last if /^\r?\n/ }
  my ($status, $body) = ('200 OK', '');
  if (open my $file, '<', "$place/table.in") { local $/; $body = <$file> . " at " . time . "\n" }
  else { ($status, $body) = ('500 Broken', "cannot open $place/table.in: $!\n") }
  print $client "HTTP/1.0 $status\r\nContent-Type: text/plain\r\n\r\n$first: $body"; close $client;
}
"""
SERVER_TEXT = """FROM debian:bookworm-slim
COPY . /src
RUN mkdir -p /root/.cache/ccache && head -c 20000000 /dev/zero > /root/.cache/ccache/objects
RUN cp /src/server.pl /usr/local/bin/server && chmod 755 /usr/local/bin/server
EXPOSE 8080
HEALTHCHECK CMD perl -e 'exit 0'
CMD ["server"]
"""


@pytest.fixture
def server(tmp_path) -> Path:
    """A project whose server reads a file under a name that it puts together, out of its own source tree."""
    for name, text in {"server.pl": SERVER, "Makefile": "all:\n", "table.in": "the table\n", "Dockerfile": SERVER_TEXT}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "msbtui", "split", str(folder / "Dockerfile"), *arguments]


def asked(engine: dict[str, str], *words: str) -> str:
    return subprocess.run(["docker", *words], env=engine, capture_output=True, text=True, check=True).stdout


def leftovers(engine: dict[str, str], value: str = "") -> str:
    label = f"label={LABEL}" + (f"={value}" if value else "")
    return asked(engine, "ps", "-aq", "--filter", label) + asked(engine, "images", "-q", "--filter", label)


def test_a_failing_check_names_what_the_next_build_gets(engine, server):
    done = subprocess.run(
        command(server, "--smoke-http", "/again", "--json"), env=engine, capture_output=True, text=True, check=False
    )
    document = json.loads(done.stdout)
    assert done.returncode == 0, (document["checks"], done.stderr)
    assert document["proven"]
    assert document["verified"]
    checks = {check["name"]: check["detail"] for check in document["checks"]}
    assert checks["listening ports"] == "8080"
    assert checks["GET / on port 8080"].startswith("200")
    assert checks["GET /again on port 8080"].startswith("200")
    assert checks["health check"] == "passes in both"
    assert "COPY --from=build /src/table.in /src/table.in" in document["dockerfile"]
    assert ".cache" not in document["dockerfile"].partition("# runtime stage")[2]
    assert LABEL not in document["dockerfile"]
    learned = [
        reason for reason in document["reasons"] if reason.startswith("build 1 (selective) failed: GET / on port 8080: 500")
    ]
    assert learned
    assert learned[0].endswith("so it gets /src/table.in")
    assert leftovers(engine) == ""


def test_a_rung_that_does_not_pass_gives_way_to_the_next(engine, server):
    """What the message does not name is kept by the rung that keeps the directory whole."""
    text = SERVER.replace("cannot open $place/table.in: $!", "it is broken")
    (server / "server.pl").write_text(text)
    done = subprocess.run(command(server, "--verify", "--json"), env=engine, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert done.returncode == 0, (document["checks"], document["reasons"], done.stderr)
    assert document["verified"]
    assert "what passed is the rung `trees` of the ladder" in document["reasons"]
    assert leftovers(engine) == ""


def started(engine: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    """Start a verification and wait until its containers run."""
    child = subprocess.Popen(
        command(folder, "--verify"), env=engine, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 240
    while child.poll() is None and not asked(engine, "ps", "-q", "--filter", f"label={LABEL}") and time.monotonic() < until:
        time.sleep(0.2)
    return child


@pytest.fixture
def sleeper(tmp_path) -> Path:
    (tmp_path / "Dockerfile").write_text(
        "FROM debian:bookworm-slim\n"
        "RUN mkdir -p /root/.cache/ccache && head -c 20000000 /dev/zero > /root/.cache/ccache/objects\n"
        "RUN printf '#!/usr/bin/perl\\nsleep 300\\n' > /usr/local/bin/app && chmod 755 /usr/local/bin/app\n"
        'EXPOSE 80\nCMD ["app"]\n'
    )
    return tmp_path


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(engine, sleeper, sign):
    child = started(engine, sleeper)
    assert child.poll() is None, child.communicate()
    child.send_signal(sign)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert errors == "msbtui: cancelled\n"
    assert leftovers(engine) == ""


def test_what_a_kill_leaves_is_swept_and_nothing_else(engine, sleeper):
    child = started(engine, sleeper)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    assert leftovers(engine)
    mine = asked(
        engine, "create", "--label", f"{LABEL}=mine", "--label", f"{OWNER_LABEL}={owner()}", "debian:bookworm-slim", "true"
    ).strip()  # fmt: skip
    try:
        assert sweep(environ=engine) >= 2
        assert leftovers(engine).strip() == mine[:12]
    finally:
        asked(engine, "rm", "--force", mine)
    assert leftovers(engine) == ""
