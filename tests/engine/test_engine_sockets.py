"""Engines that are found without being told, and podman's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from image_samples import Sample, digest, write_tar

from msbtui.engine import host, open_image, recognise
from msbtui.engine.certificates import folders
from msbtui.engine.credentials import find_credentials
from msbtui.engine.docker import connect
from msbtui.engine.host import DEFAULT_SOCKET, find_endpoint, podman_environ
from msbtui.errors import TargetError
from msbtui.image.cache import LayerCache

PLACES = [
    ("run/docker.sock", "rootless Docker"),
    (".docker/run/docker.sock", "rootless Docker or Docker Desktop"),
    (".docker/desktop/docker.sock", "Docker Desktop"),
    (".colima/default/docker.sock", "Colima"),
    (".rd/docker.sock", "Rancher Desktop"),
    ("run/podman/podman.sock", "podman"),
]


@pytest.fixture
def home():
    """A short path: the address of a unix socket holds about a hundred bytes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def alone(home, monkeypatch):
    """Surroundings in which no engine of this machine is seen."""
    monkeypatch.setattr(host, "DEFAULT_SOCKET", f"unix://{home}/none.sock")
    real = host._podman_sockets
    monkeypatch.setattr(host, "_podman_sockets", lambda environ: [path for path in real(environ) if home in path.parents])
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}


def listen(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()
    return listening


@pytest.mark.parametrize(("place", "whose"), PLACES)
def test_a_socket_is_found_without_being_told(home, alone, place, whose):
    with listen(home / place):
        found = find_endpoint(alone)
        assert (found.host, found.because) == (f"unix://{home / place}", f"the socket of {whose}")
        assert find_endpoint({**alone, "DOCKER_HOST": "unix:///mine"}).host == "unix:///mine"
    # its file is still there, but nobody listens
    assert find_endpoint(alone).because.startswith("the default socket and those")


def test_the_default_socket_comes_first_and_the_others_in_order(home, alone):
    with listen(home / "run/podman/podman.sock"), listen(home / "run/docker.sock"), listen(home / "none.sock"):
        assert find_endpoint(alone).because == "the default socket"
        (home / "none.sock").unlink()
        assert find_endpoint(alone).because == "the socket of rootless Docker"


def test_without_any_engine_the_line_says_what_was_tried(home, alone):
    with pytest.raises(TargetError, match=r"none\.sock: no engine there \(tried the default socket and those of rootless Docker"):
        connect(alone)
    assert DEFAULT_SOCKET == "unix:///var/run/docker.sock"


def test_podman_is_an_engine_of_its_own(home, alone, tmp_path):
    assert recognise("podman:app") == recognise("podman://app") == recognise("containers-storage:app")
    assert recognise("docker:app") == recognise("docker-daemon:app")
    assert recognise("podman:app").podman and not recognise("docker:app").podman
    with pytest.raises(TargetError, match=r"no podman service listens \(tried .*podman.sock; start it: systemctl.*\)\Z"):
        open_image("podman:sample", environ=alone, cache=LayerCache(tmp_path))
    (home / "run/podman").mkdir(parents=True)
    with FakeEngine(home / "run/podman/podman.sock", Sample()).running() as fake:
        fake.answers["/version"] = b'{"Version": "4.3.1", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}'
        image = open_image("podman:sample", environ={**alone, "DOCKER_HOST": "unix:///none"}, cache=LayerCache(tmp_path))
    assert image.id == digest(fake.sample.config)
    assert image.source == f"engine podman 4.3.1 at unix://{home}/run/podman/podman.sock"


def test_podmans_own_setting_wins_over_its_sockets(home, alone):
    with listen(home / "run/podman/podman.sock"):
        assert podman_environ({**alone, "CONTAINER_HOST": "unix:///there"})["DOCKER_HOST"] == "unix:///there"
        found = podman_environ({**alone, "DOCKER_CONTEXT": "mine", "DOCKER_HOST": "unix:///other"})
    assert found["DOCKER_HOST"] == f"unix://{home}/run/podman/podman.sock"
    assert "DOCKER_CONTEXT" not in found


@pytest.mark.engine
def test_a_real_podman(home, tmp_path):
    podman = shutil.which("podman")
    if podman is None:
        pytest.skip("podman is not installed")
    sample = Sample(tags=["docker.io/library/sample:latest"])  # its last item has no time, on which podman 4 breaks
    archive = write_tar(tmp_path / "image.tar", sample.legacy())
    store = ["--root", str(tmp_path / "store"), "--runroot", str(home / "rr"), "--storage-driver", "vfs"]
    subprocess.run([podman, *store, "load", "-q", "-i", str(archive)], check=True, stdout=subprocess.DEVNULL, timeout=60)
    address = home / "p.sock"
    service = subprocess.Popen([podman, *store, "system", "service", "-t", "0", f"unix://{address}"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while not host._listens(address) and time.monotonic() < until:
            time.sleep(0.1)
        environ = {"HOME": str(home), "PATH": os.environ["PATH"], "CONTAINER_HOST": f"unix://{address}"}
        cache = LayerCache(tmp_path / "cache")
        image = open_image("podman:sample", environ=environ, cache=cache)
        assert [layer.diff_id for layer in image.layers] == sample.diff_ids
        assert image.verified
        assert [layer.history_index for layer in image.layers] == [0, 1, 2]
        assert not image.notes
        assert image.source.startswith("engine podman ")
        with pytest.raises(TargetError, match=r"no such image in podman .* \(nearest: docker.io/library/sample:latest"):
            open_image("podman:docker.io/library/samples", environ=environ, cache=cache)
    finally:
        service.terminate()
        service.wait(10)


def test_somebody_without_a_home_has_none_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~/.docker").mkdir(parents=True)
    (tmp_path / "~/.docker/config.json").write_text('{"currentContext": "of somebody else"}')
    monkeypatch.setattr(host, "_listens", lambda path: False)
    assert find_endpoint({}).host == DEFAULT_SOCKET
    assert find_credentials("h.example", {}) is None
    assert folders("h.example", {}) == []
