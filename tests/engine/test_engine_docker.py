"""The engine's address, its answers, and the one clear line where it does not answer well."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
import time

import pytest
from fake_engine import FakeEngine
from image_samples import Sample

from msbtui.engine import open_image
from msbtui.engine.docker import connect, known_bases, nearest
from msbtui.engine.history import api_history, layer_history
from msbtui.engine.host import DEFAULT_SOCKET, find_endpoint
from msbtui.errors import Cancelled, TargetError
from msbtui.image.cache import LayerCache
from msbtui.image.model import HistoryItem


@pytest.fixture
def engine(tmp_path):
    with FakeEngine(tmp_path / "s", Sample()).running() as fake:
        yield fake


def write_context(home, name, endpoint):
    folder = home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": endpoint}}))


def test_docker_host_wins_over_contexts(tmp_path):
    write_context(tmp_path, "mine", {"Host": "tcp://ctx:1"})
    (tmp_path / ".docker/config.json").write_text('{"currentContext": "mine"}')
    home = {"HOME": str(tmp_path)}
    assert find_endpoint({**home, "DOCKER_HOST": "unix:///x"}).host == "unix:///x"
    assert find_endpoint(home).host == "tcp://ctx:1"
    assert find_endpoint({**home, "DOCKER_CONTEXT": "default"}).host == DEFAULT_SOCKET
    write_context(tmp_path, "other", {"Host": "ssh://me@there", "SkipTLSVerify": True})
    assert find_endpoint({**home, "DOCKER_CONTEXT": "other"}).host == "ssh://me@there"


def test_without_settings_the_default_socket(tmp_path):
    assert find_endpoint({"HOME": str(tmp_path)}).host == DEFAULT_SOCKET


def test_a_context_that_is_not_there(tmp_path):
    with pytest.raises(TargetError, match="DOCKER_CONTEXT=gone does not exist"):
        find_endpoint({"HOME": str(tmp_path), "DOCKER_CONTEXT": "gone"})


@pytest.mark.parametrize("text", ["[" * 100_000, '{"currentContext": 7}', "{"])
def test_damaged_settings_are_one_clear_line(tmp_path, text):
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(text)
    with pytest.raises(TargetError, match="configuration") as caught:
        find_endpoint({"HOME": str(tmp_path)})
    assert "\n" not in str(caught.value)


def test_tls_keys_of_a_context(tmp_path):
    write_context(tmp_path, "tls", {"Host": "tcp://h:2376"})
    keys = tmp_path / ".docker/contexts/tls" / hashlib.sha256(b"tls").hexdigest() / "docker"
    keys.mkdir(parents=True)
    found = find_endpoint({"HOME": str(tmp_path), "DOCKER_CONTEXT": "tls"})
    assert (found.tls_folder, found.tls_verify) == (str(keys), True)


def test_list_and_inspect(engine):
    connected = connect(engine.environ)
    assert connected.version == "99.0"
    listed = connected.images()
    assert [image.tags for image in listed] == [("sample:latest",), ()]
    details = connected.inspect("sample")
    assert details.diff_ids == tuple(engine.sample.diff_ids)
    assert details.config.env == ("PATH=/usr/bin",)
    assert [item.empty_layer for item in details.history] == [False, False, False, True]
    assert details.platform == "linux/amd64"
    before = len(engine.asked)
    assert connected.inspect(details.id) is details
    assert len(engine.asked) == before


def test_an_engine_that_cannot_tell_the_history_gives_it_in_its_export(engine, tmp_path):
    engine.answers[f"/images/{engine.id}/history"] = 500
    assert connect(engine.environ).inspect("sample").history == ()
    image = open_image("docker:sample", environ=engine.environ, cache=LayerCache(tmp_path))
    assert [layer.history_index for layer in image.layers] == [0, 1, 2]
    assert not image.notes


def test_known_bases_ask_each_image_once(engine):
    connected = connect(engine.environ)
    assert known_bases(connected) == {"sample:latest": tuple(engine.sample.diff_ids)}
    before = engine.asked.count(f"/images/{engine.id}/json")
    known_bases(connected)
    assert engine.asked.count(f"/images/{engine.id}/json") == before == 1


def test_an_image_that_is_not_there_names_its_neighbours(engine):
    with pytest.raises(TargetError, match=r"smaple: no such image .*nearest: sample:latest"):
        connect(engine.environ).inspect("smaple")


def test_nearest_goes_by_repository_then_tag():
    tags = ["python:3.11", "python:3.12", "pypy:3.11", "debian:latest", "golang:latest"]
    assert nearest("pyhton:3.12", tags) == ["python:3.12", "python:3.11"]
    assert nearest("zzz", tags) == []
    # the host that an engine puts before a name says nothing of how like it is
    tags = ["localhost/app:one", "docker.io/library/web:1", "registry.example/api:1"]
    assert nearest("ap:one", tags) == ["localhost/app:one"]
    assert nearest("wep:1", tags) == ["docker.io/library/web:1"]


def test_no_engine(tmp_path):
    with pytest.raises(TargetError, match=r"no engine there .*DOCKER_HOST.*msbtui demo") as caught:
        connect({"DOCKER_HOST": f"unix://{tmp_path}/none"})
    assert caught.value.exit_code == 4


def test_a_socket_that_nobody_serves(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    with pytest.raises(TargetError, match="no engine there"):
        connect({"DOCKER_HOST": f"unix://{tmp_path}/s"})


def test_no_permission_names_the_group(tmp_path, monkeypatch):
    def refuse(self, address):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(TargetError, match=r"no permission on the engine's socket .*group docker.*DOCKER_HOST"):
        connect({"DOCKER_HOST": f"unix://{tmp_path}/s"})


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_no_permission_for_real(engine, tmp_path):
    os.chmod(tmp_path / "s", 0o600)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            connect(engine.environ)
            said = "connected"
        except TargetError as error:
            said = str(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    said = os.read(reader, 10_000).decode()
    os.close(reader)
    assert "permission" in said
    assert "docker" in said


@pytest.mark.parametrize("path", ["/version", "/images/sample/json", "/images/json"])
def test_a_frozen_engine(engine, path):
    engine.hang_on = path
    with pytest.raises(TargetError, match=r"no byte for 0\.3 s"):
        connect(engine.environ, patience=0.3).inspect("sample" if path != "/images/json" else "other")


def test_a_cancel_leaves_a_frozen_engine_at_once(engine):
    engine.hang_on = "/images/sample/json"
    cancel = threading.Event()
    connected = connect(engine.environ, cancel=cancel)
    threading.Timer(0.1, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        connected.inspect("sample")
    assert time.monotonic() - began < 10  # not the half minute that the engine is given


HOSTILE = {
    "deep": b"[" * 100_000,
    "empty": b"{}",
    "no JSON": b"nothing",
    "wrong type": b'{"Id": 5}',
    "no UTF-8": b"\xff\xfe",
    "path for a digest": b'{"Id": "x", "RootFS": {"Layers": ["../../etc"]}}',
    "error": 500,
    "redirect": 302,
    "huge": b" " * (17 << 20),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_answers_are_one_clear_line(engine, answer):
    engine.answers["/images/sample/json"] = answer
    with pytest.raises(TargetError) as caught:
        connect(engine.environ).inspect("sample")
    assert "\n" not in str(caught.value)


def test_what_is_no_engine_at_all(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()

        def answer():
            for _ in range(2):  # the knock, then the question
                client, _ = server.accept()
                with client, contextlib.suppress(OSError):
                    client.sendall(b"SSH-2.0-OpenSSH\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(TargetError, match="no engine answers"):
            connect({"DOCKER_HOST": f"unix://{tmp_path}/s"})


def test_history_that_does_not_match():
    items = [HistoryItem(created_by="a"), HistoryItem(created_by="b", empty_layer=True), HistoryItem(created_by="c")]
    assert layer_history(items, 2) == ([0, 2], "")
    for layers in (1, 3):
        places, note = layer_history(items, layers)
        assert places == [None] * layers
        assert "history" in note
    assert layer_history([], 0) == ([], "")


def test_api_history_counts_empty_runs_as_layers_only_where_the_layers_say_so():
    items = [
        ("ADD file", "", "", 10),
        ("/bin/sh -c #(nop)  ENV A=b", "", "", 0),
        ("RUN true", "", "", 0),
        ("WORKDIR /x", "", "", 0),
    ]
    assert [item.empty_layer for item in api_history(items, 3)] == [False, True, False, False]
    assert [item.empty_layer for item in api_history(items, 1)] == [False, True, True, True]


def test_no_redirect_is_followed(engine):
    engine.answers["/images/sample/json"] = 302
    engine.redirects = f"/v1.41/images/{engine.id}/json"
    with pytest.raises(TargetError, match="answered 302"):
        connect(engine.environ).inspect("sample")
    assert f"/images/{engine.id}/json" not in engine.asked
