"""BuildKit to ask, for tests marked `oracle`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from buildkit_oracle import NoOracleError, Oracle, build


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """Give a running oracle, built on the first use; skip with the reason where it cannot be built."""
    try:
        binary = build()
    except NoOracleError as error:
        pytest.skip(str(error))
    with Oracle(binary) as running:
        yield running
