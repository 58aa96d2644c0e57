"""The table, the closure and the packages of images that real engines built, against a slow unpack, ldd and dpkg."""

from __future__ import annotations

import gzip
import json
import mmap
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from msbtui.image.closure import needed_libraries
from msbtui.image.facts import MappedContents
from msbtui.image.model import Image, ImageConfig, Layer
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.image.tar import index_layer

pytestmark = pytest.mark.engine

BUILD = Path(__file__).parent.parent / "engine" / "build_projects"
LDD = r"""
find / -xdev -type f \( -perm -u+x -o -name '*.so*' \) | sort | while read -r file; do
  case $(head -c4 "$file" | od -An -c | tr -d ' ') in '177ELF') echo "FILE $file"; ldd "$file" 2>&1;; esac
done
"""


class Built:
    """One image of one engine, saved, with its layers unpacked from the archive."""

    def __init__(self, docker, name: str, folder: Path) -> None:
        self.docker = docker
        self.name = name
        archive = folder / "image.tar"
        docker("save", "-o", str(archive), name)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        manifest = json.loads((folder / "manifest.json").read_text())[0]
        config = json.loads((folder / manifest["Config"]).read_text())
        self.files = [folder / layer for layer in manifest["Layers"]]
        layers = []
        for number, path in enumerate(self.files):
            with path.open("rb") as file:
                buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if buffer[:2] == b"\x1f\x8b":
                buffer = gzip.decompress(buffer)
            index = index_layer(buffer)
            layers.append(Layer(number, config["rootfs"]["diff_ids"][number], index, MappedContents(buffer, index)))
        env = tuple(config["config"].get("Env") or ())
        self.image = Image(name, "", "linux/amd64", ImageConfig(env=env), (), layers)
        self.table = FileTable(layer.entries for layer in layers)


@pytest.fixture(
    scope="module", params=[(e, p) for e in ("ENGINE_CLASSIC", "ENGINE_MODERN") for p in ("c", "python", "go")], ids="-".join
)
def built(request, tmp_path_factory):
    engine, project = request.param
    host = os.environ.get(engine)
    if not host:
        pytest.skip(f"{engine} names no engine")
    environ = dict(os.environ, DOCKER_HOST=host)

    def docker(*arguments: str) -> str:
        return subprocess.run(("docker", *arguments), env=environ, check=True, capture_output=True, text=True, timeout=600).stdout

    subprocess.run([str(BUILD)], env=environ, check=True, capture_output=True, timeout=1200)
    return Built(docker, f"msbtui-demo-{project}:before", tmp_path_factory.mktemp("saved"))


def slow_unpack(files: list[Path]):
    """Apply layers entry by entry with the standard library's tar reader; give (all inodes, what is shown) after each."""
    shown: dict[str, list[int]] = {}
    for path in files:
        made = []
        with tarfile.open(path) as tar:
            members = [(os.path.normpath(member.name).lstrip("/"), member) for member in tar]
        for name, _ in members:
            folder, base = os.path.split(name)
            if base == ".wh..wh..opq":
                shown = {p: i for p, i in shown.items() if not p.startswith(folder + "/" if folder else "")}
            elif base.startswith(".wh."):
                gone = os.path.join(folder, base[4:])
                shown = {p: i for p, i in shown.items() if p != gone and not p.startswith(gone + "/")}
        new: dict[str, list[int]] = {}
        for name, member in members:
            if os.path.basename(name).startswith(".wh.") or name == ".":
                continue
            if not member.isdir() and name in shown:
                shown = {p: i for p, i in shown.items() if not p.startswith(name + "/")}
            inode = new[member.linkname.removeprefix("./")] if member.islnk() else [member.size if member.isreg() else 0]
            new[name] = shown[name] = inode
            if not member.islnk():
                made.append(inode)
        yield sum(inode[0] for inode in made), sum(i[0] for i in {id(i): i for i in shown.values()}.values()), set(shown)


def test_bytes_equal_a_slow_unpack(built):
    table = built.table
    total = 0
    for layer, (size, live, paths) in enumerate(slow_unpack(built.files)):
        total += size
        assert table.layer_size(layer) == size
        assert table.running_total(layer) == live
        assert {table.paths[pid] for pid in range(1, len(table)) if table.live_at(pid, layer)} == paths
    assert (table.size, table.live_bytes, table.hidden_bytes) == (total, live, total - live)
    assert sum(table.layer_hidden(layer) for layer in range(table.layers)) == total - live > 0


def test_closure_equals_ldd(built):
    told: dict[str, dict[str, str | None]] = {}
    lines = built.docker("run", "--rm", "--network", "none", "--entrypoint", "sh", built.name, "-c", LDD).splitlines()
    libraries: dict[str, str | None] = {}
    for line in lines:
        if line.startswith("FILE /"):
            libraries = told[line[6:]] = {}
        elif " => " in line:
            name, _, path = line.strip().partition(" => ")
            pid = None if "not found" in path else built.table.resolve(path.partition(" (")[0])
            libraries[name] = None if pid is None else built.table.paths[pid]
    assert len(told) > 300
    for path, libraries in told.items():
        closure = needed_libraries(built.image, built.table, [path])
        mine: dict[str, str | None] = {
            library.name: library.real for library in closure.libraries if library.how not in ("interpreter", "loader")
        }
        mine |= {missing.name: None for missing in closure.missing}
        # ldd runs the linker itself, and does not list it as a library.
        for names in (mine, libraries):
            names.pop("ld-linux-x86-64.so.2", None)
        assert mine == libraries, path


def test_packages_equal_dpkg(built):
    packages = read_packages(built.image, built.table)
    query = built.docker(
        "run", "--rm", "--entrypoint", "dpkg-query", built.name, "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n"
    )
    told = {tuple(line.split()[:2]) for line in query.splitlines() if line.endswith(" installed")}
    assert {(package.name, package.version) for package in packages.installed.values()} == told
    manual = built.docker("run", "--rm", "--entrypoint", "apt-mark", built.name, "showmanual").split()
    assert sorted(name for name, package in packages.installed.items() if package.manual) == sorted(manual)
