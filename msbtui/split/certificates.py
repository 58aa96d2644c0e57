"""Whether anything that is kept may read the system's certificates, by what it is linked with and names (splitting.md 3.2, 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msbtui.image.closure import needed_libraries
from msbtui.image.golang import ALWAYS, READS_ROOTS
from msbtui.image.model import ElfFacts

if TYPE_CHECKING:
    from msbtui.split.keep import Kept

_NAMES = re.compile(r"/(ssl|pki|tls)(/|\Z)|ca-(bundle|certificates)|/certs?(/|\.|\Z)|cacert")
"""Paths as TLS libraries name them: `/usr/lib/ssl` (OpenSSL), `/etc/ssl/certs/ca-certificates.crt` (GnuTLS, curl)."""
_NO_ENDS = re.compile(r"/rustc/|/\.?cargo/|/library/(core|std|alloc)/")
"""Paths that Rust's panics name; its strings have no ends, so that others may be missed."""
_MANY = 2000
_SAYS_NOTHING = "TLS needs the certificates, and no file says so"


def reads_certificates(kept: Kept) -> str:
    """Give why the certificates are needed; empty where all that may run is known, and nothing of it names or reads them."""
    if kept.reach.languages:
        return _SAYS_NOTHING
    for path, facts in _running(kept):
        if facts.language == "go":
            if roots := READS_ROOTS & set(facts.functions):
                return f"/{path} reads the certificates ({min(roots)} is linked in)"
            if ALWAYS not in facts.functions:
                return _SAYS_NOTHING
            continue
        if facts.language == "packed" or len(facts.paths) >= _MANY or any(_NO_ENDS.search(name) for name in facts.paths):
            return _SAYS_NOTHING
        if name := next((name for name in facts.paths if _NAMES.search(name)), ""):
            return f"TLS needs the certificates: /{path} names {name}"
    return ""


def _running(kept: Kept) -> Iterator[tuple[str, ElfFacts]]:
    """Give the ELF files that are kept or needed, all of the packages whose commands are called, and what they load."""
    view = kept.view
    called = {owner.name: owner for path in kept.direct if (owner := view.owner(path)) is not None and view.executable(path)}
    helpers = [view.canonical(path) or path for owner in called.values() for path in owner.files]
    own = [path for path in (*kept.paths, *kept.owned, *kept.of_base, *helpers) if view.elf(path) is not None]
    for path in needed_libraries(view.image, view.table, dict.fromkeys(own)).files:
        if (facts := view.elf(path)) is not None:
            yield path, facts
