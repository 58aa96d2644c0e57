"""Checks of two images by their contents: each must fail for its own defect."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, LIB, PATH, F, L, elf, library, script, view

from msbtui.image.model import Healthcheck, ImageConfig
from msbtui.split.compare import commands, compare, configuration, digests, libraries, links, scripts
from msbtui.split.model import Plan

CONFIG = ImageConfig(env=(PATH, "A=1"), cmd=("app",), labels={"k": "v"}, exposed_ports=("80/tcp",), workdir="/w")
FILES = {
    "usr/local/bin/app": elf("libx.so.1", "libc.so.6"),
    "usr/local/bin/tool": script("#!/usr/bin/env python3\n"),
    "usr/bin/python3": elf("libc.so.6"),
    f"{LIB}/libx.so.1": library("libx.so.1", "libc.so.6"),
    "usr/local/share/a": F("a", uid=33),
    "usr/local/share/link": L("a"),
}
PLAN = Plan("split", (), "FROM x", kept=("usr/local/bin/app", "usr/local/bin/tool", "usr/local/share/a", "usr/local/share/link"))


def seen(change: dict[str, object] | None = None, gone: tuple[str, ...] = (), config: ImageConfig = CONFIG):
    entries = {path: entry for path, entry in {**DEBIAN, **FILES, **(change or {})}.items() if path not in gone}
    return view([("", entries)], config)  # type: ignore[list-item]


def test_equal_images_pass_every_check():
    assert [check.name for check in compare(PLAN, seen(), seen()) if not check.passed] == []


@pytest.mark.parametrize(
    ("check", "change", "gone", "said"),
    [
        (libraries, {}, (f"{LIB}/libx.so.1",), "libx.so.1, which /usr/local/bin/app needs"),
        (links, {"usr/local/share/link": L("nowhere")}, (), "/usr/local/share/link -> nowhere"),
        (scripts, {}, ("usr/bin/python3",), "python3, which /usr/local/bin/tool begins with"),
        (digests, {"usr/local/share/a": F("b", uid=33)}, (), "/usr/local/share/a differs"),
        (digests, {"usr/local/share/a": F("a")}, (), "/usr/local/share/a differs"),
        (digests, {"usr/local/share/a": F("a", uid=33, mode=0o600)}, (), "/usr/local/share/a differs"),
        (digests, {}, ("usr/local/share/a",), "/usr/local/share/a is missing"),
    ],
)
def test_a_defect_of_the_new_image_fails_its_check_and_is_named(check, change, gone, said):
    found = check(PLAN, seen(), seen(change, gone))
    assert not found.passed
    assert said in found.detail


def test_capabilities_that_a_builder_lost_are_a_defect():
    mine, theirs = seen(), seen()
    number = mine.image.layers[0].entries.paths.index("usr/local/share/a")
    mine.image.layers[0].entries.xattrs[number] = {"security.capability": b"\1"}
    assert digests(PLAN, mine, mine).passed
    assert "/usr/local/share/a differs" in digests(PLAN, mine, theirs).detail


def test_what_the_original_lacked_too_is_no_defect():
    gone = (f"{LIB}/libx.so.1", "usr/bin/python3")
    assert libraries(PLAN, seen({}, gone), seen({}, gone)).passed
    assert scripts(PLAN, seen({}, gone), seen({}, gone)).passed


def test_a_command_that_is_gone_fails():
    assert not commands(seen(), seen({}, ("usr/local/bin/app",))).passed
    shell = ImageConfig(env=(PATH,), cmd=("/bin/sh", "-c", "tool x"))
    assert not commands(seen(config=shell), seen({}, ("usr/local/bin/tool",), config=shell)).passed


@pytest.mark.parametrize(
    "new",
    [
        ImageConfig(env=(PATH,), cmd=("app",), labels={"k": "v"}, exposed_ports=("80/tcp",), workdir="/w"),
        ImageConfig(env=(PATH, "A=2"), cmd=("app",), labels={"k": "v"}, exposed_ports=("80/tcp",), workdir="/w"),
        ImageConfig(env=(PATH, "A=1"), cmd=("sh",), labels={"k": "v"}, exposed_ports=("80/tcp",), workdir="/w"),
        ImageConfig(env=(PATH, "A=1"), cmd=("app",), exposed_ports=("80/tcp",), workdir="/w"),
        ImageConfig(env=(PATH, "A=1"), cmd=("app",), labels={"k": "v"}, workdir="/w"),
        ImageConfig(env=(PATH, "A=1"), cmd=("app",), labels={"k": "v"}, exposed_ports=("80/tcp",)),
        ImageConfig(env=(PATH, "A=1"), cmd=("app",), labels={"k": "v"}, exposed_ports=("80/tcp",), workdir="/w", user="app"),
        ImageConfig(env=(PATH, "A=1"), cmd=("app",), labels={"k": "v"}, exposed_ports=("80/tcp",), workdir="/w", volumes=("/d",)),
        ImageConfig(
            env=(PATH, "A=1"), cmd=("app",), labels={"k": "v"}, exposed_ports=("80/tcp",), workdir="/w",
            healthcheck=Healthcheck(("CMD", "x")),
        ),
    ],
)  # fmt: skip
def test_a_configuration_that_differs_fails(new):
    assert configuration(PLAN, CONFIG, CONFIG).passed
    assert not configuration(PLAN, CONFIG, new).passed


def test_what_the_plan_drops_on_purpose_and_the_labels_of_verification_are_allowed():
    plan = Plan("split", (), "FROM x", dropped_settings=("Env.A",))
    new = ImageConfig(env=(PATH,), cmd=("app",), labels={"k": "v", "msbtui.verify": "1"}, exposed_ports=("80/tcp",), workdir="/w")
    check = configuration(plan, CONFIG, new, ("msbtui.verify",))
    assert check.passed
    assert "Env.A" in check.detail
