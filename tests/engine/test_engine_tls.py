"""Engines that speak TLS, addresses as the docker CLI takes them, and how many connections an engine costs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from fake_engine import FakeEngine
from image_samples import Sample

from msbtui.engine import process
from msbtui.engine.docker import connect
from msbtui.engine.host import DEFAULT_SOCKET, Endpoint, find_endpoint, podman_environ
from msbtui.errors import TargetError


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A server's certificate that is its own authority (ca.pem), and a client's."""
    folder = tmp_path_factory.mktemp("keys")
    for name, more in (("ca", "subjectAltName=IP:127.0.0.1"), ("cert", "extendedKeyUsage=clientAuth")):
        key = "key.pem" if name == "cert" else "server.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", f"{folder}/{key}", "-out",
             f"{folder}/{name}.pem", "-subj", f"/CN={name}", "-addext", more],
            check=True, capture_output=True,
        )  # fmt: skip
    return folder


def pass_on(near, path):
    """Carry bytes between a connection and the unix socket at `path`, until either ends."""
    with socket.socket(socket.AF_UNIX) as far:
        far.connect(str(path))

        def back():
            with contextlib.suppress(OSError):
                while data := far.recv(65536):
                    near.sendall(data)
                near.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=back, daemon=True).start()
        while data := near.recv(65536):
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tls_before(path, keys, *, wants_client):
    """Listen with TLS and pass all on to the unix socket at `path`; give the port, and the connections so far."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "ca.pem", keys / "server.key")
    if wants_client:
        context.load_verify_locations(keys / "cert.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    listening = socket.create_server(("127.0.0.1", 0))

    def carry(raw):
        with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as near:
            pass_on(near, path)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=carry, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listening:
        yield listening.getsockname()[1]


@pytest.fixture
def engine(tmp_path):
    with FakeEngine(tmp_path / "s", Sample()).running() as fake:
        yield fake


def some_of(keys, folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(keys / name, folder / name)
    return str(folder)


def context(home, name, host, **more):
    key = hashlib.sha256(name.encode()).hexdigest()
    folder = home / ".docker/contexts/meta" / key
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host, **more}}}))
    return home / ".docker/contexts/tls" / key / "docker"


def test_an_engine_with_tls_is_trusted_by_its_own_authority(engine, keys, tmp_path, monkeypatch):
    # an authority for other servers, as companies set it: it must not replace the engine's
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(keys / "cert.pem"))
    folder = some_of(keys, tmp_path / "k", "ca.pem", "cert.pem", "key.pem")
    with tls_before(tmp_path / "s", keys, wants_client=True) as port:
        environ = {"DOCKER_HOST": f"tcp://127.0.0.1:{port}", "DOCKER_CERT_PATH": folder, "DOCKER_TLS_VERIFY": "1"}
        assert connect(environ).images()
        # DOCKER_TLS speaks TLS and trusts anybody
        (tmp_path / "k/ca.pem").unlink()
        assert connect({**environ, "DOCKER_TLS": "1", "DOCKER_TLS_VERIFY": ""}).images()
        with pytest.raises(TargetError, match=r"TLS is asked for \(DOCKER_HOST\) and there is no ca\.pem"):
            connect(environ)


def test_contexts_with_an_authority_alone_and_with_none(engine, keys, tmp_path):
    with tls_before(tmp_path / "s", keys, wants_client=False) as port:
        some_of(keys, context(tmp_path, "authority", f"tcp://127.0.0.1:{port}"), "ca.pem")
        context(tmp_path, "anybody", f"tcp://127.0.0.1:{port}", SkipTLSVerify=True)
        some_of(keys, context(tmp_path, "half", f"tcp://127.0.0.1:{port}"), "ca.pem", "cert.pem")
        for name in ("authority", "anybody"):
            assert connect({"HOME": str(tmp_path), "DOCKER_CONTEXT": name}).images()
        with pytest.raises(TargetError, match=r"there is a cert\.pem and no key\.pem"):
            connect({"HOME": str(tmp_path), "DOCKER_CONTEXT": "half"})


def test_what_is_wrong_with_tls_is_said_in_words(engine, keys, tmp_path, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    folder = tmp_path / "k"
    some_of(keys, folder, "ca.pem")
    verified = {"DOCKER_CERT_PATH": str(folder), "DOCKER_TLS_VERIFY": "1"}
    with tls_before(tmp_path / "s", keys, wants_client=True) as port:
        with pytest.raises(TargetError, match=r"it (wants a|hangs up, as if it wants another) client's certificate"):
            connect({"DOCKER_HOST": f"tcp://127.0.0.1:{port}", **verified})
        shutil.copy(keys / "cert.pem", folder / "ca.pem")
        with pytest.raises(TargetError, match=r"its certificate is not trusted \(check DOCKER_CERT_PATH"):
            connect({"DOCKER_HOST": f"tcp://127.0.0.1:{port}", **verified})
        with pytest.raises(TargetError, match=r"it hangs up \(if it wants TLS set DOCKER_TLS_VERIFY=1"):
            connect({"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})


def test_keys_say_nothing_to_a_unix_socket(engine):
    assert connect({**engine.environ, "DOCKER_CERT_PATH": "/nonexistent", "DOCKER_TLS_VERIFY": "1"}).images()


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("unix://", DEFAULT_SOCKET),
        ("tcp://", "tcp://localhost:2375"),
        ("tcp://h.example", "tcp://h.example:2375"),
        ("tcp://h.example:1234/under", "tcp://h.example:1234/under"),
        ("127.0.0.1:2375", "tcp://127.0.0.1:2375"),
        ("[::1]:2375", "tcp://[::1]:2375"),
        ("ssh://me@h.example:22", "ssh://me@h.example:22"),
    ],
)
def test_addresses_are_completed_as_the_docker_cli_does(said, address):
    assert find_endpoint({"DOCKER_HOST": said}).host == address


@pytest.mark.parametrize("said", ["tcp://h:abc", "tcp://h:99999", "tcp://h:0", "bla", "tcp://[::1", "://x"])
def test_what_is_no_address(tmp_path, said):
    with pytest.raises(TargetError, match=r"DOCKER_HOST is .*, which is no address"):
        find_endpoint({"DOCKER_HOST": said})
    with pytest.raises(TargetError, match=r"CONTAINER_HOST is .*, which is no address"):
        podman_environ({"CONTAINER_HOST": said})
    context(tmp_path, "odd", said)
    with pytest.raises(TargetError, match=r"DOCKER_CONTEXT=odd is .*, which is no address"):
        find_endpoint({"DOCKER_CONTEXT": "odd", "HOME": str(tmp_path)})


def test_a_damaged_context_is_not_taken_for_a_damaged_image(tmp_path):
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(TargetError, match=r"configuration cannot be understood: .* \(correct that file, or set DOCKER_HOST"):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path)})


def test_the_docker_cli_is_told_of_tls_as_well():
    environ = {"DOCKER_HOST": "unix:///elsewhere", "DOCKER_TLS": "1"}
    told = process.environment(Endpoint("tcp://h:1", "", "/keys", tls_verify=False, tls=True), environ)
    assert (told["DOCKER_CERT_PATH"], told["DOCKER_TLS"], "DOCKER_TLS_VERIFY" in told) == ("/keys", "1", False)
    told = process.environment(Endpoint("tcp://h:1", "", "/keys", tls_verify=True, tls=True), environ)
    assert (told["DOCKER_TLS_VERIFY"], "DOCKER_TLS" in told) == ("1", False)
    # only the context itself says that nobody is verified
    named = {"DOCKER_CONTEXT": "anybody"}
    assert process.environment(Endpoint("tcp://h:1", "", tls=True), named) == named


def test_no_proxy_stands_before_an_engine_on_this_machine(engine, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    written = []
    monkeypatch.setattr(type(os.environ), "__setitem__", lambda _, name, value: written.append(name))
    assert connect(engine.environ).images()
    assert not written  # the environment is the whole process's
    listening = socket.create_server(("127.0.0.1", 0))

    def carry():
        with contextlib.suppress(OSError), listening.accept()[0] as near:
            pass_on(near, tmp_path / "s")

    threading.Thread(target=carry, daemon=True).start()
    with listening:
        assert connect({"DOCKER_HOST": f"tcp://127.0.0.1:{listening.getsockname()[1]}"}).version == "99.0"


def test_questions_share_a_connection(engine, monkeypatch):
    opened = []
    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: (opened.append(address), real(self, address))[1])
    connected = connect(engine.environ)
    connected.images()
    connected.inspect("sample")
    connected.known_bases()
    assert len(engine.asked) > 4
    assert len(opened) == 2  # one only knocks
