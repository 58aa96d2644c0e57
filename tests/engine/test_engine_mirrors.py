"""Mirrors and certificates of docker, podman and containerd: which places are asked, in which order, and with what shown."""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess

import pytest
from fake_registry import FakeRegistry
from image_samples import Sample, digest

from msbtui.engine import certificates, distribution, mirrors, open_image
from msbtui.engine.credentials import Credentials, find_credentials
from msbtui.engine.mirrors import Endpoint, endpoints
from msbtui.errors import TargetError


@pytest.fixture(autouse=True)
def etc(tmp_path, monkeypatch):
    folder = tmp_path / "etc"
    folder.mkdir()
    monkeypatch.setattr(mirrors, "ETC", folder)
    return folder


@pytest.fixture
def home(tmp_path):
    return {"HOME": str(tmp_path / "home")}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def places(name, home):
    host, _, repository = name.partition("/")
    return [f"{one.host}/{one.repository}" for one in endpoints(host, repository, home)]


# who is asked


def test_without_settings_the_registry_itself(home):
    assert endpoints("h.example", "a/b", home) == [Endpoint("h.example", "a/b")]


def test_mirrors_of_the_engine_are_for_docker_hub_alone(etc, home):
    urls = ["https://m.example", "http://n.example:5000/", "p.example", "ftp://no.example", "https://[", ""]
    write(etc / "docker/daemon.json", json.dumps({"registry-mirrors": urls, "other": 1}))
    assert places("docker.io/library/a", home) == [
        "m.example/library/a", "n.example:5000/library/a", "p.example/library/a", "docker.io/library/a"
    ]  # fmt: skip
    assert [one.plain for one in endpoints("docker.io", "library/a", home)] == [False, True, False, False]
    assert places("h.example/a", home) == ["h.example/a"]
    write(etc / "docker/daemon.json", "{")
    with pytest.raises(TargetError, match=r"daemon.json.*file of settings"):
        places("docker.io/a", home)


REGISTRIES = """
unqualified-search-registries = ["docker.io"]
[[registry]]
location = "h.example"
[[registry.mirror]]
location = "one.example:5000/cache"
insecure = true
[[registry.mirror]]
location = "two.example"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "h.example/team"
location = "inside.example/team-images"
[[registry]]
prefix = "*.wild.example"
location = "tame.example"
[[registry]]
location = "bad.example"
blocked = true
[[registry]]
prefix = "docker.io"
location = "hub.example/docker"
mirror-by-digest-only = true
mirror = [{location = "three.example"}]
"""


def test_mirrors_of_podman(etc, home):
    write(etc / "containers/registries.conf", REGISTRIES)
    assert endpoints("h.example", "a/b", home) == [
        Endpoint("one.example:5000", "cache/a/b", insecure=True),
        Endpoint("two.example", "a/b", tags=False),
        Endpoint("h.example", "a/b"),
    ]
    assert places("h.example/team/app", home) == ["inside.example/team-images/app"]
    assert places("h.example/teams/app", home)[-1] == "h.example/teams/app"
    assert places("x.wild.example/app", home) == ["tame.example/app"]
    assert places("wild.example/app", home) == ["wild.example/app"]
    assert endpoints("docker.io", "library/a", home) == [
        Endpoint("three.example", "library/a", tags=False), Endpoint("hub.example", "docker/library/a")
    ]  # fmt: skip
    with pytest.raises(TargetError, match=r"registry bad\.example is blocked by registries\.conf"):
        places("bad.example/a", home)


def test_which_file_of_podman_counts(etc, home, tmp_path):
    def says(path, to):
        write(path, f'[[registry]]\nprefix = "h.example"\nlocation = "{to}"\n')

    says(etc / "containers/registries.conf", "etc.example")
    assert places("h.example/a", home) == ["etc.example/a"]
    says(etc / "containers/registries.conf.d/1.conf", "etc-d.example")
    assert places("h.example/a", home) == ["etc-d.example/a"]
    (etc / "containers/registries.conf.d/1.conf").unlink()
    says(tmp_path / "home/.config/containers/registries.conf", "home.example")
    assert places("h.example/a", home) == ["home.example/a"]
    says(tmp_path / "own.conf", "own.example")
    assert places("h.example/a", {**home, "CONTAINERS_REGISTRIES_CONF": str(tmp_path / "own.conf")}) == ["own.example/a"]


