"""The three projects split, built and run for real on both engines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine
PROJECTS = Path(__file__).parent.parent / "data" / "projects"
LEAST = {"c": 0.60, "go": 0.85, "python": 0.40}


def split(engine: dict[str, str], *arguments: str) -> tuple[int, dict[str, object], str]:
    command = [sys.executable, "-m", "msbtui", "split", *arguments, "--json"]
    done = subprocess.run(command, env=engine, capture_output=True, text=True, check=False, timeout=900)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def leftovers(engine: dict[str, str]) -> str:
    listing = [["docker", "ps", "-aq"], ["docker", "images", "-q"]]
    return "".join(
        subprocess.run([*words, "--filter", "label=msbtui.verify"], env=engine, capture_output=True, text=True, check=True).stdout
        for words in listing
    )


@pytest.mark.parametrize("project", sorted(LEAST))
def test_the_split_builds_runs_the_same_and_is_smaller(engine, project, tmp_path):
    folder = PROJECTS / project
    smoke = (folder / "smoke").read_text().strip()
    written = tmp_path / "Dockerfile.split"
    code, document, errors = split(engine, str(folder / "Dockerfile"), "--verify", "--smoke", smoke, "-o", str(written))
    assert code == 0, (document.get("checks"), document.get("reasons"), errors)
    assert document["decision"] == "split"
    assert document["verified"] is True
    assert all(check["passed"] for check in document["checks"])
    measured = document["size_after"]["measured"]
    assert 1 - measured / document["size_before"] >= LEAST[project]
    original = (folder / "Dockerfile").read_text()
    first = original.split("\n", 1)[0]
    assert written.read_text().startswith(original.replace(first, f"{first} AS build", 1))
    assert leftovers(engine) == ""


def test_a_plan_that_lost_something_is_not_called_good(engine, tmp_path):
    """The same checks must fail for a split that leaves the data behind."""
    from msbtui.dockerfile.parser import parse
    from msbtui.session.model import Options
    from msbtui.split.model import Plan
    from msbtui.split.verify import Site, verify

    folder = PROJECTS / "c"
    source = (folder / "Dockerfile").read_text()
    broken = source.replace("bookworm-slim\n", "bookworm-slim AS build\n", 1) + (
        '\nFROM debian:bookworm-slim\nCOPY --from=build /usr/local/bin/departures /usr/local/bin/departures\nCMD ["departures"]\n'
    )
    plan = Plan("split", (), broken, kept=("usr/local/bin/departures", "usr/local/share/departures/timetable.csv"))
    smoke = (folder / "smoke").read_text().strip()
    with Site(parse(source, str(folder / "Dockerfile")), folder, Options(), environ=engine) as site:
        found = verify(site, plan, site.build_original(), smokes=[smoke])
    assert found.verified is False
    failed = {check.name for check in found.checks if not check.passed}
    assert {"configuration", "shared libraries", "copied files", f"smoke: {smoke}"} <= failed
    assert leftovers(engine) == ""
