"""What lies beside an image, in a few words: that it is signed, never that the signature is right."""

from __future__ import annotations

from collections.abc import Sequence

from msbtui.image.model import Signature

_ATTESTATION, _SBOM = "attestation", "sbom"


def beside(found: Sequence[Signature]) -> str:
    """Give one line on signatures, attestations and SBOMs; empty for none."""
    kinds = {one.kind for one in found}
    signed = sorted(kinds - {_ATTESTATION, _SBOM})
    others = [words for kind, words in ((_ATTESTATION, "an attestation"), (_SBOM, "an SBOM")) if kind in kinds]
    if not kinds:
        return ""
    with_others = " and ".join(others)
    if not signed:
        return f"beside it {with_others}, not verified"
    return f"signed ({', '.join(signed)}), not verified" + (f"; beside it {with_others}" if others else "")
