"""The three projects as two real engines built them: compilers and deleted sources are named, with bytes, layer and line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from msbtui.analysis.base import find_base
from msbtui.analysis.lines import match_lines
from msbtui.analysis.model import Provenance, WasteReport
from msbtui.analysis.waste import find_waste
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.engine import open_image
from msbtui.engine.docker import connect, known_bases
from msbtui.errors import TargetError
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable

pytestmark = pytest.mark.engine

PROJECTS = Path(__file__).parent.parent / "data" / "projects"
MB = 1_000_000


class Read:
    """A project's image, read whole."""

    def __init__(self, name: str, form: str, environ: dict[str, str]) -> None:
        suffix = ".expert" if form == "expert" else ""
        self.lines = (PROJECTS / name / f"Dockerfile{suffix}").read_text().splitlines()
        dockerfile = parse((PROJECTS / name / f"Dockerfile{suffix}").read_bytes())
        graph = build_graph(dockerfile)
        try:
            image = open_image(f"docker:msbtui-demo-{name}:{form}", environ=environ)
        except TargetError as error:
            pytest.skip(f"build the projects first (tests/engine/build_projects): {error}")
        self.table = FileTable(layer.entries for layer in image.layers)
        self.provenance: Provenance = match_lines(dockerfile, graph, image.history, [one.history_index for one in image.layers])
        self.base = find_base(image, self.provenance, known_bases(connect(environ)))
        packages = read_packages(image, self.table)
        self.report: WasteReport = find_waste(image, self.table, packages, self.base, self.provenance, dockerfile, graph)

    def line(self, start: str) -> int:
        """The number of the first line that begins so."""
        return next(number for number, line in enumerate(self.lines, 1) if line.startswith(start))


@pytest.fixture(scope="module", params=["ENGINE_CLASSIC", "ENGINE_MODERN"])
def read(request: pytest.FixtureRequest) -> Callable[[str, str], Read]:
    """Reads a project's image from one engine."""
    host = os.environ.get(request.param)
    if not host:
        pytest.skip(f"{request.param} names no engine")
    environ = dict(os.environ, DOCKER_HOST=host)
    return lambda name, form: Read(name, form, environ)


@pytest.mark.parametrize("name", ["c", "go", "python"])
def test_compilers_and_deleted_files_are_named(read: Callable[[str, str], Read], name: str) -> None:
    seen = read(name, "before")
    assert seen.provenance.in_sync
    assert seen.base.confidence == "A"
    compilers = [finding for finding in seen.report.findings if finding.kind == "compiler"]
    own = [finding for finding in compilers if not finding.in_base]
    if name == "c":
        assert [(finding.line, finding.confidence) for finding in own] == [(seen.line("RUN apt-get"), "A")]
        assert own[0].bytes > 300 * MB
        assert len(compilers) == 1
    else:
        assert all(finding.line == seen.line("FROM") for finding in compilers if finding.in_base)
        assert sum(finding.bytes for finding in compilers if finding.in_base) > 400 * MB
    gone = [finding for finding in seen.report.findings if finding.kind == "deleted-later"]
    place = {"c": "usr/src/departures", "go": "src", "python": "app/tests"}[name]
    assert {finding.paths for finding in gone} == {(place,)}
    assert {finding.hidden_by.line for finding in gone if finding.hidden_by} == {seen.line("RUN rm -rf")}
    hidden = {"deleted-later", "overwritten-later", "metadata-only-copy", "moved"}
    above = sum(seen.table.layer_hidden(layer) for layer in range(seen.base.layers, seen.table.layers))
    assert sum(finding.bytes for finding in seen.report.findings if finding.kind in hidden) == above
    assert seen.report.total == seen.report.removable + above


@pytest.mark.parametrize("name", ["c", "go", "python"])
def test_the_experts_image_holds_no_certain_waste_but_logs(read: Callable[[str, str], Read], name: str) -> None:
    seen = read(name, "expert")
    sure = {finding.kind for finding in seen.report.findings if finding.confidence == "A" and not finding.in_base}
    assert sure <= {"log-temp"}
