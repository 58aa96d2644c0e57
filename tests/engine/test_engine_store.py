"""Small documents beside the layer cache: bounded, whole, and believed only by their hash."""

from __future__ import annotations

import os

import pytest

from msbtui.engine import store
from msbtui.engine.manifest import sha256_of
from msbtui.engine.store import Store


def ages(folder):
    """Make every file older than the next one that is written."""
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_mtime - 10, path.stat().st_mtime - 10))


def test_a_document_is_read_back_by_its_digest(tmp_path):
    Store(tmp_path).keep(b"{}")
    assert Store(tmp_path).document(sha256_of(b"{}")) == b"{}"
    assert Store(tmp_path).document(sha256_of(b"[]")) is None
    assert Store(None).document(sha256_of(b"{}")) is None


@pytest.mark.parametrize("damage", [b"", b"}", b"{} "])
def test_a_damaged_document_is_absent(tmp_path, damage):
    Store(tmp_path).keep(b"{}")
    (path,) = (tmp_path / "documents").iterdir()
    path.write_bytes(damage)
    assert Store(tmp_path).document(sha256_of(b"{}")) is None


def test_large_documents_are_bounded_together(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BYTES", 500_000)
    kept = Store(tmp_path)
    made = [bytes([number]) * 100_000 for number in range(9)]
    for data in made:
        kept.keep(data)
        assert kept.usage()[1] <= 500_000
        ages(tmp_path / "documents")
    assert [kept.document(sha256_of(data)) is not None for data in made] == [False] * 4 + [True] * 5


def test_one_document_larger_than_the_bound_stays_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BYTES", 50_000)
    kept = Store(tmp_path)
    kept.keep(b"small")
    ages(tmp_path / "documents")
    kept.keep(b"x" * 100_000)
    assert kept.usage() == (1, 100_000)


def test_many_documents_are_cut_to_half(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_LIMIT", 10)
    kept = Store(tmp_path)
    for number in range(11):
        kept.keep(b"%d" % number)
        ages(tmp_path / "documents")
    assert kept.usage()[0] == 5
    assert kept.document(sha256_of(b"10")) == b"10"
    assert kept.document(sha256_of(b"5")) is None


def test_a_link_is_a_diff_id_or_none(tmp_path):
    kept = Store(tmp_path)
    kept.link("blob", sha256_of(b"a"))
    assert kept.layer_of("blob") == sha256_of(b"a")
    (path,) = (tmp_path / "links").iterdir()
    for damage in (b"", b"sha256:zz", path.read_bytes()[:-1], b"\xff" * 71):
        path.write_bytes(damage)
        assert kept.layer_of("blob") is None
