"""The packages of an image as the faces list them, with what says that they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from msbtui.session.session import Session

FILE_SYSTEM, ATTESTATION = "file-system", "sbom-attestation"


class ListedPackage(msgspec.Struct, frozen=True):
    """A package; texts are printable."""

    name: str
    version: str
    kind: str
    """The manager whose database has it (`dpkg`, `apk`, `rpm`), or the type of its package-url in an SBOM."""
    architecture: str


class Listed(msgspec.Struct, frozen=True):
    """The packages of an image, by name."""

    source: str = ""
    """`file-system`, `sbom-attestation`, or empty where nothing lists any."""
    how: str = ""
    """Where they come from, in words."""
    packages: tuple[ListedPackage, ...] = ()


def listed_packages(session: Session) -> Listed:
    """Give what the package databases in the image list; where they list nothing, what its SBOM attestation does."""
    installed = session.packages.installed.values() if session.packages is not None else ()
    if installed:
        found = sorted({(one.name, one.version, one.manager, one.architecture) for one in installed})
        managers = " and ".join(sorted({one.manager for one in installed}))
        return Listed(FILE_SYSTEM, f"from the database of {managers} in the image", tuple(ListedPackage(*one) for one in found))
    attestation = session.image.attestation if session.image is not None else None
    if attestation is not None and attestation.packages:
        made = (ListedPackage(one.name, one.version, one.kind, one.architecture) for one in attestation.packages)
        return Listed(ATTESTATION, "from the SBOM attestation, not verified", tuple(made))
    return Listed()