@pytest.mark.parametrize("text", ["[[registry", "registry = 3", "[[registry]]\nlocation = 7", "a = " + "[" * 9000, "\udcff"])
def test_settings_that_cannot_be_understood_are_one_line(etc, home, text):
    path = etc / "containers/registries.conf"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(TargetError, match=r"registries\.conf.*cannot be understood") as caught:
        places("h.example/a", home)
    assert "\n" not in str(caught.value)


def test_mirrors_of_containerd(etc, home):
    write(
        etc / "containerd/certs.d/h.example/hosts.toml",
        'server = "https://h.example"\n[host."https://m.example:5000"]\n  capabilities = ["pull"]\n  skip_verify = true\n'
        '[host."https://push.example"]\n  capabilities = ["push"]\n[host."http://p.example/mirror/x"]\n  override_path = true\n'
        '[host."https://q.example/sub"]\n  ca = "ca.pem"\n  client = [["/c/client.cert", "client.key"], ["/c/both.pem", ""]]\n'
        '[host."https://r.example/v2"]\n  ca = ["/a.pem", "b.pem"]\n  client = "one.pem"\n',
    )
    folder = etc / "containerd/certs.d/h.example"
    assert endpoints("h.example", "a", home) == [
        Endpoint("m.example:5000", "a", insecure=True, tags=False),
        Endpoint("p.example", "a", insecure=True, plain=True, api="/mirror/x"),
        Endpoint(
            "q.example",
            "a",
            api="/sub/v2",
            authorities=(f"{folder}/ca.pem",),
            clients=(("/c/client.cert", f"{folder}/client.key"), ("/c/both.pem", "")),
        ),
        Endpoint("r.example", "a", authorities=("/a.pem", f"{folder}/b.pem"), clients=((f"{folder}/one.pem", ""),)),
        Endpoint("h.example", "a"),
    ]


def test_a_server_of_containerd_that_is_elsewhere(etc, home):
    write(etc / "containerd/certs.d/_default/hosts.toml", 'server = "https://s.example"\nca = "x.pem"\n')
    authorities = (str(etc / "containerd/certs.d/_default/x.pem"),)
    assert endpoints("h.example", "a", home) == [Endpoint("s.example", "a", authorities=authorities), Endpoint("h.example", "a")]
    write(etc / "containerd/certs.d/docker.io/hosts.toml", 'server = "https://registry-1.docker.io"\n')
    assert endpoints("docker.io", "library/a", home) == [Endpoint("docker.io", "library/a")]


# asking them


@pytest.fixture
def pair():
    """A registry, and a mirror of it."""
    sample = Sample()
    with FakeRegistry(sample).running() as origin, FakeRegistry(sample).running() as mirror:
        yield origin, mirror


def mirror_settings(etc, origin, *hosts):
    lines = [f'[[registry]]\nlocation = "{origin.host}"\n']
    lines += [f'[[registry.mirror]]\nlocation = "{host}"\n' for host in hosts]
    write(etc / "containers/registries.conf", "".join(lines))


def test_a_mirror_answers_for_its_registry(pair, etc, cache, home):
    origin, mirror = pair
    mirror_settings(etc, origin, mirror.host)
    image = open_image(origin.name, cache=cache, environ=home)
    assert image.verified
    assert image.name == f"{origin.host}/sample:latest"
    assert mirror.count("blobs") == 4
    assert not origin.count("blobs") and not origin.count("manifests/latest")


def test_what_a_mirror_fails_at_the_next_does(pair, etc, cache, home):
    origin, mirror = pair
    mirror_settings(etc, origin, "127.0.0.1:1", mirror.host)
    mirror.blobs.pop(digest(mirror.sample.blobs[1]))
    assert open_image(origin.name, cache=cache, environ=home).verified
    assert [path for path, _ in origin.asked if "blobs" in path] == [origin.blob_path(digest(origin.sample.blobs[1]))]


