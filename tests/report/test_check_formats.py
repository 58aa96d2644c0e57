"""What `check` writes, in every format, for a person and for the code hosts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from importlib.resources import files
from pathlib import Path

import jsonschema
import msgspec
import pytest

from msbtui.cli import run
from msbtui.cli.check import FORMATS, render
from msbtui.learn import PROJECTS
from msbtui.report.github import github_text
from msbtui.report.sarif import sarif_document
from msbtui.session.check import CheckReport, RuleResult, Violation
from msbtui.session.check.config import KINDS
from msbtui.session.demo import recording

HOSTILE = "a\n::error::b%0A,c:d <script>&\"']]>"
REPORT = CheckReport(
    image="app:1",
    dockerfile="docker/my file.Dockerfile",
    sources=("defaults",),
    results=(
        RuleResult("max-size", "Size", True, "1 MB", "at most 2 MB"),
        RuleResult(
            "forbid-kinds",
            "Kinds",
            False,
            "2 findings",
            "none",
            note="a note",
            violations=(
                Violation("apt cache: still in layer 1", 100, 3, 5, 1, "A1", ("var/lib/apt/lists",), "Clean up."),
                Violation(HOSTILE, 7, None, None, None, "A2", (HOSTILE,)),
                Violation(HOSTILE, 7, None, None, None, "A3", (HOSTILE,)),
            ),
        ),
    ),
)

TEXT = """\
app:1  docker/my file.Dockerfile
rules: defaults

PASS  max-size      1 MB        (at most 2 MB)
FAIL  forbid-kinds  2 findings  (none)
  forbid-kinds: a note

forbid-kinds: Kinds
  A1   100 B  apt cache: still in layer 1  [line 3, layer 1]
      → Clean up.
