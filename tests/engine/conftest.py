"""What tests of the engine room share: a cache, a made registry, and the two real engines."""

from __future__ import annotations

import os

import pytest
from fake_registry import FakeRegistry
from image_samples import Sample

from msbtui.image.cache import LayerCache


@pytest.fixture
def cache(tmp_path):
    return LayerCache(tmp_path / "cache")


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
