"""What tests of the engine room share: a cache, a made registry, and the two real engines."""

from __future__ import annotations

import os

import pytest
from fake_registry import FakeRegistry
from image_samples import Sample

from msbtui.engine import distribution
from msbtui.image.cache import LayerCache


@pytest.fixture
def cache(tmp_path):
    return LayerCache(tmp_path / "cache")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let what waits before it asks a registry again wait for no time worth the name."""
    monkeypatch.setattr(distribution, "_BACK_OFF", 0.001)


@pytest.fixture
def home(tmp_path):
    """Give an environment without settings of docker's."""
    return {"HOME": str(tmp_path)}


@pytest.fixture
def registry():
    with FakeRegistry(Sample()).running() as fake:
        yield fake


@pytest.fixture(params=["ENGINE_CLASSIC", "ENGINE_MODERN"])
def engine(request) -> dict[str, str]:
    """Give the environment in which the docker CLI, and what is tested, talk to a real engine."""
    address = os.environ.get(request.param)
    if not address:
        pytest.skip(f"{request.param} names no engine")
    return {**os.environ, "DOCKER_HOST": address}
