"""What supervisors, cron and web servers read where nothing names it."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, F, L, P, dpkg, elf, script, view

from msbtui.image.model import ImageConfig
from msbtui.split.daemons import cron_commands
from msbtui.split.reach import follow
from msbtui.split.starts import starts

FILES = {
    "usr/bin/supervisord": script("#!/bin/sh\n"),
    "usr/sbin/cron": elf("libc.so.6"),
    "usr/bin/honcho": elf("libc.so.6"),
    "usr/bin/curl": elf("libc.so.6"),
    "usr/bin/convert": elf("libc.so.6"),
    "etc/supervisor/supervisord.conf": F("[include]\nfiles = conf.d/*.conf\n"),
    "etc/supervisor/conf.d/app.conf": F("[program:cron]\ncommand=cron -f\n"),
    "etc/cron.d/app": F("PATH=/usr/bin\n# x\n*/5 * * * * root curl -s http://localhost/ > /dev/null\n"),
    "app/Procfile": F("web: convert a b\n"),
    "opt/own.conf": F("[program:x]\ncommand=/bin/true\n[include]\nfiles = more/*.ini\n"),
    "opt/more/x.ini": F("[program:y]\ncommand=convert x\n"),
}


def reached(*cmd: str) -> set[str]:
    config = ImageConfig(env=("PATH=/usr/sbin:/usr/bin:/bin",), cmd=cmd, workdir="/app")
    return set(follow(view([("base", DEBIAN), ("", FILES)], config, base_layers=1), starts(config)).why)


def test_a_supervisor_without_settings_reads_its_own_and_what_they_start_is_followed_to_the_end():
    found = reached("supervisord", "-n")
    assert {"etc/supervisor/conf.d/app.conf", "usr/sbin/cron", "etc/cron.d/app", "usr/bin/curl"} <= found
    assert "usr/bin/convert" not in found


def test_what_settings_include_is_followed():
    assert "usr/bin/convert" in reached("supervisord", "-c", "/opt/own.conf")


def test_a_procfile_lies_where_the_container_starts():
    assert "usr/bin/convert" in reached("honcho", "start")


def test_what_nothing_that_starts_reads_is_not_followed():
    assert "usr/bin/curl" not in reached("honcho", "start")


@pytest.mark.parametrize(
    ("path", "text", "commands"),
    [
        ("etc/crontab", "17 * * * * root cd / && run-parts /etc/cron.hourly", [("cd", "/"), ("run-parts", "/etc/cron.hourly")]),
        ("var/spool/cron/crontabs/app", "@daily date +\\%F", [("date", "+%F")]),
        ("etc/cron.d/x", "A=1\n\n#* * * * * root no\nbroken\n", []),
    ],
)
def test_the_commands_of_a_table(path, text, commands):
    assert list(cron_commands(path, text)) == commands


def test_links_that_lead_nowhere_and_circles_end():
    files = {
        **FILES,
        "etc/cron.d/b": L("b"),
        "etc/cron.d/c": L("/nowhere"),
        "opt/more/x.ini": F("[include]\nfiles = ../own.conf\n"),
    }
    config = ImageConfig(env=("PATH=/usr/sbin:/usr/bin:/bin",), cmd=("supervisord", "-c", "/opt/own.conf"), workdir="/app")
    assert follow(view([("base", DEBIAN), ("", files)], config, base_layers=1), starts(config)).why


def test_a_directory_that_a_script_only_asks_for_is_not_taken_whole():
    run = script("#!/bin/sh\nif test -d /opt/more; then cat /opt/more/x.ini; fi\n[ -d /opt ] && echo /opt/more\n")
    config = ImageConfig(env=("PATH=/usr/bin:/bin",), cmd=("/run.sh",), workdir="/app")
    files = {**FILES, "run.sh": run, "opt/more/y.ini": F("y")}
    found = follow(view([("base", DEBIAN), ("", files)], config, base_layers=1), starts(config))
    assert "opt" not in found.folders
    assert "opt/more/x.ini" in found.why


def test_links_that_lead_into_a_package_are_its_own_settings():
    packages = {**DEBIAN_PACKAGES, "apache2": P(["usr/sbin/apachectl", "etc/apache2/conf-available/charset.conf"])}
    files = {
        "usr/sbin/apachectl": elf("libc.so.6"),
        "etc/apache2/conf-available/charset.conf": F("x"),
        "etc/apache2/conf-enabled/charset.conf": L("../conf-available/charset.conf"),
        "etc/apache2/conf-enabled/own.conf": F("y"),
        **dpkg(packages),
    }
    config = ImageConfig(env=("PATH=/usr/sbin:/usr/bin:/bin",), cmd=("apachectl", "-D", "FOREGROUND"))
    found = follow(view([("base", DEBIAN), ("", files)], config, base_layers=1), starts(config)).why
    assert "etc/apache2/conf-enabled/own.conf" in found
    assert "etc/apache2/conf-enabled/charset.conf" not in found


def test_a_cmd_is_a_start_by_itself_where_an_entrypoint_stands_before_it():
    def named(**config: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        return [(one.what, one.words) for one in starts(ImageConfig(**config))]

    assert named(cmd=("a", "b")) == [("CMD", ("a", "b"))]
    assert named(entrypoint=("e",)) == [("ENTRYPOINT", ("e",))]
    assert named(entrypoint=("e",), cmd=("a",)) == [("ENTRYPOINT and CMD", ("e", "a")), ("CMD", ("a",))]
    assert named() == []


def test_a_command_is_looked_for_where_it_is_started():
    tools = {"opt/own/tool": elf("libc.so.6"), "usr/bin/tool": elf("libc.so.6"), "app/tool": F("no program")}
    seen = view([("base", DEBIAN), ("", tools)], ImageConfig(env=("PATH=/usr/bin",), workdir="/app"), base_layers=1)
    assert seen.find_command("tool") == "usr/bin/tool"
    assert seen.find_command("tool", "/opt/own:/usr/bin") == "opt/own/tool"
    assert seen.find_command("tool", "/nowhere") is None
    assert seen.find_command("./tool") is None
    assert seen.find_command("../opt/own/tool") == "opt/own/tool"
