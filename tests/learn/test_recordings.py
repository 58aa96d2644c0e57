"""The demo's recordings: small, whole, and without a trace of the machine that made them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from msbtui.engine.recording import read_recording
from msbtui.engine.recording_format import index_of, unpack
from msbtui.image.table import FileTable
from msbtui.learn import PROJECTS
from msbtui.session.demo import recording

BOTH = [(project, after) for project in PROJECTS for after in (False, True)]

VARIABLES = {"PATH", "LANG", "PYTHON_VERSION", "GOPATH", "GOTOOLCHAIN"}
"""What the base images of the projects set for those who build on them."""

TRACES = (
    rb"BEGIN [A-Z ]*CERTIFICATE",
    rb"BEGIN [A-Z ]*PRIVATE KEY",
    rb"(?i)https?_proxy",
    rb"/root/\.(?!cache|config|npm|cargo|profile|bashrc|gnupg|ssh\b)[a-z]+",
    rb"/home/(?!coq/)[a-z]",
    rb"/var/tmp/|/tmp/[a-z]",
    rb"(?i)https?://(?!(?:[a-z.]*debian\.org|[a-z.]*gnu\.org|[a-z.]*python\.org/psf|github\.com|[a-z.]*readthedocs\.io|[a-z.]*palletsprojects\.com|discord\.gg))[a-z0-9.-]*(?:pypi|pythonhosted|proxy|sum|registry|npmjs)[a-z0-9.-]*",
    rb"(?i)SSL_CERT_FILE|PIP_CERT|NODE_EXTRA_CA_CERTS|CARGO_HTTP_CAINFO",
)


def test_all_fit_three_megabytes():
    assert sum(Path(recording(project, after=after)).stat().st_size for project, after in BOTH) <= 3_000_000


@pytest.mark.parametrize(("project", "after"), BOTH)
def test_a_recording_is_whole(project, after):
    found = read_recording(recording(project, after=after))
    assert found.image.layers
    assert found.dockerfile
    assert all(layer.history is not None for layer in found.image.layers)
    table = FileTable(layer.entries for layer in found.image.layers)
    assert table.size == table.live_bytes + table.hidden_bytes > 0
    base = found.bases[next(iter(found.bases))]
    assert [layer.diff_id for layer in found.image.layers[: len(base.diff_ids)]] == base.diff_ids
    assert base.config is not None


@pytest.mark.parametrize(("project", "after"), BOTH)
def test_a_recording_holds_nothing_of_its_machine(project, after):
    path = recording(project, after=after)
    with open(path, "rb") as file:
        document = unpack(file.read(), path)
    configs = [document.config, *(base.config for base in document.bases.values() if base.config)]
    assert {one.partition("=")[0] for config in configs for one in config.env} <= VARIABLES
    raw = msgspec.msgpack.encode(document)
    for trace in TRACES:
        found = re.search(trace, raw)
        assert found is None, raw[max(found.start() - 80, 0) : found.end() + 80]
    paths = [name for layer in document.layers for name in index_of(layer.columns).paths]
    assert not [name for name in paths if name.startswith(("usr/local/share/ca-certificates/", "etc/ssl/certs/"))]


@pytest.mark.parametrize("project", PROJECTS)
def test_the_split_made_the_image_smaller(project):
    sizes = [
        FileTable(layer.entries for layer in read_recording(recording(project, after=after)).image.layers).size
        for after in (False, True)
    ]
    least = {"c": 0.60, "python": 0.40, "go": 0.85}[project]
    assert 1 - sizes[1] / sizes[0] >= least
