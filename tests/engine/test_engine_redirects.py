"""Registries that send elsewhere: by every status that says so, through a bounded number of places, to relative addresses too."""

from __future__ import annotations

from itertools import pairwise

import pytest
from image_samples import digest

from msbtui.engine import distribution, open_image
from msbtui.errors import TargetError
from msbtui.image.cache import LayerCache


def other_path(registry, blob: bytes, name: str) -> str:
    """Give another path of the registry that answers with the blob."""
    registry.tags[name] = digest(blob)
    return registry.blob_path(digest(blob)).rpartition("/")[0] + f"/{name}"


def moved(registry) -> list[str]:
    """Send everyone who asks for the image's blobs to other paths; give these."""
    places = []
    for number, blob in enumerate((*registry.sample.blobs, registry.sample.config)):
        places.append(other_path(registry, blob, f"moved{number}"))
        registry.redirects[registry.blob_path(digest(blob))] = f"http://{registry.host}{places[-1]}"
    return places


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_status_that_sends_elsewhere_is_followed(registry, cache, home, status):
    registry.redirect_status = status
    places = moved(registry)
    assert open_image(registry.name, cache=cache, environ=home).verified
    assert set(places) <= {path for path, _ in registry.asked}


@pytest.mark.parametrize("status", [300, 304, 305])
def test_other_statuses_send_nowhere(registry, cache, home, status):
    registry.redirect_status = status
    places = moved(registry)
    with pytest.raises(TargetError, match=str(status)):
        open_image(registry.name, cache=cache, environ=home)
    assert not set(places) & {path for path, _ in registry.asked}


def test_an_address_may_be_a_path_alone(registry, cache, home):
    places = moved(registry)
    registry.redirects = {path: to.removeprefix(f"http://{registry.host}") for path, to in registry.redirects.items()}
    assert open_image(registry.name, cache=cache, environ=home).verified
    assert set(places) <= {path for path, _ in registry.asked}


def test_so_many_places_are_gone_through_and_no_more(registry, home, tmp_path):
    blob = registry.sample.blobs[0]

    def chain(length: int) -> None:
        stops = [registry.blob_path(digest(blob)), *(other_path(registry, blob, f"stop{number}") for number in range(length))]
        registry.redirects = dict(pairwise(stops))

    chain(distribution._REDIRECTS)
    assert open_image(registry.name, cache=LayerCache(tmp_path / "one"), environ=home).verified
    chain(distribution._REDIRECTS + 1)
    with pytest.raises(TargetError, match="redirects without end"):
        open_image(registry.name, cache=LayerCache(tmp_path / "other"), environ=home)
