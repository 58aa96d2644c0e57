"""The cache under what befalls caches: processes killed in mid-write, damage of every kind, full disks, other versions."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msbtui.image import layerfile
from msbtui.image.cache import LayerCache
from msbtui.image.facts import StoredContents
from msbtui.image.model import Kind, LayerIndex


def layer(text: bytes, paths: int = 3) -> tuple[LayerIndex, StoredContents]:
    index = LayerIndex()
    for number in range(paths):
        index.paths.append(f"folder/{number}")
        index.kinds.append(Kind.FILE)
        index.sizes.append(len(text))
        for column in (index.modes, index.uids, index.gids):
            column.append(0)
        index.offsets.append(512 + number * (512 + len(text) + -len(text) % 512))
        index.mtimes.append(float(number))
    return index, StoredContents(index, texts={0: text})


def texts(cache: LayerCache, key: str) -> bytes | None:
    found = cache.get(key)
    return None if found is None else found[1].text(0)


def run(root: Path, how: str) -> int:
    """Put a layer into the cache from a process to which something happens; give its exit code."""
    code = f"""
import os, resource, signal, sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}
from pathlib import Path
from test_cache_harm import layer
from msbtui.image.cache import LayerCache
how = {how!r}
if how == "before it has its name":
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
elif how == "in mid-write":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
elif how == "no space":
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
elif how == "read-only":
    os.setuid(65534)
cache = LayerCache(Path({str(root)!r}))
found = cache.get("k")
done = cache.put("k", *layer(os.urandom(20_000)))
sys.exit(10 * done + (found is not None))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert not result.stderr
    return result.returncode


@pytest.mark.parametrize(("how", "code"), [("before it has its name", -signal.SIGKILL), ("in mid-write", -signal.SIGXFSZ)])
def test_a_process_that_is_killed_leaves_no_layer_and_harms_none(tmp_path: Path, how: str, code: int) -> None:
    cache = LayerCache(tmp_path)
    cache.put("other", *layer(b"other"))
    assert run(tmp_path, how) == code
    (rest,) = tmp_path.glob("*.part")
    assert how != "in mid-write" or rest.stat().st_size == 5000
    assert texts(cache, "k") is None
    assert texts(cache, "other") == b"other"
    assert cache.usage().layers == 1
    assert cache.put("k", *layer(b"now"))
    assert rest.exists()  # it may be another process's, at work
    os.utime(rest, (0, 0))
    assert LayerCache(tmp_path).put("more", *layer(b"more"))
    assert not rest.exists()
    assert texts(cache, "k") == b"now"


def test_a_disk_without_space_is_no_reason_to_fail(tmp_path: Path) -> None:
    assert run(tmp_path, "no space") == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system")
def test_a_file_system_without_space(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        cache = LayerCache(place)
        assert cache.put("small", *layer(b"small"))
        assert not cache.put("large", *layer(os.urandom(200_000)))
        assert [path.suffix for path in place.iterdir()] == [".layer"]
        assert texts(cache, "small") == b"small"
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_folder_that_may_only_be_read_still_answers(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cache = LayerCache(folder)
    cache.put("k", *layer(b"known"))
    (path,) = folder.iterdir()
    path.chmod(0o644)
    folder.chmod(0o555)
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(above.stat().st_mode | 0o055)
    how = "read-only" if os.geteuid() == 0 else "as it is"
    try:
        assert run(folder, how) == 1  # found, and not stored
        assert [each.name for each in folder.iterdir()] == [path.name]
    finally:
        folder.chmod(0o755)


def test_layers_of_another_version_are_misses_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = LayerCache(tmp_path)
    monkeypatch.setattr(layerfile, "MAGIC", layerfile.MAGIC[:7] + bytes([layerfile.MAGIC[7] + 1]))
    cache.put("newer", *layer(b"newer"))
    assert texts(cache, "newer") == b"newer"
    monkeypatch.undo()
    assert texts(cache, "newer") is None
    assert list(tmp_path.iterdir()) == []


def test_every_cut_and_every_changed_byte_is_a_miss(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    cache.put("k", *layer(b"text"))
    (path,) = tmp_path.iterdir()
    sound = path.read_bytes()
    for place in range(len(sound)):
        for damaged in (sound[:place], sound[:place] + bytes([sound[place] ^ 1 << place % 8]) + sound[place + 1 :]):
            path.write_bytes(damaged)
            assert cache.get("k") is None
            assert not path.exists()
    path.write_bytes(sound)
    assert texts(cache, "k") == b"text"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_a_miss_or_none(tmp_path: Path, data: st.DataObject) -> None:
    cache = LayerCache(tmp_path)
    cache.put("k", *layer(b"text"))
    (path,) = tmp_path.iterdir()
    sound = bytearray(path.read_bytes())
    damaged = sound[:]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged)))
        how = data.draw(st.sampled_from(("set", "insert", "cut", "move", "zeros")))
        some = data.draw(st.binary(min_size=1, max_size=40))
        if how == "set":
            damaged[place : place + len(some)] = some
        elif how == "insert":
            damaged[place:place] = some
        elif how == "cut":
            del damaged[place : place + len(some)]
        elif how == "zeros":
            damaged[place:] = bytes(len(damaged) - place)
        else:
            damaged += damaged[place : place + 60]
            del damaged[place : place + 60]
    path.write_bytes(damaged)
    assert texts(cache, "k") == (b"text" if damaged == sound else None)


def work(root: str, seed: int, until: float) -> None:
    cache = LayerCache(Path(root), limit=60_000)
    number = seed
    while time.monotonic() < until:
        number = (number * 5 + 3) % 16
        found = texts(cache, str(number))
        assert found is None or found == bytes([number]) * 9000
        if seed == 7 and number % 5 == 0:
            cache.clear()
        elif seed == 5 and number % 3 == 0:
            for path in Path(root).glob("*.layer"):  # somebody damages what is there
                try:
                    with path.open("r+b") as file:
                        file.write(b"damage")
                except OSError:
                    continue
        else:
            cache.put(str(number), *layer(bytes([number]) * 9000))
        assert cache.usage().bytes <= 4 * 60_000


def test_processes_that_read_write_clear_and_damage_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    until = time.monotonic() + 3
    workers = [context.Process(target=work, args=(str(tmp_path), seed, until)) for seed in (1, 5, 7, 11)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert not list(tmp_path.glob("*.part"))
    assert LayerCache(tmp_path, limit=60_000).put("after", *layer(b"after"))
