"""Secrets by name and content: the same from an archive, a stream and a stored layer, and never a value."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.image.facts import FactsCollector, MappedContents, StoredContents
from msbtui.image.layerfile import decode_layer, encode_layer
from msbtui.image.secret import KINDS, is_looked_at, looked_at, secret_in
from msbtui.image.tar import index_layer, index_stream

pytestmark = pytest.mark.usefixtures("implementation")

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n" * 3
KEY += b"-----END OPENSSH PRIVATE KEY-----\n"
HELD = {
    "root/.ssh/id_ed25519": (KEY, "a private key"),
    "etc/ssl/private/server.key": (KEY, "a private key"),
    "srv/anything": (KEY, "a private key"),
    "etc/ssh/ssh_host_rsa_key": (KEY, "a private key"),
    "root/.git-credentials": (b"https://me:hunter2hunter2@example.com\n", "credentials of git"),
    "home/me/.netrc": (b"machine x login y password zzzzzz\n", "a password"),
    "root/.npmrc": (b"//registry.example.com/:_authToken=0123456789\n", "an npm token"),
    "root/.pypirc": (b"[pypi]\nusername = me\npassword = abcdefgh\n", "a password"),
    "root/.pgpass": (b"host:5432:db:user:abcdefgh\n", "a password"),
    "root/.aws/credentials": (b"[default]\naws_secret_access_key = abcdefghij\n", "cloud credentials"),
    "root/.docker/config.json": (b'{"auths": {"x": {"auth": "bWU6c2VjcmV0"}}}', "registry credentials"),
    "root/.kube/config": (b"users:\n- user:\n    token: abcdefghijklmnopqrst\n", "cluster credentials"),
    "app/.env": (b"# x\nDEBUG=1\nDB_PASSWORD=correct-horse\n", "values under names of secrets"),
    "app/.env.production": (b"export STRIPE_SECRET_KEY='sk_x1234567'\n", "values under names of secrets"),
}
NONE = {
    "etc/ssl/certs/ca.pem": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "root/.ssh/id_rsa.pub": b"ssh-rsa AAAA me\n",
    "root/.ssh/id_rsa": b"-----BEGIN RSA PRIVATE KEY-----\n(put yours here)\n",
    "root/.npmrc": b"//registry.example.com/:_authToken=${NPM_TOKEN}\nfund=false\n",
    "app/.env": b"DB_PASSWORD=\nTOKEN=${TOKEN}\nSECRET=changeme\nAPI_KEY=your-key-here\n",
    "app/.env.example": b"DB_PASSWORD=correct-horse\n",
    "app/config.json": b'{"auth": "bWU6c2VjcmV0"}',
    "app/keys.md": KEY[:30],
    "root/.docker/config.json": b'{"credsStore": "desktop"}',
    "app/credentials": b"aws_secret_access_key = abcdefghij\n",
}


def pack(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def forms(files: dict[str, bytes]) -> dict[str, dict[str, str]]:
    """Give, by form of the layer, what secrets it holds by path."""
    data = pack(files)
    index = index_layer(data)
    mapped = MappedContents(data, index)
    collector = FactsCollector()
    streamed_index = index_stream(io.BytesIO(data), collector)
    streamed = collector.contents()
    stored_index, stored = decode_layer(encode_layer(streamed_index, streamed))
    gathered = MappedContents(data, index).gather()
    partly = MappedContents(data, index, MappedContents(data, index).gathered())
    found = {"mapped": (index, mapped), "streamed": (streamed_index, streamed), "stored": (stored_index, stored)}
    found |= {"gathered": (index, gathered), "known in part": (index, partly)}
    return {name: {where.paths[entry]: what for entry, what in one.secrets.items()} for name, (where, one) in found.items()}


def test_every_form_of_a_layer_says_the_same() -> None:
    wanted = {path: what for path, (_, what) in HELD.items()}
    for form, found in forms({path: data for path, (data, _) in HELD.items()}).items():
        assert found == wanted, form


def test_near_misses() -> None:
    for form, found in forms(NONE).items():
        assert found == {}, form


def test_large_files_are_looked_at_too() -> None:
    large = {"root/.docker/config.json": HELD["root/.docker/config.json"][0] + b" " * 100_000, "a/b.key": KEY + b"\n" * 200_000}
    for form, found in forms(large).items():
        assert sorted(found) == sorted(large), form


def test_no_value_is_kept() -> None:
    data = pack({path: data for path, (data, _) in HELD.items()})
    collector = FactsCollector()
    index = index_stream(io.BytesIO(data), collector)
    contents = collector.contents()
    stored = encode_layer(index, contents, level=1)
    assert contents.texts == {}
    _, read = decode_layer(stored)
    assert read.texts == {}
    mapped = MappedContents(data, index)
    for entry in range(len(index)):
        mapped.text(entry)
    assert mapped.gathered().texts == {}


def test_a_hostile_stored_layer_names_no_other_kind() -> None:
    index = index_layer(pack({"a": b"x"}))
    for secrets in ({0: "the password is x"}, {7: KINDS[0]}):
        data = encode_layer(index, StoredContents(index, secrets=secrets))
        with pytest.raises(Exception, match="a secret of no file"):
            decode_layer(data)


PARTS = [*(part for path in (*HELD, *NONE) for part in path.split("/")), "a.txt", "private", "x.key", "private_key.der"]
PATH = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("/".join)


@given(st.lists(PATH, max_size=30, unique=True))
def test_many_names_at_once_as_one_by_one(paths: list[str]) -> None:
    assert looked_at(paths) == [number for number, path in enumerate(paths) if is_looked_at(path)]


@pytest.mark.parametrize("path", [*HELD])
def test_names(path: str) -> None:
    data, what = HELD[path]
    assert secret_in(path, data) == what
    assert is_looked_at(path) or data.startswith(b"----")
