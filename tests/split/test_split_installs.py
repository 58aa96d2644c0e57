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


def test_what_packages_that_are_kept_recommend_comes_along_where_the_original_has_it():
    tools = {
        "convert": P(["usr/share/doc/convert/x"], "graphics", "convert-q16", manual=True),
        "convert-q16": P(["usr/bin/convert"], "graphics", "libc6", recommends="ghost (>= 1) | spectre, gcc, absent, pixel, dbus"),
        "spectre": P(["usr/bin/gs"], "text", "libc6, libgs"),
        "libgs": P(["usr/lib/libgs.so.1"], "libs", "libc6", recommends="typefaces, libgs-data, geoclue"),
        "libgs-data": P(["usr/share/gs/x"], "libs"),
        "geoclue": P(["usr/bin/geoclue"], "utils", recommends="modemmanager"),
        "modemmanager": P(["usr/bin/modemmanager"], "net"),
        "dbus": P(["usr/bin/dbus-daemon"], "admin"),
        "typefaces": P(["usr/share/fonts/a.ttf"], "fonts"),
        "unasked": P(["usr/bin/unasked"], "graphics"),
        "docbook-xsl": P(["usr/share/xml/x.xsl"], "text", "", manual=True),
    }
    files = {f"usr/bin/{name}": elf("libc.so.6") for name in ("convert", "gs", "unasked")}
    files |= {"usr/lib/libgs.so.1": F("x"), "usr/share/fonts/a.ttf": F("x")}
    run = "apt-get install -y gcc convert"
    made = {"app/run.sh": script("#!/bin/sh\nconvert a.pdf b.png\n")}
    layers = [(f"RUN /bin/sh -c {run} # buildkit", toolchain(tools, files)), ("COPY . /app # buildkit", made)]
    text = f'FROM debian:bookworm\nRUN {run}\nCOPY . /app\nCMD ["/app/run.sh"]\n'
    plan = World(text, layers, ImageConfig(env=("PATH=/usr/bin",), cmd=("/app/run.sh",))).plan()
    lines = [
        line.split()[0] for line in plan.dockerfile.partition("# runtime stage")[2].splitlines() if line.startswith("        ")
    ]
    assert lines == ["convert", "convert-q16", "libgs-data", "spectre", "typefaces"]
    why = {step.what: step.why for step in plan.steps}
    assert any("convert-q16 recommends it" in said for said in why.values())


def test_a_package_that_came_as_a_file_is_copied_with_what_it_depends_on():
    tools = {
        "render": P(["usr/bin/render", "usr/share/render/x", "usr/share/doc/render/c"], "utils", "libc6, types", manual=True),
        "types": P(["usr/share/fonts/a.ttf"], "fonts"),
        "view": P(["usr/bin/view"], "utils", "libc6", manual=True),
        "builder": P(["usr/bin/builder"], "devel", "libc6", manual=True),
    }
    files = {f"usr/bin/{name}": elf("libc.so.6") for name in ("render", "view", "builder")}
    files |= {"usr/share/render/x": F("x"), "usr/share/doc/render/c": F("x"), "usr/share/fonts/a.ttf": F("x")}
    files |= {"etc/alternatives/draw": L("/usr/bin/render"), "usr/bin/draw": L("/etc/alternatives/draw")}
    files["etc/render.conf"] = F("a")
    made = {"app/run.sh": script("#!/bin/sh\ndraw a\nview b\n")}

    def lines(run: str) -> list[str]:
        layers = [(f"RUN /bin/sh -c {run} # buildkit", toolchain(tools, files)), ("COPY . /app # buildkit", made)]
        text = f'FROM debian:bookworm\nRUN {run}\nCOPY . /app\nCMD ["/app/run.sh"]\n'
        plan = World(text, layers, ImageConfig(env=("PATH=/usr/bin",), cmd=("/app/run.sh",))).plan()
        assert ("usr/bin/render" in plan.kept) == ("usr/bin/draw" in plan.kept) == ("usr/share/render/x" in plan.kept)
        assert ("usr/bin/render" in plan.kept) == (".deb" in run)
        assert not {"usr/share/doc/render/c", "usr/bin/builder", "usr/bin/view"} & set(plan.kept)
        return [line.split()[0] for line in plan.dockerfile.partition("# runtime stage")[2].splitlines() if line[:8] == " " * 8]

    install = "apt-get update && apt-get install -y gcc make view builder"
    for how in ("curl -O https://x/r_1.deb && dpkg -i r_1.deb", "apt-get install -y ./r_1.deb", "apt install -y /tmp/*.deb"):
        assert lines(f"{install} && {how}") == ["types", "view"]
    assert lines(f"{install} render") == ["render", "view"]


def test_fonts_come_along_by_name_where_something_chooses_among_them():
    tools = {
        "draw": P(["usr/bin/draw"], "graphics", "libdraw", manual=True),
        "libdraw": P(["usr/lib/libdraw.so.1"], "libs", "fontconfig-config"),
        "fontconfig-config": P(["etc/fonts/fonts.conf"], "fonts", "plain | fine"),
        "plain": P(["usr/share/fonts/plain.ttf"], "fonts"),
        "fine": P(["usr/share/fonts/fine.ttf"], "fonts", manual=True),
    }
    files = {path: elf("libc.so.6") for package in tools.values() for path in package.files}
    run = "apt-get install -y gcc draw fine"
    for removed in ((), ("draw", "libdraw", "fontconfig-config")):
        packages = {name: package for name, package in tools.items() if name not in removed}
        layers = [
            (f"RUN /bin/sh -c {run} # buildkit", toolchain(packages, files)),
            ("COPY . /app # buildkit", {"app/run.sh": script("#!/bin/sh\necho 1\n")}),
        ]
        text = f'FROM debian:bookworm\nRUN {run}\nCOPY . /app\nCMD ["/app/run.sh"]\n'
        found = World(text, layers, ImageConfig(env=("PATH=/usr/bin",), cmd=("/app/run.sh",))).runtime()
        assert ("        plain \\\n" in found) is (not removed)
        assert "        fine \\\n" in found
        assert "fontconfig" not in found
