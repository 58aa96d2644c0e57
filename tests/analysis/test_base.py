"""Where the base image ends, and how that is known."""

from __future__ import annotations

from typing import Any, cast

from msbtui.analysis.base import find_base
from msbtui.analysis.model import LineMatch, Provenance
from msbtui.image.model import Contents, HistoryItem, Image, ImageConfig, Layer, LayerIndex


def image(diff_ids: str, created: tuple[str, ...] = (), labels: dict[str, str] | None = None, name: str = "app:1") -> Image:
    layers = [
        Layer(
            number,
            diff_id,
            LayerIndex(),
            cast(Contents, None),
            history=HistoryItem(created=created[number]) if created else None,
        )
        for number, diff_id in enumerate(diff_ids)
    ]
    return Image(name, "sha256:id", "linux/amd64", ImageConfig(labels=labels or {}), (), layers)


def provenance(*lines: int | None, fit: float = 1.0) -> Provenance:
    matches = [LineMatch(number, line, line, 0, line is not None) for number, line in enumerate(lines)]
    return Provenance(tuple(matches), fit, "in sync", True)


KNOWN: dict[str, Any] = {"debian:bookworm": ["a", "b"], "debian:latest": ["a", "b"], "slim:1": ["a"], "other:1": ["x"]}


def test_the_longest_known_prefix_is_the_base() -> None:
    found = find_base(image("abcd"), None, KNOWN)
    assert (found.layers, found.confidence, found.name) == (2, "A", "debian:bookworm")
    assert "same first 2 layers" in found.how


def test_the_image_itself_is_not_its_base() -> None:
    known = {**KNOWN, "app:1": ["a", "b", "c"], "copy:1": ["a", "b", "c", "d"]}
    assert find_base(image("abcd"), None, known).layers == 2
    assert find_base(image("abcd", name="docker.io/library/app:1"), None, known).layers == 2


def test_an_earlier_build_of_the_same_dockerfile_is_no_base() -> None:
    known = {**KNOWN, "app:0": ["a", "b", "c"]}
    assert find_base(image("abcd"), provenance(None, None, 3, 4), known).layers == 2
    assert find_base(image("abcd"), provenance(None, None, 3, 4, fit=0.3), known).layers == 3


def test_the_name_of_from_goes_first() -> None:
    found = find_base(image("abcd"), None, KNOWN, from_name="docker.io/library/debian@sha256:00")
    assert (found.layers, found.name) == (2, "debian:latest")
    found = find_base(image("abcd"), provenance(None, None, None, 5), KNOWN, from_name="unknown:1")
    assert (found.layers, found.confidence, found.name) == (3, "B", "unknown:1")
    assert find_base(image("abcd"), None, KNOWN, from_name="scratch").layers == 0


def test_an_image_that_adds_nothing_to_its_base_is_all_base() -> None:
    assert find_base(image("ab"), None, KNOWN, from_name="debian").layers == 2


def test_labels_and_annotations_name_the_base() -> None:
    label = {"org.opencontainers.image.base.name": "docker.io/library/slim:1"}
    found = find_base(image("abcd", labels=label), None, {"slim:1": ["a"], "app:1": ["a", "b", "c"]}, from_name="gone:1")
    assert (found.layers, found.confidence) == (1, "A")
    found = find_base(
        image("abcd"), provenance(None, 2, 3, 4), {}, annotations={"org.opencontainers.image.base.name": "far/away:2"}
    )
    assert (found.layers, found.name, found.confidence) == (1, "far/away:2", "B")
    assert "far/away:2" in found.how


def test_lines_tell_where_the_base_ends() -> None:
    found = find_base(image("abcd"), provenance(None, None, 7, 8), {})
    assert (found.layers, found.confidence) == (2, "B")
    assert "line 7" in found.how
    assert find_base(image("abcd"), provenance(1, 2, 3, 4), {}).layers == 0


def test_the_largest_gap_in_time_is_a_guess() -> None:
    times = ("2024-01-01T00:00:00Z", "2024-01-01T00:10:00Z", "2024-03-01T00:00:00Z", "2024-03-01T00:01:00.5Z")
    found = find_base(image("abcd", times), provenance(None, None, None, None), {})
    assert (found.layers, found.confidence) == (2, "C")
    assert "60 days" in found.how


def test_without_evidence_there_is_no_base() -> None:
    for times in ((), ("2024-01-01T00:00:00Z",) * 4, ("1970-01-01T00:00:00Z", "2024-99-99T99:99:99Z", "junk", "")):
        found = find_base(image("abcd", times), None, {})
        assert (found.layers, found.confidence) == (0, "C")
    assert find_base(image(""), None, KNOWN).layers == 0


def test_a_layer_without_a_time_is_no_gap() -> None:
    old, late = "2020-01-01T00:00:00Z", "2022-01-01T00:00:00Z"
    for unknown in ("", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday"):
        assert find_base(image("abcd", (old, old, unknown, late)), None, {}).layers == 0
    assert find_base(image("abcd", (old, old, late, "")), None, {}).layers == 2
