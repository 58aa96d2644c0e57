"""The action and the hooks: what they call exists, and no input is put into a script as text."""

from __future__ import annotations

import re
from pathlib import Path

from msbtui.cli import COMMANDS, load, run

ROOT = Path(__file__).parent.parent.parent


def test_hooks_call_commands_that_exist():
    entries = re.findall(r"^  entry: msbtui (\w+)(.*)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.MULTILINE)
    assert [name for name, _ in entries] == ["graph", "check"]
    for name, options in entries:
        known = {option for parameter in load(name).params for option in parameter.opts}
        assert set(options.split()) <= known


def test_a_hook_that_is_given_files_takes_several(tmp_path, capsys):
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text().split("- id: ")[1:]
    given = [re.findall(r"entry: msbtui (.*)", hook)[0] for hook in hooks if "pass_filenames: false" not in hook]
    assert given
    good, bad, none = tmp_path / "Dockerfile", tmp_path / "bad.Dockerfile", tmp_path / "none.Dockerfile"
    good.write_text("FROM debian\n")
    bad.write_text("FROM debian\nNONSENSE\n")
    for entry in given:
        assert run([*entry.split(), str(good), str(good)]) == 0
        assert capsys.readouterr().out.count(f"{good}:") == 2
        for files in ((bad, good), (good, none), (none, good)):
            assert run([*entry.split(), *map(str, files)]) == 4
            said = capsys.readouterr()
            assert "SHIPPED" in said.out and said.err.count("msbtui: ") == 1


def test_the_action_calls_what_exists():
    text = (ROOT / "action.yml").read_text()
    script = text.partition("id: check")[2]
    calls = re.findall(r"\bmsbtui (\w+) (.*)", script)
    assert {name for name, _ in calls} == {"inspect", "check"} <= set(COMMANDS)
    for name, options in calls:
        known = {option for parameter in load(name).params for option in parameter.opts} | {"--"}
        assert set(re.findall(r"(?<!\S)--?[a-z-]*", options.partition(" ||")[0])) <= known, options


def test_no_input_is_pasted_into_a_script():
    for body in re.findall(r"^      run: (.*(?:\n        .*)*)", (ROOT / "action.yml").read_text(), re.MULTILINE):
        assert "${{" not in body
    scripts = (ROOT / "action.yml").read_text().count("run:")
    assert scripts == 2
