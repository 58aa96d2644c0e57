"""Engines behind ssh, with an ssh that leads to a socket on this machine."""

from __future__ import annotations

import os
import stat
import sys

import pytest
from fake_engine import FakeEngine
from image_samples import Sample

from msbtui.engine import open_image
from msbtui.engine.docker import connect
from msbtui.engine.ssh import ssh_command
from msbtui.errors import TargetError
from msbtui.image.cache import LayerCache

SSH = f"""#!{sys.executable}
import os, socket, sys, threading
open(os.environ["SSH_LOG"], "a").write(" ".join(sys.argv[1:]) + "\\n")
if os.environ.get("SSH_FAILS"):
    sys.exit("Permission denied (publickey).")
link = socket.socket(socket.AF_UNIX)
link.connect(os.environ["SSH_SOCKET"])
def up():
    while data := os.read(0, 65536):
        link.sendall(data)
    link.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := link.recv(65536):
    os.write(1, data)
"""


@pytest.fixture
def environ(tmp_path):
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin/ssh"
    ssh.write_text(SSH)
    ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
    return {
        "PATH": str(ssh.parent),
        "SSH_LOG": str(tmp_path / "log"),
        "SSH_SOCKET": str(tmp_path / "s"),
        "DOCKER_HOST": "ssh://me@far:2222",
    }


def test_an_engine_behind_ssh(environ, tmp_path):
    with FakeEngine(tmp_path / "s", Sample()).running():
        image = open_image("docker:sample", environ=environ, cache=LayerCache(tmp_path / "cache"))
    assert len(image.layers) == 3
    called = (tmp_path / "log").read_text().splitlines()[0]
    assert called.endswith("-l me -p 2222 -- far docker system dial-stdio")


def test_what_ssh_says_is_said(environ):
    with pytest.raises(TargetError, match=r"ssh://me@far:2222: no engine answers: Permission denied \(publickey\)\."):
        connect({**environ, "SSH_FAILS": "1"})


def test_the_socket_and_every_ssh_go_with_the_engine(environ, tmp_path):
    with FakeEngine(tmp_path / "s", Sample()).running():
        engine = connect(environ)
        folder = engine._tunnel._folder
        assert os.path.isdir(folder)
        engine._tunnel.close()
    assert not os.path.exists(folder)


@pytest.mark.parametrize("host", ["ssh://-oProxyCommand=x", "ssh://", "ssh://me:pw@far", "ssh://far:x", "ssh://-l@far"])
def test_addresses_that_are_none(host, environ):
    with pytest.raises(TargetError, match="is no address"):
        ssh_command(host, environ)


def test_a_socket_on_the_other_side(environ):
    command = ssh_command("ssh://far/run/docker.sock", environ)
    assert command[-6:] == ["far", "docker", "--host", "unix:///run/docker.sock", "system", "dial-stdio"]
