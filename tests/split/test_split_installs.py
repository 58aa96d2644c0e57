"""Which packages the runtime stage names: what the application asks for, and not what these bring along by themselves."""

from __future__ import annotations

from split_world import DEBIAN_PACKAGES, MEGABYTE, F, L, P, World, dpkg, elf, script, toolchain

from msbtui.image.model import ImageConfig

PACKAGES = {
    **DEBIAN_PACKAGES,
    "gcc": P(["usr/bin/gcc"], "devel", manual=True),
    "supervisor": P(["usr/bin/supervisord"], "admin", "python3", manual=True),
    "python3": P(["usr/share/python3/x"], "python", "python3-minimal"),
    "python3-minimal": P(["usr/bin/python3"], "python", "python3.11-minimal"),
    "python3.11-minimal": P(["usr/bin/python3.11"], "python"),
    "nginx": P(["usr/sbin/nginx"], "httpd", "nginx-common", manual=True),
    "nginx-common": P(["etc/nginx/nginx.conf", "etc/nginx/mime.types"], "httpd"),
}
FILES = {
    **toolchain(),
    "usr/bin/gcc": elf("libc.so.6", size=90 * MEGABYTE),
    "usr/bin/supervisord": script("#!/usr/bin/python3\n"),
    "usr/bin/python3": L("python3.11"),
    "usr/bin/python3.11": elf("libc.so.6", size=5 * MEGABYTE),
    "usr/sbin/nginx": elf("libc.so.6"),
    "etc/nginx/nginx.conf": F("include /etc/nginx/mime.types;"),
    "etc/nginx/mime.types": F("types"),
    **dpkg(PACKAGES),
}
SETTINGS = {"etc/app.conf": F("[program:web]\ncommand=/usr/sbin/nginx -g x\n")}


def installed(cmd: tuple[str, ...], app: dict | None = None) -> list[str]:
    run = "apt-get update && apt-get install -y gcc nginx supervisor"
    config = ImageConfig(env=("PATH=/usr/sbin:/usr/bin:/bin",), cmd=cmd)
    layers = [(f"RUN /bin/sh -c {run} # buildkit", FILES), ("COPY . / # buildkit", {**SETTINGS, **(app or {})})]
    said = ", ".join(f'"{word}"' for word in cmd)
    text = World(f"FROM debian:bookworm\nRUN {run}\nCOPY . /\nCMD [{said}]\n", layers, config=config).runtime()
    return [line.split()[0] for line in text.splitlines() if line.startswith("        ")]


def test_interpreters_and_settings_of_packages_come_with_them():
    assert installed(("supervisord", "-c", "/etc/app.conf")) == ["nginx", "supervisor"]


def test_an_interpreter_that_the_application_runs_is_named():
    assert "python3" in installed(("python3", "/app.py"), {"app.py": F("import os")})
