"""The Dockerfiles of ./truth on real engines: all that they say is found, and nothing certain that they do not say."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("waste_truth", ROOT / "benchmarks" / "waste_truth.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["waste_truth"] = module
    spec.loader.exec_module(module)
    return module


BASE = re.compile(r"(?m)^FROM (\w[\w.-]*:[\w.-]+)")
TRUTH = _script()
TRUTHS = [TRUTH.read_truth(path) for path in sorted(TRUTH.FOLDER.glob("*.Dockerfile"))]


def test_every_dockerfile_declares_something() -> None:
    assert len(TRUTHS) >= 40
    kinds = {one.kind for truth in TRUTHS for one in truth.declared}
    wanted = (
        "deleted-later overwritten-later metadata-only-copy moved duplicate-content package-cache compiler dev-files "
        "build-objects sources dev-dependencies tests docs bytecode debug-symbols unpacked-archive log-temp vcs "
        "context-junk secret whole-filesystem-copy unreferenced-stage"
    )
    assert kinds == set(wanted.split())
    for truth in TRUTHS:
        assert truth.declared or "# near:" in truth.text, truth.name
        assert all(one.line for one in truth.declared), truth.name
        assert all(one.hidden_by for one in truth.declared if one.label), truth.name


def test_real_tools_of_every_language_are_among_them() -> None:
    bases = {base.partition(":")[0] for truth in TRUTHS for base in BASE.findall(truth.text)}
    assert bases >= {"debian", "python", "node", "golang", "rust", "maven", "ruby", "php", "composer"}


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["ENGINE_CLASSIC", "ENGINE_MODERN"])
@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_what_a_dockerfile_says_is_found(truth: object, engine: str) -> None:
    host = os.environ.get(engine)
    if not host:
        pytest.skip(f"{engine} names no engine")
    environ = dict(os.environ, DOCKER_HOST=host)
    for base in BASE.findall(truth.text):
        if subprocess.run(["docker", "image", "inspect", base], env=environ, capture_output=True, check=False).returncode:
            pytest.skip(f"{engine} has no {base} (tests/engine/bases makes it)")
    reference = TRUTH.build(truth, host)
    try:
        outcome = TRUTH.compare(truth, f"docker:{reference}", environ)
    finally:
        subprocess.run(["docker", "image", "rm", "-f", reference], env=environ, capture_output=True, check=False)
    assert outcome.missing == []
    assert [(one.kind, one.bytes, one.paths) for one in outcome.false] == []
