"""Images in a registry, and registries that want credentials, break off, send elsewhere, and lie."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from email.utils import formatdate

import pytest
from fake_registry import FakeRegistry
from hypothesis import given
from hypothesis import strategies as st
from image_samples import Sample, described, digest, tar_of, write_folder

from msbtui.engine import LayerRead, Opened, Progress, certificates, credentials, distribution, open_image, recognise
from msbtui.engine.credentials import Credentials, find_credentials
from msbtui.engine.distribution import is_loopback
from msbtui.engine.registry import Reference
from msbtui.errors import Cancelled, TargetError


@pytest.fixture
def home(tmp_path):
    return {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def login(home, host, **auth):
    folder = os.path.join(home["HOME"], ".docker")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({"auths": {host: auth or {"auth": base64.b64encode(b"me:secret").decode()}}}, file)


def look(registry, cache, home, **more):
    return open_image(registry.name, cache=cache, environ=home, **more)


def test_an_image_is_read_without_an_engine(registry, cache, home):
    heard = []
    image = look(registry, cache, home, on_event=heard.append)
    sample = registry.sample
    assert image.id == digest(sample.config)
    assert [layer.diff_id for layer in image.layers] == sample.diff_ids
    assert [layer.digest for layer in image.layers] == [digest(blob) for blob in sample.blobs]
    assert [layer.stored_size for layer in image.layers] == [len(blob) for blob in sample.blobs]
    assert image.verified
    assert image.name == f"{registry.host}/sample:latest"
    assert image.source == f"registry {registry.host}/sample:latest"
    assert image.layers[0].contents.text(1) == b"root:x:0:0::/root:/bin/sh\n"
    assert isinstance(heard[0], Opened)
    assert [event.layer.index for event in heard if isinstance(event, LayerRead)] == [0, 1, 2]
    done = [event.done for event in heard if isinstance(event, Progress)]
    assert done[-1] == sum(map(len, sample.blobs))


def test_a_second_look_asks_for_the_tag_alone(registry, cache, home):
    look(registry, cache, home)
    registry.asked.clear()
    image = look(registry, cache, home)
    assert not registry.count("blobs")
    asked = [path for path, _ in registry.asked if path != "/v2/" and "sha256-" not in path and "referrers" not in path]
    assert asked == ["/v2/sample/manifests/latest"]
    assert [layer.diff_id for layer in image.layers] == registry.sample.diff_ids
    registry.asked.clear()
    by_digest = open_image(f"registry:{registry.host}/sample@{registry.sample.oci_id}", cache=cache, environ=home)
    assert by_digest.id == image.id
    assert not registry.asked


def test_what_was_read_from_a_file_is_not_fetched(registry, cache, home, tmp_path):
    open_image(str(write_folder(tmp_path / "layout", registry.sample.oci())), cache=cache)
    look(registry, cache, home)
    assert not registry.count("blobs/" + digest(registry.sample.blobs[0]))


def test_an_image_that_is_not_there(registry, cache, home):
    with pytest.raises(TargetError, match=r"none: registry 127.0.0.1:\d+ has no such image") as caught:
        open_image(f"registry:{registry.host}/sample:none", cache=cache, environ=home)
    assert caught.value.exit_code == 4
    assert registry.count("none") == 1


def test_nobody_listens(cache, home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TargetError, match=r"nobody listens there \(tried 5 times; check the network.*\)\Z"):
        open_image(f"registry:127.0.0.1:{port}/sample", cache=cache, environ=home)


# credentials


@pytest.mark.parametrize("wants", ["basic", "bearer"])
def test_credentials_are_shown_when_they_are_asked_for(registry, cache, home, wants):
    registry.wants = wants
    with pytest.raises(TargetError, match=r"does not let us read this without credentials .*docker login 127.0.0.1"):
        look(registry, cache, home)
    login(home, registry.host)
    assert look(registry, cache, home).id == digest(registry.sample.config)
    if wants == "bearer":
        assert registry.tokens[-1] == {"service": ["reg"], "scope": ["repository:sample:pull"]}
        assert len(registry.tokens) == 2  # one in vain, and one that serves every request
    login(home, registry.host, auth=base64.b64encode(b"me:wrong").decode())
    cache.clear()
    with pytest.raises(TargetError, match="with these credentials") as caught:
        look(registry, cache, home)
    assert "wrong" not in str(caught.value)


def test_tokens_for_everybody(registry, cache, home):
    registry.wants, registry.knows = "bearer", {}
    assert look(registry, cache, home).id == digest(registry.sample.config)


def test_a_login_with_oauth2_is_a_token_for_a_token(registry, cache, home):
    registry.wants = "bearer"
    login(home, registry.host, identitytoken="refresh-me")
    assert look(registry, cache, home).id == digest(registry.sample.config)
    assert registry.tokens[0]["refresh_token"] == ["refresh-me"]
    assert registry.tokens[0]["grant_type"] == ["refresh_token"]


def test_credentials_are_found_where_docker_and_podman_keep_them(home, tmp_path):
    helper = tmp_path / "docker-credential-mine"
    helper.write_text('#!/bin/sh\nread host\n[ "$host" = h:1 ] || exit 1\necho \'{"Username":"u","Secret":"s"}\'\n')
    helper.chmod(0o755)
    (tmp_path / ".docker").mkdir()
    config = tmp_path / ".docker/config.json"
    config.write_text('{"credHelpers": {"h:1": "mine", "bad": "../mine", "gone": "gone"}, "credsStore": "mine"}')
    assert find_credentials("h:1", home) == Credentials("u", "s")
    for host in ("h:2", "bad", "gone"):
        assert find_credentials(host, home) is None
    helper.write_text('#!/bin/sh\necho \'{"Username":"<token>","Secret":"s"}\'\n')
    assert find_credentials("h:1", home) == Credentials(identity_token="s")
    config.write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"username": "a", "password": "b"}}}))
    assert find_credentials("docker.io", home) == Credentials("a", "b")
    (tmp_path / ".config/containers").mkdir(parents=True)
    (tmp_path / ".config/containers/auth.json").write_text(json.dumps({"auths": {"h:3": {"auth": "YTpiOmM="}}}))
    assert find_credentials("h:3", home) == Credentials("a", "b:c")
    (tmp_path / "own.json").write_text(json.dumps({"auths": {"h:3": {"auth": "!"}, "https://h:4/v2/": {"auth": "eDp5"}}}))
    assert find_credentials("h:4", {**home, "REGISTRY_AUTH_FILE": str(tmp_path / "own.json")}) == Credentials("x", "y")
    assert "x" not in repr(Credentials("x", "y", "x"))
    config.write_text("{")
    with pytest.raises(TargetError, match="the file of credentials"):
        find_credentials("h:3", home)


def test_a_helper_is_a_name_and_no_path(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("docker-credential-x", ".docker"):
        (tmp_path / folder).mkdir()
    helper = tmp_path / "docker-credential-x/mine"
    helper.write_text('#!/bin/sh\necho \'{"Username":"u","Secret":"s"}\'\n')
    helper.chmod(0o755)
    (tmp_path / ".docker/config.json").write_text('{"credsStore": "x/mine"}')
    assert find_credentials("h:1", home) is None


def test_redirects_to_other_hosts_carry_no_credentials(registry, cache, home):
    registry.wants = "basic"
    login(home, registry.host)
    with FakeRegistry(registry.sample).running() as other:
        for blob in registry.sample.blobs:
            path = registry.blob_path(digest(blob))
            registry.redirects[path] = f"http://me:secret@{other.host}{path}"
        assert look(registry, cache, home).verified
        assert other.count("blobs") == 3
        assert not any("authorization" in map(str.lower, headers) for _, headers in other.asked)
        own = [headers for path, headers in registry.asked if "blobs" in path]
        assert all("Authorization" in headers for headers in own)


def test_a_token_service_elsewhere_does_not_make_the_registry_trusted_there(registry, cache, home):
    registry.wants = "bearer"
    login(home, registry.host)
    registry.redirects["/v2/sample/manifests/latest"] = "ftp://example.com/"
    with pytest.raises(TargetError, match=r"sends us to ftp://example.com/, which is no address"):
        look(registry, cache, home)
    registry.redirects = {}
    registry.realm = "file:///etc/passwd"
    with pytest.raises(TargetError, match="sends us to file:///etc/passwd"):
        look(registry, cache, home)


def test_plain_http_elsewhere_only_when_asked_for(registry, cache, home):
    path = registry.blob_path(digest(registry.sample.blobs[0]))
    client = distribution.Registry("example.com", "sample", home, where="x")
    with pytest.raises(TargetError, match=r"plain http at example.org .*--plain-http"):
        client._checked("http://example.org/x")
    assert client._checked("https://example.org/x") == "https://example.org/x"
    client.close()
    registry.redirects[path] = registry.redirects.get(path, f"http://{registry.host}{path}")
    with pytest.raises(TargetError, match="redirects without end"):
        look(registry, cache, home)


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("localhost", True), ("localhost:5000", True), ("127.0.0.1:5000", True), ("127.9.9.9", True), ("a.localhost", True),
     ("[::1]:5000", True), ("[::1]", True), ("[2001:db8::1]:5000", False), ("example.com", False), ("10.0.0.1:5000", False),
     ("localhost.example.com", False), ("127.0.0.1.example.com", False)],
)  # fmt: skip
def test_loopback_is_what_is_this_machine_by_its_name(host, is_it):
    assert is_loopback(host) is is_it


# what breaks


@pytest.mark.parametrize("ranges", [True, False])
def test_a_blob_that_breaks_off_is_taken_up_again(registry, cache, home, ranges):
    registry.sample = Sample(layers=[tar_of({"a": os.urandom(9000)})])
    registry.blobs.update({k[6:].replace("/", ":"): v for k, v in registry.sample.oci().items() if k.startswith("blobs/")})
    registry.tags["latest"] = registry.sample.oci_id
    registry.ranges = ranges
    path = registry.blob_path(digest(registry.sample.blobs[0]))
    registry.breaks_after[path] = 4000
    if ranges:
        assert look(registry, cache, home).verified
        assert registry.counts[path] == 3
        assert [h.get("Range") for p, h in registry.asked if p == path] == [None, "bytes=4000-", "bytes=8000-"]
    else:
        with pytest.raises(TargetError, match=r"broke off.*\(tried 5 times\); 0 of 1 layers are read and kept"):
            look(registry, cache, home)


def test_a_blob_that_comes_in_many_pieces_is_not_given_up_while_it_moves(registry, cache, home):
    registry.sample = Sample(layers=[tar_of({"a": os.urandom(9000)})])
    registry.blobs.update({k[6:].replace("/", ":"): v for k, v in registry.sample.oci().items() if k.startswith("blobs/")})
    registry.tags["latest"] = registry.sample.oci_id
    path = registry.blob_path(digest(registry.sample.blobs[0]))
    registry.breaks_after[path] = 1000
    assert look(registry, cache, home).verified
    assert registry.counts[path] > 5


def test_what_fails_for_a_moment_is_tried_again(registry, cache, home):
    registry.fails = {
        "/v2/sample/manifests/latest": [503, 429],
        registry.blob_path(digest(registry.sample.config)): [500],
        registry.blob_path(digest(registry.sample.blobs[1])): [502, 504, 429],
    }
    assert look(registry, cache, home).verified
    assert registry.counts["/v2/sample/manifests/latest"] == 3
    registry.fails = {"/v2/sample/manifests/latest": [503] * 9}
    with pytest.raises(TargetError, match=r"it answered 503 \(tried 5 times; .*\)\Z"):
        look(registry, cache, home)
    registry.fails = {"/v2/sample/manifests/latest": [418]}
    with pytest.raises(TargetError, match=r"answered 418 to manifests/latest: said\\x1b so"):
        look(registry, cache, home)


def test_layers_read_before_it_failed_are_not_fetched_again(registry, cache, home):
    last = registry.blob_path(digest(registry.sample.blobs[2]))
    registry.fails[last] = [503] * 5
    with pytest.raises(TargetError, match=r"it answered 503 .*; 2 of 3 layers are read and kept"):
        look(registry, cache, home)
    assert look(registry, cache, home).verified
    assert registry.count(digest(registry.sample.blobs[0])) == 1


def test_waiting_for_a_second_attempt_can_be_cancelled(registry, cache, home):
    registry.fails = {"/v2/sample/manifests/latest": [503] * 9}
    registry.retry_after = "20"
    cancel = threading.Event()

    def cancel_once_asked():
        while not registry.count("manifests/latest"):
            time.sleep(0.01)
        cancel.set()

    threading.Thread(target=cancel_once_asked, daemon=True).start()
    with pytest.raises(Cancelled):
        look(registry, cache, home, cancel=cancel)
    assert registry.counts["/v2/sample/manifests/latest"] == 1


def test_a_layer_that_is_there_twice_is_fetched_once(cache, home):
    layer = tar_of({"a": b"x"})
    with FakeRegistry(Sample(layers=[layer, layer, layer])).running() as fake:
        image = look(fake, cache, home)
        assert len(image.layers) == 3
        assert fake.count(digest(fake.sample.blobs[0])) == 1


# what lies


def other_bytes(data):
    """Give another layer, padded to the same length."""
    return gzip.compress(tar_of({"lie": b"x"}), mtime=0).ljust(len(data), b"\0")[: len(data)]


LIES = {
    "wrong blob": (lambda s: digest(s.blobs[1]), other_bytes, "blob {} does not hold what its digest says"),
    "shorter blob": (lambda s: digest(s.blobs[0]), lambda data: data[:-9], "it broke off|cut off"),
    "longer blob": (lambda s: digest(s.blobs[1]), lambda data: data + bytes(5000), "blob {} is longer than the"),
    "no gzip": (lambda s: digest(s.blobs[1]), lambda data: b"\x1f\x8b\x08" + bytes(len(data) - 3), "{}: .*gzip"),
    "configuration": (lambda s: digest(s.config), lambda data: data + b" ", "blob {} does not hold what its digest says"),
    "manifest": (lambda s: digest(s.manifest), lambda data: data + b" ", "blob {} does not hold what its digest says"),
    "huge manifest": (lambda s: digest(s.manifest), lambda data: data.ljust(17 << 20), "larger than 16 MiB"),
    "huge configuration": (lambda s: digest(s.config), lambda data: data.ljust(17 << 20), "larger than 16 MiB"),
    "index of text": (lambda s: s.oci_id, lambda data: b"hello", "cannot be understood"),
    "deep index": (lambda s: s.oci_id, lambda data: b"[" * 100_000, "nested too deep|cannot be understood"),
    "schema 1": (lambda s: s.oci_id, lambda data: b'{"schemaVersion": 1, "fsLayers": []}', "schema 1"),
    "blob is gone": (lambda s: digest(s.blobs[1]), lambda data: None, "does not have blob {}"),
    "configuration is gone": (lambda s: digest(s.config), lambda data: None, "configuration of .* is not in it"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_registry_that_lies(registry, cache, home, lie):
    which, change, says = LIES[lie]
    name = which(registry.sample)
    registry.blobs[name] = change(registry.blobs[name])
    with pytest.raises(TargetError, match=says.format(name)) as caught:
        look(registry, cache, home)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_an_index_of_another_digest_than_asked_for(registry, cache, home):
    asked = f"sha256:{'0' * 64}"
    registry.tags[asked] = registry.sample.oci_id
    with pytest.raises(TargetError, match=f"blob {asked} does not hold what its digest says"):
        open_image(f"registry:{registry.host}/sample@{asked}", cache=cache, environ=home)


def test_a_layer_of_another_diff_id_is_named(registry, cache, home):
    sample = registry.sample
    wrong = json.loads(sample.config)
    wrong["rootfs"]["diff_ids"][1] = digest(b"something else")
    config = json.dumps(wrong).encode()
    manifest = json.loads(sample.manifest)
    manifest["config"] = {**manifest["config"], **described(config)}
    document = json.dumps(manifest).encode()
    registry.blobs |= {digest(config): config, digest(document): document}
    registry.tags["latest"] = digest(document)
    with pytest.raises(TargetError, match=f"layer {digest(sample.blobs[1])} does not hold what its diff id"):
        look(registry, cache, home)


# names


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("debian", Reference("docker.io", "library/debian", "latest")),
        ("me/app:1", Reference("docker.io", "me/app", "1")),
        ("docker.io/debian:12", Reference("docker.io", "library/debian", "12")),
        ("index.docker.io/me/app", Reference("docker.io", "me/app", "latest")),
        ("localhost/app", Reference("localhost", "app", "latest")),
        ("h:5000/a/b/c:t", Reference("h:5000", "a/b/c", "t")),
        ("[2001:db8::1]:5000/a:t", Reference("[2001:db8::1]:5000", "a", "t")),
        ("h.example/a@sha256:00", Reference("h.example", "a", "latest", "sha256:00")),
        ("h.example/a:t@sha256:00", Reference("h.example", "a", "t", "sha256:00")),
    ],
)
def test_names_are_completed_as_docker_does(text, reference):
    assert Reference.parse(text) == reference


def test_what_is_no_name_is_refused():
    for bad in ("registry:UPPER CASE", "registry:a/../b", "registry:h/a?x", "registry:a b"):
        with pytest.raises(TargetError, match="is no image name"):
            recognise(bad)
    assert recognise("registry:h:5000/a:1").kind == "registry"


@given(st.text(max_size=60))
def test_any_challenge_is_understood_or_refused(text):
    client = distribution.Registry("h.example", "a", {"HOME": "/none"}, where="x")
    client._asked_for_credentials = True
    client._token = lambda realm, asks: "t"
    with contextlib.closing(client), contextlib.suppress(TargetError):
        assert client._authorize(text) in ("", "Bearer t")


@pytest.mark.engine
def test_a_real_registry(tmp_path, cache, home):
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/r}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n"
    (tmp_path / "registry.yml").write_text(settings)
    serving = subprocess.Popen(
        [program, "serve", str(tmp_path / "registry.yml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as trying:
                if trying.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        import requests

        base = f"http://127.0.0.1:{port}/v2/sample"
        sample = Sample()
        for data in (*sample.blobs, sample.config):
            place = requests.post(f"{base}/blobs/uploads/", timeout=10).headers["Location"]
            requests.put(place, params={"digest": digest(data)}, data=data, timeout=10).raise_for_status()
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = json.dumps({**json.loads(sample.manifest), "mediaType": kind}).encode()
        requests.put(f"{base}/manifests/v1", data=manifest, headers={"Content-Type": kind}, timeout=10).raise_for_status()
        image = open_image(f"registry:127.0.0.1:{port}/sample:v1", cache=cache, environ=home)
        assert image.id == digest(sample.config)
        assert image.verified
        other = open_image(f"registry:127.0.0.1:{port}/sample@{digest(manifest)}", cache=cache, environ=home)
        assert other.id == image.id
    finally:
        serving.terminate()
        serving.wait(10)
    assert credentials.find_credentials("127.0.0.1", home) is None


def test_a_limit_is_said_as_what_it_is(registry, cache, home):
    registry.fails = {"/v2/sample/manifests/latest": [429] * 9}
    advice = rf"wait, or log in for a higher limit: docker login {re.escape(registry.host)}; layers that were read are kept\)\Z"
    with pytest.raises(TargetError, match=rf"was asked too often \(429\): said\\x1b so \(tried 5 times; {advice}"):
        look(registry, cache, home)


@pytest.mark.parametrize("after", ["3600", "in an hour"])
def test_who_asks_to_wait_for_long_is_not_waited_for(registry, cache, home, after):
    registry.fails = {"/v2/sample/manifests/latest": [429] * 9}
    registry.retry_after = formatdate(time.time() + 3600.5, usegmt=True) if after == "in an hour" else after
    with pytest.raises(TargetError, match=r"\(asks to wait 3,[56]\d\d s; .*\)\Z"):
        look(registry, cache, home)
    assert registry.counts["/v2/sample/manifests/latest"] == 1


@pytest.mark.parametrize("odd", ["soon", "-5", "Wed, 99 Foo 2026", "9" * 40, "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_odd_times_to_wait_are_none(registry, cache, home, odd):
    registry.fails = {"/v2/sample/manifests/latest": [503]}
    registry.retry_after = odd
    assert look(registry, cache, home).verified


def test_no_proxy_stands_before_a_registry_on_this_machine(registry, cache, home, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    registry.wants = "bearer"
    login(home, registry.host)
    written = []
    monkeypatch.setattr(type(os.environ), "__setitem__", lambda _, name, value: written.append(name))
    monkeypatch.setattr(type(os.environ), "__delitem__", lambda _, name: written.append(name))
    assert look(registry, cache, home).verified
    assert registry.tokens
    assert not written  # the environment is the whole process's, and blobs are fetched by several threads


def test_whom_the_machine_trusts(tmp_path, monkeypatch):
    own = tmp_path / "own.pem"
    own.write_text("x")
    monkeypatch.setattr(certificates, "_BUNDLES", (str(tmp_path / "none"), str(tmp_path / "own.pem")))
    assert certificates.authorities_of({}) == str(own)
    other = tmp_path / "other.pem"
    other.write_text("x")
    assert certificates.authorities_of({"SSL_CERT_FILE": str(other)}) == str(other)
    assert certificates.authorities_of({"SSL_CERT_FILE": "/nonexistent"}) == str(own)
    assert certificates.authorities_of({"SSL_CERT_FILE": str(other), "REQUESTS_CA_BUNDLE": "/b"}) is None
    # a message names the variable that counts
    assert certificates.variable_of({"SSL_CERT_FILE": str(other)}) == certificates.variable_of({}) == "SSL_CERT_FILE"
    assert certificates.variable_of({"SSL_CERT_FILE": str(other), "REQUESTS_CA_BUNDLE": "/b"}) == "REQUESTS_CA_BUNDLE"


def test_a_helper_for_docker_hub_has_its_old_name(home, tmp_path):
    helper = tmp_path / "docker-credential-hub"
    helper.write_text('#!/bin/sh\nread host\necho "{\\"Username\\":\\"u\\",\\"Secret\\":\\"$host\\"}"\n')
    helper.chmod(0o755)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text('{"credHelpers": {"https://index.docker.io/v1/": "hub"}, "credsStore": "gone"}')
    assert find_credentials("docker.io", home) == Credentials("u", "https://index.docker.io/v1/")


def test_a_helper_that_gives_nothing_is_named(registry, cache, home, tmp_path):
    registry.wants = "basic"
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"credHelpers": {registry.host: "gone"}}))
    with pytest.raises(TargetError, match=r"without credentials, of which docker-credential-gone gave none \(401\)"):
        look(registry, cache, home)
