"""What every test shares: a cache of its own, no engine by accident, and a run that may not skip."""

from __future__ import annotations

import os

import pytest

skipped: list[str] = []


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path_factory, monkeypatch, request):
    """Keep the person's cache, colours and engine out of tests; engine tests name their engine themselves."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("NO_COLOR", raising=False)
    if request.node.get_closest_marker("engine") is None:
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
            monkeypatch.delenv(name, raising=False)


def pytest_runtest_logreport(report):
    if report.skipped:
        skipped.append(report.nodeid)


def pytest_sessionfinish(session, exitstatus):
    """With MSBTUI_NO_SKIPS a skipped test is a failed run: a continuous integration without engines proves nothing."""
    if os.environ.get("MSBTUI_NO_SKIPS") and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\nskipped, which MSBTUI_NO_SKIPS forbids:", *skipped, sep="\n  ")
