"""What a verification leaves on the engine: labelled with its id and its process, removed at its end, swept after a kill.

Every container and image that msbtui makes carries `msbtui.verify` (which verification) and `msbtui.verify.owner` (which
process): what no live process owns is what a killed one left behind.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from msbtui.engine import process
from msbtui.engine.host import Endpoint
from msbtui.errors import Cancelled, TargetError
from msbtui.image.model import ImageConfig

LABEL = "msbtui.verify"
OWNER_LABEL = "msbtui.verify.owner"
_ASKING = 30.0


def labels(verify_id: str) -> list[str]:
    """Give the options that label a container or an image of a verification."""
    return ["--label", f"{LABEL}={verify_id}", "--label", f"{OWNER_LABEL}={owner()}"]


def without_labels(config: ImageConfig) -> ImageConfig:
    """Give the configuration as the author's text alone makes it, without what `labels` added."""
    kept = {name: value for name, value in config.labels.items() if name not in (LABEL, OWNER_LABEL)}
    return msgspec.structs.replace(config, labels=kept)


def owner() -> str:
    """Give who this process is: machine, boot, process namespace, process, and when it started, joined by `/`."""
    return "/".join((*_machine(), str(os.getpid()), _started(os.getpid())))


@cache
def _machine() -> tuple[str, str, str]:
    texts = []
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        try:
            texts.append(Path(path).read_text("ascii").strip())
        except (OSError, UnicodeDecodeError):
            texts.append("")
    namespace = ""
    with suppress(OSError):
        namespace = str(os.stat("/proc/self/ns/pid").st_ino)
    # machine-id(5): not to be shown to others as it is
    machine = hashlib.sha256(f"msbtui {texts[0] or platform.node()}".encode()).hexdigest()[:16]
    return machine, texts[1], namespace


def _started(pid: int) -> str:
    """Give when a process started, in whatever unit the system tells it; empty where there is none (proc(5), ps(1))."""
    try:
        # the name in parentheses may hold spaces and parentheses; field 22 counts from after it
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if fields[0] in ("Z", "X") else fields[19]
    except (OSError, IndexError):
        if Path("/proc/self/stat").exists():
            return ""
    try:
        said = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "-".join(said.stdout.replace("/", "-").replace(":", ".").split())


def is_dead(token: str) -> bool:
    """Tell whether the process that `owner()` named is surely gone; False where that cannot be known from here."""
    parts = token.split("/")
    if len(parts) != 5 or not parts[3].isdigit():
        return False
    machine, boot, namespace = _machine()
    if not parts[0] or parts[0] != machine:
        return False
    if parts[1] != boot:
        return bool(parts[1] and boot)
    if parts[2] != namespace:
        return False
    return _started(int(parts[3])) != parts[4]


def remove_all(verify_id: str, *, host: str | Endpoint | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Remove every container and image that carries the label of one verification; for a `finally`, so it raises nothing."""
    with suppress(TargetError, Cancelled):
        env = process.environment(host, environ)
        docker = process.docker_cli(env)
        for listing, removing in (
            (["ps", "--all", "--quiet"], ["rm", "--force", "--volumes"]),
            (["image", "ls", "--quiet"], ["image", "rm", "--force"]),
        ):
            found = _lines([docker, *listing, "--filter", f"label={LABEL}={verify_id}"], env)
            if found:
                process.collect([docker, *removing, *sorted(set(found))], env, timeout=_ASKING)


def sweep(*, host: str | Endpoint | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Remove what killed processes of this machine left on the engine; give how many things went. Raises nothing."""
    with suppress(TargetError, Cancelled):
        env = process.environment(host, environ)
        docker = process.docker_cli(env)
        form = f'{{{{.ID}}}} {{{{.Label "{OWNER_LABEL}"}}}}'
        containers = _dead(_lines([docker, "ps", "--all", "--filter", f"label={OWNER_LABEL}", "--format", form], env))
        images = _lines([docker, "image", "ls", "--quiet", "--no-trunc", "--filter", f"label={OWNER_LABEL}"], env)
        if images:
            form = f'{{{{.Id}}}} {{{{index .Config.Labels "{OWNER_LABEL}"}}}}'
            images = _dead(_lines([docker, "image", "inspect", "--format", form, *sorted(set(images))], env))
        for found, removing in ((containers, ["rm", "--force", "--volumes"]), (images, ["image", "rm", "--force"])):
            if found:
                process.collect([docker, *removing, *found], env, timeout=_ASKING)
        return len(containers) + len(images)
    return 0


def _lines(arguments: list[str], environ: Mapping[str, str]) -> list[str]:
    said = process.collect(arguments, environ, timeout=_ASKING).stdout.decode("utf-8", "replace")
    return [line.strip() for line in said.splitlines() if line.strip()]


def _dead(lines: list[str]) -> list[str]:
    found = []
    for line in lines:
        name, _, token = line.partition(" ")
        if is_dead(token.strip()):
            found.append(name)
    return sorted(set(found))
