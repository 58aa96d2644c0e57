"""Registries and engines that mean harm: addresses that two readers read differently, answers without an end."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from fake_engine import FakeEngine
from image_samples import Sample, digest, tar_of
from raw_server import ENDLESS, RawRegistry, head, whole

from msbtui.engine import answers, docker, export, open_image, pace
from msbtui.engine import registry as registry_module
from msbtui.engine.answers import challenged
from msbtui.engine.client import make_client
from msbtui.engine.docker import connect
from msbtui.engine.host import find_endpoint
from msbtui.engine.provenance import read_provenance
from msbtui.engine.sbom import read_sbom
from msbtui.errors import TargetError

MANIFEST = "/manifests/latest"


@pytest.fixture
def raw(registry):
    with RawRegistry(registry).running() as one:
        yield one


@pytest.fixture
def look(cache, tmp_path):
    return lambda one: open_image(one.name, cache=cache, environ={"HOME": str(tmp_path), "PATH": "/nonexistent"})


def without_end(write, piece):
    for _ in range(ENDLESS // len(piece)):
        write(piece)


def slowly(write, data):
    for at in range(60):
        write(data[at : at + 1])
        time.sleep(0.02)
    write(data[60:])


# to whom credentials are shown


@pytest.mark.parametrize(
    "where",
    [
        "http://{other}\\@{own}/x",
        "//{other}\\@{own}/x",
        "http://{other}\\@{own}",
        " http://{other}\\@{own}/",
        "http://{other}\x7f@{own}/",
    ],
)
def test_an_address_that_two_readers_read_differently_is_none(registry, raw, look, tmp_path, where):
    (tmp_path / ".docker").mkdir()
    login = base64.b64encode(b"me:secret").decode()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {raw.host: {"auth": login}}}))

    def challenge(write):
        raw.says[MANIFEST] = lambda write: write(whole(b"", 307, Location=where.format(other=registry.host, own=raw.host)))
        write(whole(b"", 401, WWW_Authenticate='Basic realm="r"'))

    raw.says[MANIFEST] = challenge
    with pytest.raises(TargetError, match="which is no address"):
        look(raw)
    assert "authorization" in raw.seen[-1][1]
    assert not registry.asked


@pytest.mark.parametrize("where", ["http://127.0.0.1:99999999/", "http://[", "http://[::1", "ftp://127.0.0.1/", "http:///x\x01"])
@pytest.mark.parametrize("how", ["redirect", "realm"])
def test_what_is_no_address_is_said_as_one_line(raw, look, where, how):
    answer = {"Location": where} if how == "redirect" else {"WWW_Authenticate": f'Bearer realm="{where}"'}
    raw.says[MANIFEST] = lambda write: write(whole(b"", 302 if how == "redirect" else 401, **answer))
    with pytest.raises(TargetError, match="which is no address") as caught:
        look(raw)
    assert str(caught.value).isprintable()


def test_addresses_with_names_ports_and_odd_paths_are_addresses():
    for good in ("https://h", "http://h:80/a?b=c#d", "https://[::1]:5000/x", "http://u:p@h:1/", "https://H.example/\xc3\xa9%20"):
        assert answers.is_address(good), good
    for bad in (
        "",
        f"http://{'h' * 254}/",
        "h",
        "//h/",
        "http://",
        "http://h:x/",
        "http://a b/",
        "http://h/a\tb",
        "http://\xe9.example/",
        "file:///h",
    ):
        assert not answers.is_address(bad), bad


# answers without an end


@pytest.mark.parametrize("path", [MANIFEST, "/blobs/", "/token", "/referrers/"])
def test_the_body_of_a_redirect_is_not_read(raw, look, path):
    def say(write):
        write(head(302, Location="/elsewhere"))
        without_end(write, bytes(1 << 18))

    if path == "/token":
        raw.says[MANIFEST] = lambda write: write(whole(b"", 401, WWW_Authenticate=f'Bearer realm="http://{raw.host}/token"'))
    raw.says[path] = say
    if path == "/referrers/":
        look(raw)
    else:
        with pytest.raises(TargetError):
            look(raw)
    assert raw.sent < ENDLESS / 2


def test_the_body_of_a_redirect_is_not_unpacked(raw, look, monkeypatch):
    import urllib3.response

    asked = []
    monkeypatch.setattr(urllib3.response, "_get_decoder", asked.append)
    raw.says[MANIFEST] = lambda write: write(whole(gzip.compress(b"x"), 302, Location="/elsewhere", Content_Encoding="gzip"))
    with pytest.raises(TargetError, match="has no such image"):
        look(raw)
    assert not asked


def test_an_engine_that_sends_elsewhere_is_not_read_to_the_end(tmp_path, cache):
    with FakeEngine(tmp_path / "engine", Sample()).running() as engine:
        engine.answers["/version"] = 302
        engine.redirects = "/elsewhere"
        api = make_client(find_endpoint(engine.environ), 1.0).api
        with api, api.get(f"{api.base_url}/version", stream=True, allow_redirects=False) as answer:
            assert answer.status_code == 302
            assert not answer._content_consumed
        with pytest.raises(TargetError, match="the engine answered 302"):
            open_image("docker:sample", cache=cache, environ=engine.environ)


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
        (head(Transfer_Encoding="chunked") + b"2\r\n{}\r\n0\r\n", b"a: b\r\n" * 4000),
    ],
    ids=["interim answers", "trailers"],
)
@pytest.mark.parametrize(
    ("size", "step", "says"), [(1 << 20, 60.0, "has no end"), (1 << 40, 0.1, "no answer in time")], ids=["much", "long"]
)
def test_what_is_no_body_and_has_no_end(raw, look, monkeypatch, before, piece, size, step, says):
    def say(write):
        write(before)
        without_end(write, piece)

    raw.says[MANIFEST] = say
    monkeypatch.setattr(pace, "HEAD", size)
    monkeypatch.setattr(pace, "STEP", step)
    with pytest.raises(TargetError, match=says):
        look(raw)
    assert raw.sent < 5 * ENDLESS


def test_chunks_of_which_each_says_much_and_brings_little(raw, look, monkeypatch):
    manifest = raw.good.find("/v2/sample/manifests/latest")[0]

    def say(write, more):
        write(head(Transfer_Encoding="chunked"))
        for byte in manifest:
            write(b"1" + more + b"\r\n" + bytes([byte]) + b"\r\n")
        write(b"0\r\n\r\n")

    raw.says[MANIFEST] = lambda write: say(write, b"")
    monkeypatch.setattr(pace, "HEAD", 2000)
    assert look(raw).verified
    raw.says[MANIFEST] = lambda write: say(write, b";" + b"x" * 1000)
    with pytest.raises(TargetError, match="has no end"):
        look(raw)


@pytest.mark.parametrize("what", ["head", "document", "token", "blob"])
def test_what_comes_a_byte_at_a_time_counts_as_silence(raw, look, monkeypatch, what):
    monkeypatch.setattr(pace, "STEP", 0.1)
    monkeypatch.setattr(answers, "_WINDOW", 0.1)
    monkeypatch.setattr(answers, "_DOCUMENT", 0.1)

    def say(write):
        if what == "head":
            slowly(write, whole(b"{}", X_Long="x" * 60))
            return
        write(head())
        slowly(write, b" " * 61)

    if what == "token":
        raw.says[MANIFEST] = lambda write: write(whole(b"", 401, WWW_Authenticate=f'Bearer realm="http://{raw.host}/token"'))
    raw.says[{"token": "/token", "blob": digest(raw.good.sample.blobs[1])}.get(what, MANIFEST)] = say
    says = {"head": "no answer in time", "blob": "less than .* bytes a second"}.get(what, "did not come within 0.1 s|less than")
    with pytest.raises(TargetError, match=says):
        look(raw)


def test_a_blob_in_crumbs_is_given_up(registry, look):
    path = registry.blob_path(digest(registry.sample.blobs[0]))
    registry.breaks_after[path] = 1
    with pytest.raises(TargetError, match="in crumbs"):
        look(registry)
    assert registry.counts[path] < 30


def test_a_challenge_is_read_in_one_go():
    code = "from msbtui.engine.answers import challenged; print(challenged('Bearer realm=\"x\", ' + 'a' * 2_000_000))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "('bearer', {'realm': 'x'})\n"


@pytest.mark.parametrize(
    ("challenges", "kind", "said"),
    [
        ('Bearer realm="https://h/t",service="s,basic realm=x",scope="a:b:pull,push"', "bearer", {"realm", "service", "scope"}),
        ('Basic realm="r", Bearer realm="https://h/t", service="s"', "bearer", {"realm", "service"}),
        ('BEARER realm="x", Basic realm="y", charset="UTF-8"', "bearer", {"realm"}),
        ('Negotiate, Basic realm="r"', "basic", {"realm"}),
        ("Negotiate YWJj==, Basic", "basic", set()),
        ("Negotiate", "", set()),
        ("", "", set()),
        ("Basically realm=x", "", set()),
    ],
)
def test_of_several_challenges_the_one_that_can_be_met_counts(challenges, kind, said):
    found, parameters = challenged(challenges)
    assert (found, set(parameters)) == (kind, said)


def test_a_dockerfile_of_countless_lines_is_left_out():
    def statement(text):
        info = {"filename": "Dockerfile", "data": base64.b64encode(text).decode()}
        metadata = {"https://mobyproject.org/buildkit@v1#metadata": {"source": {"infos": [info]}}}
        return json.dumps({"metadata": metadata}).encode()

    text = b"FROM scratch\n" + b"RUN x\n" * 80_000
    assert read_provenance(statement(text), []).dockerfile == text.decode()
    with pytest.raises(TargetError, match="its Dockerfile is larger than 512 KiB"):
        read_provenance(statement(text * 2), [])


# answers that are small as texts and large as what they say


def many(piece):
    return b"[" + b",".join([piece] * 600_000) + b"]"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/images/json", many(b"{}")),
        ("/images/json", b'[{"RepoTags":' + many(b'""') + b"}]"),
        ("/images/sample/json", b'{"Id":"x","Config":{"Env":' + many(b'""') + b"}}"),
        ("/images/sample/json", b'{"Id":"x","Config":{"Volumes":{"a":' + many(b"[]") + b"}}}"),
        ("/images/ID/history", many(b"{}")),
    ],
    ids=["images", "tags", "variables", "volumes", "history"],
)
def test_an_engines_answer_of_countless_parts(tmp_path, cache, path, answer):
    with FakeEngine(tmp_path / "engine", Sample()).running() as engine:
        engine.answers[path.replace("ID", engine.id)] = answer
        name = "nonesuch" if path == "/images/json" else "sample"
        with pytest.raises(TargetError, match="has more parts"):
            open_image(f"docker:{name}", cache=cache, environ=engine.environ)


def test_a_manifest_of_countless_parts(raw, look):
    manifest = json.loads(raw.good.sample.manifest)
    manifest["layers"][0]["urls"] = [""] * 600_000
    raw.says[MANIFEST] = lambda write: write(whole(json.dumps(manifest).encode()))
    with pytest.raises(TargetError, match="has more parts"):
        look(raw)


def test_an_sbom_of_countless_parts_is_left_out():
    with pytest.raises(TargetError, match="has more parts"):
        read_sbom(b'{"packages":' + many(b"{}") + b"}", "https://spdx.dev/Document")


@pytest.mark.parametrize("size", [-1, 1 << 63, 10**400])
def test_sizes_that_are_none(raw, look, size):
    manifest = json.loads(raw.good.sample.manifest)
    manifest["layers"][0]["size"] = size
    raw.says[MANIFEST] = lambda write: write(whole(json.dumps(manifest).encode()))
    with pytest.raises(TargetError, match=r"cannot be understood: .*layers.*size"):
        look(raw)


def test_a_limit_is_told_as_it_is(raw, look):
    raw.says[MANIFEST] = lambda write: write(whole(b"", 401, WWW_Authenticate=f'Bearer realm="http://{raw.host}/token"'))
    raw.says["/token"] = lambda write: write(whole(b" " * (2 << 20)))
    with pytest.raises(TargetError, match="a token is larger than 1 MiB"):
        look(raw)


def test_an_index_of_large_manifests(raw, look, monkeypatch):
    monkeypatch.setattr(registry_module, "_DOCUMENTS", 20_000)
    blobs = [json.dumps({"layers": [], "config": {"digest": f"sha256:{n:064d}"}}).encode().ljust(5000) for n in range(9)]
    raw.good.blobs.update({digest(blob): blob for blob in blobs})
    index = json.dumps({"manifests": [{"digest": digest(blob)} for blob in blobs]}).encode()
    raw.says[MANIFEST] = lambda write: write(whole(index))
    with pytest.raises(TargetError, match="has more manifests than any image"):
        look(raw)
    assert sum("sha256:" in path and "/manifests/" in path for path, _ in raw.seen) < 5


# engines


def test_an_engines_version_is_short(tmp_path):
    with FakeEngine(tmp_path / "engine", Sample()).running() as engine:
        engine.answers["/version"] = json.dumps({"Version": "9\x1b" * 100_000, "ApiVersion": "1.41"}).encode()
        connected = connect(engine.environ)
        assert len(connected.version) < 1000
        assert connected.name.isprintable()


def listed(engine, count):
    images = [{"Id": f"sha256:{n:064d}", "RepoTags": [f"a:{n}"], "Created": count - n} for n in range(count)]
    engine.answers["/images/json"] = json.dumps(images).encode()
    return [f"/images/{image['Id']}/json" for image in images]


def test_bases_are_not_asked_of_an_engine_that_freezes(tmp_path):
    with FakeEngine(tmp_path / "engine", Sample()).running() as engine:
        paths = listed(engine, 9)
        for path in paths:
            engine.answers[path] = b'{"Id":"x","RootFS":{"Layers":[]}}'
        engine.answers[paths[1]] = 404
        engine.hang_on = paths[3]
        assert list(connect(engine.environ, patience=0.5).known_bases()) == ["a:0", "a:2"]
        assert paths[4] not in engine.asked
        assert engine.asked.count("/images/json") == 1


def test_bases_are_not_asked_for_longer_than_an_answer_may_take(tmp_path, monkeypatch):
    with FakeEngine(tmp_path / "engine", Sample()).running() as engine:
        for path in listed(engine, 9):
            engine.answers[path] = b'{"Id":"x","RootFS":{"Layers":[]}}'
        connected = connect(engine.environ)
        clock = iter(range(0, 900, 20))
        monkeypatch.setattr(docker, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        assert list(connected.known_bases()) == ["a:0", "a:1"]


def endless(kind):
    """Give the export of an image that it does not hold, without its layers."""
    names = {f"{n}{'/layer.tar' if kind == 'layers' else ''}": tar_of({"a": b"x"}) for n in range(30)}
    return tar_of({name: data if kind == "layers" else b"" for name, data in names.items()})


@pytest.mark.parametrize(
    ("kind", "limits", "says"),
    [
        ("files", {"_MEMBERS": 20}, "holds more files than any image's"),
        ("layers", {"_LAYERS": 20}, "holds more layers than any image has"),
        ("layers", {"_LONGER": 1, "_LEAST": 1}, "is far longer than the image"),
    ],
)
def test_an_export_without_end(tmp_path, cache, monkeypatch, kind, limits, says):
    for name, value in limits.items():
        monkeypatch.setattr(export, name, value)
    with FakeEngine(tmp_path / "engine", Sample()).running() as engine:
        said = json.loads(engine.right_answer("/images/sample/json"))
        engine.answers["/images/sample/json"] = json.dumps({**said, "Size": 5000}).encode()
        engine.export = endless(kind)
        with pytest.raises(TargetError, match=f"its export {says}"):
            open_image("docker:sample", cache=cache, environ=engine.environ)
