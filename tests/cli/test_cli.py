"""The command line as a person meets it: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from msbtui import __version__
from msbtui.cli import COMMANDS, run
from msbtui.learn import PROJECTS
from msbtui.session.demo import recording

DOCKERFILE = "FROM golang:1 AS build\nRUN go build -o /app .\nFROM debian:bookworm-slim\nCOPY --from=build /app /app\n"


@pytest.fixture
def dockerfile(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    return path


def schema(name):
    return json.loads((files("msbtui") / "report" / "schemas" / f"{name}.json").read_text())


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"msbtui {__version__}\n"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_has_an_example(name, capsys):
    assert run([*name.split(), "--help"]) == 0
    printed = capsys.readouterr()
    assert "Example" in printed.out
    assert printed.err == ""


def test_help_lists_every_command(capsys):
    run(["-h"])
    printed = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in printed] == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["one", "two"], 2, "one TARGET only"),
        (["inspct", "x"], 2, "did you mean `msbtui inspect`?"),
        (["inspect", "--nonsense"], 2, "--nonsense"),
        (["inspect", "/no/such/file"], 4, "no such file"),
        (["/no/such/file"], 4, "no such file"),
        (["graph", "/no/such/file"], 4, "no such file"),
        (["graph", ".", "--build-arg", "=x"], 2, "NAME=VALUE"),
        (["demo"], 2, "terminal"),
        (["record", "x"], 2, "--output"),
    ],
)
def test_wrong_calls_get_one_line(arguments, code, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    if arguments == ["/no/such/file"]:
        monkeypatch.setattr("msbtui.cli.app.require_terminal", lambda: None)
    assert run(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("msbtui: ")


def test_graph_text(dockerfile, capsys):
    assert run(["graph", str(dockerfile)]) == 0
    printed = capsys.readouterr().out
    assert "0 build" in printed
    assert "← COPY --from=build /app" in printed


def test_graph_json_keeps_its_contract(dockerfile, capsys):
    assert run(["graph", str(dockerfile), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("graph"))
    assert document["target_index"] == 1
    assert document["stages"][0] == {
        "index": 0,
        "name": "build",
        "base": {"image": "golang:1"},
        "reachable": True,
        "named_context": False,
        "context_paths": [],
        "line": 1,
    }
    assert document["edges"] == [
        {"from": {"stage": 0}, "to": 1, "via": "COPY --from", "uses": [{"line": 4, "source": "/app", "target": "/app"}]}
    ]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("FROM alpine\nFRM x\n", [], "unknown instruction: FRM"),
        ("", [], "file with no instructions"),
        (DOCKERFILE, ["--target", "nope"], 'target stage "nope" could not be found'),
        ("FROM alpine AS a\nCOPY --from=a / /\n", [], "circular dependency detected on stage: a"),
    ],
)
def test_a_rejected_dockerfile_still_prints_its_document(text, arguments, message, tmp_path, capsys):
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    assert run(["graph", str(path), "--format", "json", *arguments]) == 4
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    jsonschema.validate(document, schema("graph"))
    assert message in document["errors"][0]["message"]
    assert message in printed.err


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("project", PROJECTS)
def test_inspect_json_keeps_its_contract(project, after, capsys):
    assert run(["inspect", f"recorded:{recording(project, after=after)}", "--json", "--files"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("inspect"))
    image, layers, waste = document["image"], document["layers"], document["waste"]
    assert image["size"] == image["live"] + image["hidden"] == sum(layer["size"] for layer in layers)
    assert image["hidden"] == sum(layer["hidden"] for layer in layers) == waste["hidden"]
    assert sum(layer["contribution"] for layer in layers) == image["live"] == layers[-1]["running_total"]
    assert image["efficiency"] == image["live"] / image["size"]
    above = sum(layer["hidden"] for layer in layers if not layer["from_base"])
    assert waste["total"] == waste["removable"] + above
    assert [layer["index"] for layer in layers] == list(range(len(layers)))
    assert all(layer["dockerfile_line"] for layer in layers if not layer["from_base"])
    assert all(finding["line"] for finding in document["findings"])
    total = sum(change["size"] for file in document["files"] for change in file["changes"])
    assert total == image["size"]


@pytest.mark.parametrize("project", PROJECTS)
def test_leftovers_are_named_with_bytes_layer_and_line(project, capsys):
    run(["inspect", f"recorded:{recording(project)}", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    compilers = [finding for finding in findings if finding["kind"] == "compiler"]
    deleted = [finding for finding in findings if finding["kind"] == "deleted-later"]
    assert compilers
    assert compilers[0]["bytes"] > 50_000_000
    assert deleted
    assert all(finding["bytes"] and finding["line"] and finding["hidden_by"]["line"] for finding in deleted)


def test_inspect_text_says_what_matters_first(capsys):
    assert run(["inspect", f"recorded:{recording('c')}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("msbtui-demo-c:before  linux/amd64  462 MB in 8 layers")
    assert re.match(r"waste 3\d\d MB \(\d\d%\)", lines[2])
    assert any("compiler" in line and "line 3" in line for line in lines)


@pytest.mark.parametrize(("project", "least"), [("c", 0.60), ("python", 0.40), ("go", 0.85)])
def test_split_of_a_recording(project, least, capsys):
    assert run(["split", f"recorded:{recording(project)}", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    jsonschema.validate(plan, schema("split"))
    assert plan["decision"] == "split"
    assert plan["verified"] is None
    assert plan["proven"]
    assert 1 - plan["size_after"]["estimated"] / plan["size_before"] >= least
    assert all(step["why"] for step in plan["steps"])


def test_split_writes_only_where_it_is_told(dockerfile, tmp_path, capsys):
    output = tmp_path / "Dockerfile.split"
    arguments = ["split", f"recorded:{recording('c')}", "-o", str(output)]
    assert run(arguments) == 0
    first = output.read_text()
    assert "FROM debian:bookworm-slim AS build" in first
    assert run(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert run([*arguments, "--force"]) == 0
    assert output.read_text() == first


def test_split_without_an_engine_plans_from_the_text(dockerfile, capsys, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    dockerfile.write_text('FROM golang:1\nWORKDIR /src\nCOPY . .\nRUN go build -o /usr/local/bin/app .\nCMD ["app"]\n')
    assert run(["split", str(dockerfile), "--json"]) == 0
    printed = capsys.readouterr()
    plan = json.loads(printed.out)
    assert plan["proven"] is False
    assert plan["size_before"] is None
    assert "from the text alone" in printed.err


def test_a_recording_of_a_recording_is_the_same_image(tmp_path, capsys):
    path = tmp_path / "again.msbtui"
    assert run(["record", f"recorded:{recording('c')}", "-o", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "history: " in printed
    assert printed.splitlines()[-1].startswith(f"wrote {path}")
    run(["inspect", f"recorded:{recording('c')}", "--json"])
    before = json.loads(capsys.readouterr().out)
    run(["inspect", f"recorded:{path}", "--json"])
    again = json.loads(capsys.readouterr().out)
    for document in (before, again):
        document["image"].pop("source")
    assert again == before


@pytest.mark.parametrize("form", ["dot", "mermaid", "svg", "png", "html"])
def test_graph_exports_go_to_a_file_or_to_stdout(form, dockerfile, tmp_path, capfdbinary):
    out = tmp_path / "out"
    assert run(["graph", str(dockerfile), "--format", form, "--layers", "--legend", "--direction", "lr", "-o", str(out)]) == 0
    assert capfdbinary.readouterr().out == b""
    begins = {"dot": b"digraph ", "mermaid": b"flowchart LR", "svg": b"<svg ", "png": b"\x89PNG", "html": b"<!doctype html>"}
    assert out.read_bytes().startswith(begins[form])


def test_graph_check_warns_as_the_builder_does(tmp_path, capsys):
    path = tmp_path / "Dockerfile"
    path.write_text("from debian AS a\nFROM debian\nRUN a \\\n\n b\n")
    assert run(["graph", str(path), "--check"]) == 0
    said = [line.removeprefix(f"{path}:") for line in capsys.readouterr().err.splitlines()]
    assert "5: NoEmptyContinuation: Empty continuation line" in said
    assert any(line.startswith("1: ConsistentInstructionCasing") for line in said)
    assert run(["graph", str(path)]) == 0
    assert "NoEmptyContinuation" not in capsys.readouterr().err


def test_graph_in_ascii(dockerfile, capsys):
    assert run(["graph", str(dockerfile), "--ascii", "--layers", "--legend"]) == 0
    drawn = capsys.readouterr().out
    assert drawn.isascii() and "@ 1 (final)" in drawn and "<- COPY --from=build" not in drawn and "< COPY --from=build" in drawn


def test_a_graph_that_cannot_be_written_says_why(dockerfile, tmp_path, capsys):
    assert run(["graph", str(dockerfile), "--format", "svg", "-o", str(tmp_path / "no" / "out.svg")]) == 4
    assert "could not be written" in capsys.readouterr().err


def test_graph_sizes_come_from_the_image_that_is_named(tmp_path, capsys):
    from msbtui.engine.recording import read_recording

    recorded = recording(PROJECTS[0])
    path = tmp_path / "Dockerfile"
    path.write_text(read_recording(recorded).dockerfile or "")
    assert run(["graph", str(path)]) == 0
    assert " MB" not in capsys.readouterr().out
    assert run(["graph", str(path), "--image", f"recorded:{recorded}", "--layers"]) == 0
    drawn = capsys.readouterr().out
    assert re.search(r"\d MB  SHIPPED", drawn)
    assert re.search(r"RUN .*\d MB", drawn)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_the_output_is_one_line(tmp_path):
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\n")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "msbtui", "graph", str(dockerfile)], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 4
    assert done.stderr.startswith("msbtui: the output could not be written: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["", *(name for name in COMMANDS if name != "cache")])
def test_every_command_that_draws_can_be_told_to_do_without_colours(name, capsys):
    assert run([*name.split(), "--help"]) == 0
    assert "--no-color" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["demo"], [f"recorded:{recording('c')}"]])
def test_the_app_without_colours_is_told_before_it_is_loaded(words, monkeypatch):
    import msbtui.cli.app
    import msbtui.cli.demo
    import msbtui.tui

    seen = []
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(msbtui.tui, "run_app", lambda *_, **__: seen.append(os.environ.get("NO_COLOR")) or 0)
    for module in (msbtui.cli.app, msbtui.cli.demo):
        monkeypatch.setattr(module, "require_terminal", lambda: None)
    assert run(words) == 0
    assert run([*words, "--no-color"]) == 0
    assert seen == [None, "1"]


def test_a_quiet_graph_keeps_its_warnings_to_itself(tmp_path, capsys):
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian as a\nMAINTAINER x\n")
    assert run(["graph", str(path)]) == 0
    said = capsys.readouterr()
    assert "MaintainerDeprecated" in said.err
    assert run(["graph", str(path), "--quiet"]) == 0
    quiet = capsys.readouterr()
    assert (quiet.out, quiet.err) == (said.out, "")