def test_where_one_mirror_breaks_off_the_next_goes_on(pair, etc, cache, home):
    origin, mirror = pair
    mirror_settings(etc, origin, mirror.host)
    path = origin.blob_path(digest(origin.sample.blobs[0]))
    mirror.fails = {path: []}
    mirror.breaks_after[path] = 100
    mirror.ranges = False
    assert open_image(origin.name, cache=cache, environ=home).verified
    assert [headers.get("Range") for at, headers in origin.asked if at == path] == ["bytes=100-"]


def test_what_the_registry_itself_says_is_told(pair, etc, cache, home):
    origin, mirror = pair
    mirror_settings(etc, origin, mirror.host)
    mirror.fails = {"/v2/sample/manifests/latest": [500] * 9}
    origin.fails = {"/v2/sample/manifests/latest": [418]}
    with pytest.raises(TargetError, match=f"registry {origin.host} answered 418"):
        open_image(origin.name, cache=cache, environ=home)
    assert mirror.counts["/v2/sample/manifests/latest"] == 2


def test_a_mirror_that_lies_is_found_out(pair, etc, cache, home):
    origin, mirror = pair
    mirror_settings(etc, origin, mirror.host)
    wrong = digest(mirror.sample.blobs[1])
    mirror.blobs[wrong] = mirror.sample.blobs[2].ljust(len(mirror.sample.blobs[1]), b"\0")[: len(mirror.sample.blobs[1])]
    with pytest.raises(TargetError, match=wrong) as caught:
        open_image(origin.name, cache=cache, environ=home)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("wants", ["basic", "bearer"])
def test_credentials_of_one_are_not_shown_to_the_other(pair, etc, cache, home, tmp_path, wants):
    origin, mirror = pair
    origin.wants = mirror.wants = wants
    mirror.knows = {"you": "hidden"}
    mirror_settings(etc, origin, mirror.host)
    mirror.blobs.pop(digest(mirror.sample.blobs[1]))
    auths = {one.host: {"auth": base64.b64encode(f"{u}:{p}".encode()).decode()} for one in pair for u, p in one.knows.items()}
    write(tmp_path / "home/.docker/config.json", json.dumps({"auths": auths}))
    assert open_image(origin.name, cache=cache, environ=home).verified
    for one, other in ((origin, mirror), (mirror, origin)):
        shown = [value for _, headers in one.asked for value in headers.values()]
        assert not any(auths[other.host]["auth"] in value for value in shown)
    assert mirror.count("blobs") and origin.count("blobs")


def test_logins_for_a_part_of_a_registry(tmp_path, home):
    def auth(user):
        return {"auth": base64.b64encode(f"{user}:p".encode()).decode()}

    auths = {
        "h.example/team/app": auth("app"),
        "h.example/team": auth("team"),
        "h.example": auth("all"),
        "h.example/te": auth("x"),
    }
    write(tmp_path / "home/.config/containers/auth.json", json.dumps({"auths": auths}))
    for repository, user in (("team/app", "app"), ("team/other", "team"), ("teams", "all"), ("", "all")):
        assert find_credentials("h.example", home, repository) == Credentials(user, "p")
    assert find_credentials("h", home, "team") is None


