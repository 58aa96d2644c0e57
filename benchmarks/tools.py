"""The programs that are measured against: installed once into a cache folder, by their registries' own clients."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path


def install(folder: Path) -> dict[str, str]:
    """Install dive (Go) and xray-tui (Rust) where they are not there yet; give versions by name, without what cannot be had."""
    programs = folder / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    if not (programs / "dive").exists():
        _try(["go", "install", "github.com/wagoodman/dive/cmd/dive@latest"], GOBIN=str(programs))
    if not (programs / "xray").exists():
        # xray-tui asks for features that a stable toolchain has only when it is told so.
        _try(["cargo", "install", "xray-tui", "--root", str(folder)], RUSTC_BOOTSTRAP="1")
    versions = {}
    if (programs / "dive").exists():
        about = subprocess.run(
            ["go", "version", "-m", str(programs / "dive")], capture_output=True, text=True, check=False
        ).stdout
        found = re.search(r"^\s*mod\s+\S+\s+(\S+)", about, re.MULTILINE)
        versions["dive"] = found[1] if found else "unknown"
    if (programs / "xray").exists():
        about = subprocess.run([str(programs / "xray"), "--version"], capture_output=True, text=True, check=False).stdout
        versions["xray"] = about.split()[-1] if about.split() else "unknown"
    return versions


def _try(command: list[str], **more: str) -> None:
    print("installing:", " ".join(command), flush=True)
    try:
        subprocess.run(command, env={**os.environ, **more}, check=False)
    except OSError as error:
        print(f"cannot run {command[0]}: {error}")
