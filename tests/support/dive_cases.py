"""Small images whose numbers dive was asked for, and what it is asked with."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from waste_scenes import F, Tree, pack

BASE: Tree = {"bin/": None, "bin/sh": 9000, "etc/": None, "etc/conf": 400}
CASES: dict[str, list[Tree]] = {
    "nothing is wasted": [BASE, {"app/": None, "app/a": 5000}, {"app/b": 700}],
    "one layer": [BASE],
    "a file is deleted": [BASE, {"app/": None, "app/a": 5000, "app/keep": 10}, {"app/.wh.a": 0}],
    "a file of the base is deleted": [BASE, {"etc/.wh.conf": 0}],
    "a directory is deleted": [BASE, {"app/": None, "app/a": 5000, "app/b": 700}, {".wh.app": 0}],
    "a directory is deleted and made again": [BASE, {"app/": None, "app/a": 5000}, {".wh.app": 0}, {"app/": None, "app/a": 60}],
    "a directory is emptied": [BASE, {"app/": None, "app/a": 5000}, {"app/": None, "app/.wh..wh..opq": 0, "app/b": 30}],
    "a file is rewritten": [BASE, {"app/": None, "app/a": 5000}, {"app/a": 4000}],
    "a file is rewritten twice": [BASE, {"app/": None, "app/a": 5000}, {"app/a": 4000}, {"app/a": 4000}],
    "an owner is changed": [BASE, {"app/": None, "app/a": 5000}, {"app/a": F(b"app/a" * 1000, uid=7)}],
    "a file is moved": [BASE, {"app/": None, "app/a": 5000}, {"app/.wh.a": 0, "srv/": None, "srv/a": F(b"app/a" * 1000)}],
    "a hard link": [BASE, {"app/": None, "app/a": 5000, "app/b": F(hard="app/a")}, {"app/.wh.b": 0}],
    "a symbolic link is rewritten": [BASE, {"l": F(link="bin/sh")}, {"l": F(link="etc/conf")}],
    "a file becomes a directory": [BASE, {"x": 5000}, {"x/": None, "x/y": 80}],
    "a directory becomes a file": [BASE, {"x/": None, "x/y": 5000}, {"x": 80}],
    "deleted twice": [BASE, {"a": 5000}, {".wh.a": 0}, {"a": 600}, {".wh.a": 0}],
    "all together": [
        BASE,
        {"app/": None, "app/a": 5000, "app/b": 700, "d/": None, "d/x": 3000},
        {"app/a": 5000, ".wh.d": 0},
        {"app/.wh.b": 0, "etc/conf": 500},
    ],
}
LIMITS = (("lowestEfficiency", 0.9), ("highestWastedBytes", 4500.0), ("highestUserWastedPercent", 0.5))


def write_archive(trees: Sequence[Tree], path: Path) -> None:
    """Write what `docker save` would write of an image of these layers."""
    layers = [pack(tree) for tree in trees]
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created_by": f"RUN {number}"} for number in range(len(layers))],
    }
    names = [f"{number}-{digest}/layer.tar" for number, digest in enumerate(digests)]
    manifest = [{"Config": "config.json", "RepoTags": ["made:1"], "Layers": names}]
    with tarfile.open(path, "w") as tar:
        for name, data in [
            ("config.json", json.dumps(config).encode()),
            *zip(names, layers, strict=True),
            ("manifest.json", json.dumps(manifest).encode()),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def ask_dive(program: str, trees: Sequence[Tree]) -> dict[str, Any]:
    """Give what `dive --ci` says of an image: its three numbers as printed, and each rule's verdict."""
    with tempfile.TemporaryDirectory() as folder:
        archive, rules = Path(folder, "image.tar"), Path(folder, ".dive-ci")
        write_archive(trees, archive)
        rules.write_text("rules:\n" + "".join(f"  {name}: {limit:g}\n" for name, limit in LIMITS))
        command = [program, "--source", "docker-archive", "--ci", "--ci-config", str(rules), str(archive)]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout
    return {
        "efficiency": _only(r"efficiency: +([\d.]+) %", said),
        "wastedBytes": int(_only(r"wastedBytes: +(\d+) bytes", said)),
        "userWastedPercent": _only(r"userWastedPercent: +([\d.]+|\+Inf) %", said),
        "passes": {name: _only(rf"(PASS|FAIL) +{name}", said) == "PASS" for name, _ in LIMITS},
    }


def _only(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text)
    return str(found)


def main() -> None:
    """Write what dive says of all cases: `python dive_cases.py DIVE FILE`."""
    program, path = sys.argv[1:]
    Path(path).write_text(json.dumps({name: ask_dive(program, trees) for name, trees in CASES.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