# certificates


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody knows, and one for a client."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("authority")
    for name, subject in (("server", "/CN=127.0.0.1"), ("client", "/CN=client")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", f"{folder}/{name}.key", "-out",
             f"{folder}/{name}.crt", "-subj", subject, "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
    return folder


def served_with_tls(fake, authority, *, wants_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.crt", authority / "server.key")
    if wants_client:
        context.load_verify_locations(authority / "client.crt")
        context.verify_mode = ssl.CERT_REQUIRED
    fake._server.socket = context.wrap_socket(fake._server.socket, server_side=True)
    return fake.running()


@pytest.mark.parametrize("place", ["docker/certs.d", "containers/certs.d", "home"])
def test_authorities_for_one_registry(authority, etc, cache, home, tmp_path, monkeypatch, place):
    monkeypatch.setattr(distribution, "is_loopback", lambda host: False)
    fake = FakeRegistry(Sample())
    folder = (tmp_path / "home/.config/containers/certs.d" if place == "home" else etc / place) / fake.host
    with served_with_tls(fake, authority):
        with pytest.raises(TargetError, match="no certificate that is trusted"):
            open_image(fake.name, cache=cache, environ=home)
        folder.mkdir(parents=True)
        shutil.copy(authority / "server.crt", folder / "ca.crt")
        assert open_image(fake.name, cache=cache, environ=home).verified


def test_certificates_of_clients(authority, etc, cache, home, monkeypatch):
    monkeypatch.setattr(distribution, "is_loopback", lambda host: False)
    fake = FakeRegistry(Sample())
    folder = etc / "docker/certs.d" / fake.host
    folder.mkdir(parents=True)
    shutil.copy(authority / "server.crt", folder / "ca.crt")
    with served_with_tls(fake, authority, wants_client=True):
        with pytest.raises(TargetError, match="registry"):
            open_image(fake.name, cache=cache, environ=home)
        shutil.copy(authority / "client.crt", folder / "client.cert")
        with pytest.raises(TargetError, match="its certificates cannot be used"):
            open_image(fake.name, cache=cache, environ=home)
        shutil.copy(authority / "client.key", folder / "client.key")
        assert open_image(fake.name, cache=cache, environ=home).verified


def test_what_containerd_trusts_and_shows(authority, etc, cache, home, monkeypatch):
    monkeypatch.setattr(distribution, "is_loopback", lambda host: False)
    fake, sample = FakeRegistry(Sample()), Sample()
    folder = etc / "containerd/certs.d/h.example"
    text = f'[host."https://{fake.host}"]\n  ca = "{authority}/server.crt"\n  client = [["client.cert", "client.key"]]\n'
    write(folder / "hosts.toml", text)
    with served_with_tls(fake, authority, wants_client=True):
        with pytest.raises(TargetError, match=r"client\.cert: its certificates cannot be used"):
            open_image("registry:h.example/sample:latest", cache=cache, environ=home)
        shutil.copy(authority / "client.crt", folder / "client.cert")
        shutil.copy(authority / "client.key", folder / "client.key")
        image = open_image("registry:h.example/sample:latest", cache=cache, environ=home)
        assert image.id == digest(sample.config)


def test_an_interface_of_a_mirror_below_another_path(etc, cache, home):
    fake, sample = FakeRegistry(Sample()), Sample()
    write(etc / "containerd/certs.d/h.example/hosts.toml", f'[host."http://{fake.host}/deep/v2"]\n  override_path = true\n')
    found = fake.find
    fake.find = lambda path: found(path.removeprefix("/deep")) if path.startswith("/deep/") else (b"", "")
    with fake.running():
        image = open_image("registry:h.example/sample:latest", cache=cache, environ=home)
    assert image.id == digest(sample.config)
    assert all(path.startswith("/deep/v2/") for path, _ in fake.asked)


def test_an_insecure_mirror_need_not_be_vouched_for(authority, etc, cache, home, monkeypatch):
    monkeypatch.setattr(distribution, "is_loopback", lambda host: False)
    fake, sample = FakeRegistry(Sample()), Sample()
    write(
        etc / "containers/registries.conf",
        f'[[registry]]\nlocation = "h.example"\nmirror = [{{location = "{fake.host}", insecure = true}}]\n',
    )
    with served_with_tls(fake, authority):
        image = open_image("registry:h.example/sample:latest", cache=cache, environ=home)
        assert image.id == digest(sample.config)


def test_a_folder_of_certificates_is_a_folder_of_that_name(home):
    assert certificates.folders("../x", home) == []
    assert certificates.folders("..", home) == []
    assert not os.path.exists(certificates.mirrors.ETC / "x")


def test_a_certificate_on_this_machine_that_nobody_vouches_for_is_said(authority, cache, home):
    # without it plain http would be tried, and what that answers says nothing
    fake = FakeRegistry(Sample())
    with served_with_tls(fake, authority), pytest.raises(TargetError, match="no certificate that is trusted"):
        open_image(fake.name, cache=cache, environ=home)
    assert not fake.asked