"""


def test_text():
    assert render(REPORT, "text").startswith(TEXT)
    assert render(REPORT, "text").endswith("1 of 2 rules failed")


def test_json_is_as_its_schema_says():
    document = json.loads(render(REPORT, "json"))
    jsonschema.validate(document, json.loads((files("msbtui") / "report" / "schemas" / "check.json").read_text()))
    assert [rule["passed"] for rule in document["rules"]] == [True, False]


# The parts of SARIF 2.1.0 that we write, by the sections of the standard; additionalProperties as its own schema has them.
_MESSAGE = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}
_CLOSED = {"type": "object", "additionalProperties": False}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
SARIF = {
    **_CLOSED,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                **_CLOSED,
                "required": ["tool"],
                "properties": {
                    "tool": {
                        **_CLOSED,
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                **_CLOSED,
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            **_CLOSED,
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": _MESSAGE,
                                                "fullDescription": _MESSAGE,
                                                "defaultConfiguration": {**_CLOSED, "properties": {"level": _LEVEL}},
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {
                            **_CLOSED,
                            "required": ["executionSuccessful"],
                            "properties": {"executionSuccessful": {"type": "boolean"}},
                        },
                    },
                    "properties": {"type": "object"},
                    "results": {
                        "type": "array",
                        "items": {
                            **_CLOSED,
                            "required": ["message"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": _LEVEL,
                                "message": _MESSAGE,
                                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                                "properties": {"type": "object"},
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        **_CLOSED,
                                        "properties": {
                                            "physicalLocation": {
                                                **_CLOSED,
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        **_CLOSED,
                                                        "properties": {"uri": {"type": "string", "pattern": r"^[^ \\]+$"}},
                                                    },
                                                    "region": {
                                                        **_CLOSED,
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1},
                                                            "endLine": {"type": "integer", "minimum": 1},
                                                        },
                                                    },
                                                },
                                            },
                                            "logicalLocations": {
                                                "type": "array",
                                                "items": {
                                                    **_CLOSED,
                                                    "properties": {
                                                        "name": {"type": "string"},
                                                        "fullyQualifiedName": {"type": "string"},
                                                        "kind": {"type": "string"},
                                                    },
                                                },
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def check_sarif(document):
    jsonschema.validate(document, SARIF)
    (found,) = document["runs"]
    rules = found["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules), "3.19.23: ids are unique"
    for result in found["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"], "3.27.6"
        for location in result["locations"]:
            region = location["physicalLocation"].get("region")
            assert region is None or region["endLine"] >= region["startLine"], "3.30.7"
    return found["results"]


def test_sarif():
    first, *others = check_sarif(sarif_document(REPORT))
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "docker/my%20file.Dockerfile"},
        "region": {"startLine": 3, "endLine": 5},
    }
    assert first["locations"][0]["logicalLocations"] == [
        {"name": "layer 1", "fullyQualifiedName": "app:1: layer 1", "kind": "object"}
    ]
    assert first["message"]["text"] == "apt cache: still in layer 1. Clean up."
    assert len(others) == 2
    assert not any("logicalLocations" in other["locations"][0] for other in others)


def published_schema():
    path = os.environ.get("SARIF_SCHEMA", "")
    if not path:
        pytest.skip("SARIF_SCHEMA names no file that tests/support/sarif_schema.py wrote")
    return json.loads(Path(path).read_text())


@pytest.mark.parametrize("project", PROJECTS)
def test_sarif_is_as_the_published_schema_says(project, capsys):
    validator = jsonschema.Draft4Validator(published_schema(), format_checker=jsonschema.FormatChecker())
    whole = sarif_document(REPORT)
    validator.validate(whole)
    everything = [word for kind in KINDS for word in ("--forbid", kind)]
    assert run(["check", f"recorded:{recording(project)}", *everything, "--max-size", "1", "--format", "sarif"]) == 1
    document = json.loads(capsys.readouterr().out)
    validator.validate(document)
    assert len(document["runs"][0]["results"]) > 5
    # The schema would say so.
    whole["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(whole)


def test_fingerprints_stay_when_lines_and_sizes_move():
    def prints(violation):
        rule = msgspec.structs.replace(REPORT.results[1], violations=(violation,))
        report = msgspec.structs.replace(REPORT, results=(rule,))
        return sarif_document(report)["runs"][0]["results"][0]["partialFingerprints"]

    first = REPORT.results[1].violations[0]
    moved = msgspec.structs.replace(first, message="apt cache: still in layer 12", line=30, bytes=9)
    assert prints(moved) == prints(first)
    assert prints(msgspec.structs.replace(first, paths=("else",))) != prints(first)


def test_a_file_below_here_is_named_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = msgspec.structs.replace(REPORT, dockerfile=str(tmp_path / "docker" / "Dockerfile"))
    location = sarif_document(report)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "docker/Dockerfile"


def test_junit():
    root = ElementTree.fromstring(render(REPORT, "junit"))
    assert root.get("failures") == "1"
    passed, failed = root.findall(".//testcase")
    assert passed.find("failure") is None
    assert "docker/my file.Dockerfile:3: apt cache" in failed.find("failure").text
    assert "<script>" in failed.find("failure").text
    assert failed.find("system-out").text == "a note"


@pytest.mark.parametrize("report", [REPORT, msgspec.structs.replace(REPORT, dockerfile="", results=REPORT.results[:1])])
def test_junit_is_as_the_schema_of_jenkins_says(report, tmp_path):
    program = shutil.which("xmllint")
    if program is None:
        pytest.skip("no xmllint (Debian: libxml2-utils)")
    schema = Path(__file__).parent.parent / "data" / "junit" / "junit-10.xsd"

    def verdict(text):
        (tmp_path / "report.xml").write_text(text)
        command = [program, "--noout", "--nonet", "--schema", str(schema), str(tmp_path / "report.xml")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    text = render(report, "junit")
    assert verdict(text).returncode == 0, verdict(text).stderr
    assert verdict(text.replace("<testcase ", '<testcase file="x" ', 1)).returncode


def test_junit_holds_no_character_that_xml_forbids():
    report = CheckReport(
        "a\x00\x1b[31m\ud800", "", (), (RuleResult("r", "t", False, "\x07", "", violations=(Violation("\x0c"),)),)
    )
    assert ElementTree.fromstring(render(report, "junit")).find(".//failure").text == "�"


def test_github_commands_cannot_be_forged():
    lines = github_text(REPORT).split("\n")
    assert lines[0] == (
        "::error file=docker/my file.Dockerfile,title=msbtui forbid-kinds,line=3,endLine=5::"
        "apt cache: still in layer 1. Clean up."
    )
    assert lines[1].startswith("::error file=docker/my file.Dockerfile,title=msbtui forbid-kinds::a%0A::error::b%250A,c:d")
    assert lines[3] == "::notice title=msbtui forbid-kinds::a note"
    assert lines[4] == "app:1: 1 of 2 rules failed"
    assert len(lines) == 5


def test_gitlab():
    issues = json.loads(render(REPORT, "gitlab"))
    assert issues[0]["location"] == {"path": "docker/my file.Dockerfile", "lines": {"begin": 3, "end": 5}}
    assert len({issue["fingerprint"] for issue in issues}) == 3
    assert {issue["severity"] for issue in issues} <= {"info", "minor", "major", "critical", "blocker"}


@pytest.mark.parametrize("form", FORMATS)
def test_the_command(form, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = f"recorded:{recording('c')}"
    assert run(["check", target, "--format", form]) == 1
    printed = capsys.readouterr()
    assert "max-waste-share" in printed.out and printed.err == ""
    if form == "sarif":
        assert len(check_sarif(json.loads(printed.out))) > 1
    assert run(["check", target, "--max-waste-share", "90%", "--format", form, "-o", "out"]) == 0
    assert (tmp_path / "out").stat().st_size


def test_exit_codes(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, bad = f"recorded:{recording('c', after=True)}", f"recorded:{recording('c')}"
    assert run(["check", good]) == 0
    assert run(["check", bad]) == 1
    assert run(["check", bad, "--max-size", "x"]) == 2
    assert run(["check", bad, "--max-growth", "3"]) == 2
    assert run(["check", bad, "--forbid", "nonsense"]) == 2
    assert run(["check", bad, "--config", "missing.toml"]) == 2
    assert run(["check", "/no/such/file"]) == 4
    assert run(["check", bad, "--max-waste-share", "1", "-o", "missing/folder"]) == 4
    (tmp_path / ".msbtui.toml").write_text("[check]\nmax-size = '1 MB'\n")
    assert run(["check", good]) == 1
    assert run(["check", good, "--max-size", "1GB"]) == 0, "the command line wins"
    assert run(["check", good, "--no-config"]) == 0
    (tmp_path / ".msbtui.toml").write_text("[check]\nmax = 1\n")
    assert run(["check", good]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert all(line.startswith("msbtui: ") for line in errors)


def test_a_baseline_is_what_inspect_wrote(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small, large = f"recorded:{recording('c', after=True)}", f"recorded:{recording('c')}"
    run(["inspect", small, "--json"])
    (tmp_path / "base.json").write_text(capsys.readouterr().out)
    assert run(["check", small, "--baseline", "base.json"]) == 0
    assert run(["check", large, "--baseline", "base.json", "--max-growth", "10%"]) == 1
    assert "at most 10.0% more than 90 MB" in capsys.readouterr().out
    assert run(["check", large, "--baseline", "base.json", "--max-growth", "900%"]) == 0


@pytest.mark.parametrize(
    ("passed", "says"),
    [((), "no rules"), ((True,), "the rule holds"), ((False,), "the rule failed"), ((True, True), "all 2 rules hold")],
)
def test_the_verdict_counts_as_people_do(passed, says):
    report = msgspec.structs.replace(
        REPORT, results=tuple(RuleResult("max-size", "Size", each, "1 MB", "none") for each in passed)
    )
    assert render(report, "text").endswith(f"\n{says}")
    assert render(report, "github") == f"app:1: {says}"


def test_a_long_instruction_ends_where_a_reader_sees_it(capsys):
    assert run(["check", f"recorded:{recording('c')}", "--no-config", "--max-layer-size", "1MB"]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "RUN apt-get" in line)
    assert line.endswith("…  [line 3, layer 1]")
