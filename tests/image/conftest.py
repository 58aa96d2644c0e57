"""Tests of the hot loops run twice: on the compiled module, where it was built, and on the pure ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from msbtui.image import fast


@pytest.fixture(scope="module", params=["compiled", "pure"] if fast.compiled is not None else ["pure"])
def implementation(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which implementation works; for a whole module, since hypothesis wants no fixture anew for every example."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "pure":
            patch.setattr(fast, "compiled", None)
        yield request.param
