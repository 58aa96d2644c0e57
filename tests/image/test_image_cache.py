"""The cache of layer indexes: kept, bounded, shared, and never a reason to fail."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from msbtui.image.cache import NOWHERE, LayerCache, file_key
from msbtui.image.facts import StoredContents
from msbtui.image.model import Kind, LayerIndex


def layer(path: str = "a", text: bytes = b"hello") -> tuple[LayerIndex, StoredContents]:
    index = LayerIndex()
    index.paths.append(path)
    index.kinds.append(Kind.FILE)
    index.sizes.append(len(text))
    for column in (index.modes, index.uids, index.gids, index.offsets):
        column.append(0)
    index.mtimes.append(0.0)
    return index, StoredContents(index, texts={0: text})


def only_file(cache: LayerCache) -> Path:
    (path,) = cache.root.glob("*.layer")
    return path


def test_what_was_put_is_found_by_every_cache_on_the_folder(tmp_path: Path) -> None:
    assert LayerCache(tmp_path).get("sha256:1") is None
    assert LayerCache(tmp_path).put("sha256:1", *layer())
    found = LayerCache(tmp_path).get("sha256:1")
    assert found is not None
    assert (found[0].paths, found[1].text(0)) == (["a"], b"hello")
    assert LayerCache(tmp_path).get("sha256:2") is None
    assert LayerCache(tmp_path).usage() == (1, only_file(LayerCache(tmp_path)).stat().st_size)


def test_the_folder_is_where_caches_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert LayerCache().root == tmp_path / "msbtui" / "layers" / "v1"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored: XDG Base Directory Specification
    assert LayerCache().root.is_absolute()
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert LayerCache().root.parts[-3:] == ("msbtui", "layers", "v1")


@pytest.mark.parametrize("key", ["../../escape", "a/b", "\0", "x" * 5000, "", "file:1:\udcff"])
def test_no_key_leaves_the_folder(tmp_path: Path, key: str) -> None:
    cache = LayerCache(tmp_path / "cache")
    assert cache.put(key, *layer())
    assert cache.get(key) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert only_file(cache).parent == cache.root


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_damaged_file_is_a_miss_and_goes(tmp_path: Path, damage: bytes | None) -> None:
    cache = LayerCache(tmp_path)
    cache.put("k", *layer())
    path = only_file(cache)
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    assert cache.get("k") is None
    assert not path.exists()
    assert cache.put("k", *layer())
    assert cache.get("k") is not None


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    noise = os.urandom(10_000)
    cache = LayerCache(tmp_path, limit=45_000)
    for n in range(4):
        cache.put(str(n), *layer(text=noise))
        os.utime(cache._path(str(n)), (1000 + n, 1000 + n))
    assert cache.get("0") is not None  # used now, so it stays
    cache.put("4", *layer(text=noise))
    assert [n for n in range(5) if cache.get(str(n)) is not None] == [0, 3, 4]
    assert cache.usage().bytes <= 45_000
    assert not cache.put("large", *layer(text=os.urandom(50_000)))
    assert cache.get("4") is not None


def test_the_layer_just_stored_stays_even_where_the_clock_was_set_back(tmp_path: Path) -> None:
    noise = os.urandom(10_000)
    for n in range(3):
        LayerCache(tmp_path).put(str(n), *layer(text=noise))
        os.utime(LayerCache(tmp_path)._path(str(n)), (1 << 33, 1 << 33))
    cache = LayerCache(tmp_path, limit=25_000)
    cache.put("new", *layer(text=noise))
    assert cache.get("new") is not None
    assert cache.usage().layers == 2


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    (tmp_path / "abandoned.part").write_bytes(b"x" * 100)
    (tmp_path / "current.part").write_bytes(b"x" * 100)
    os.utime(tmp_path / "abandoned.part", (0, 0))
    cache = LayerCache(tmp_path)
    cache.put("k", *layer())
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".layer") == ["current.part", "precious.txt"]
    assert cache.clear().layers == 1
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
    assert cache.usage() == (0, 0)
    assert cache.get("k") is None


def test_a_folder_that_cannot_be_used_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = LayerCache(tmp_path / "file" / "cache")
    assert not cache.put("k", *layer())
    assert cache.get("k") is None
    assert cache.usage() == cache.clear() == (0, 0)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert not LayerCache(tmp_path).put("k", *layer())
    assert list(tmp_path.iterdir()) == []


def test_a_file_key_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(b"one")
    first = file_key(path)
    assert file_key(path) == first
    assert file_key(path, part="layer 2") != first
    (tmp_path / "link").symlink_to(path)
    assert file_key(tmp_path / "link") == first
    os.utime(path, ns=(5, 5))
    second = file_key(path)
    path.write_bytes(b"three")
    os.utime(path, ns=(5, 5))
    assert len({first, second, file_key(path)}) == 3
    with pytest.raises(FileNotFoundError):
        file_key(tmp_path / "nowhere")


def _work(root: str, seed: int) -> None:
    cache = LayerCache(Path(root), limit=30_000)
    for n in range(60):
        key = str((n * seed) % 7)
        found = cache.get(key)
        assert found is None or found[1].text(0) == key.encode() * 5000
        cache.put(key, *layer(text=key.encode() * 5000))


def test_processes_share_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(str(tmp_path), seed)) for seed in (1, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert not list(tmp_path.glob("*.part"))


def test_somebody_without_a_home_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a container's `--user 12345`: no HOME, and no list of users that knows the number
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    cache = LayerCache()
    assert cache.root == NOWHERE
    assert not cache.put("a", *layer())
    assert cache.get("a") is None
    assert cache.usage() == cache.clear() == (0, 0)
    assert not list(tmp_path.iterdir())
