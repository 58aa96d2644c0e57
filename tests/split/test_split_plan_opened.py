"""Libraries that no ELF file needs: what language packages open by name, and what -dev packages brought along."""

from __future__ import annotations

import pytest
from split_world import DEBIAN_PACKAGES, LIB, MEGABYTE, F, L, P, World, dpkg, elf, library

from msbtui.image.model import ImageConfig

SITE = "usr/local/lib/python3.11/site-packages"
CONFIG = ImageConfig(env=("PATH=/usr/local/bin:/usr/bin:/bin",), cmd=("python3", "/app/main.py"), workdir="/app")
TEXT = """FROM debian:bookworm
RUN apt-get install libmagic-dev gcc
RUN pip install x
COPY . /app
WORKDIR /app
CMD ["python3", "/app/main.py"]
"""
PACKAGES = {
    **DEBIAN_PACKAGES,
    "gcc": P(["usr/bin/gcc"], "devel", manual=True),
    "libmagic-dev": P(["usr/include/magic.h"], "libdevel", "libmagic1", manual=True),
    "libmagic1": P([f"{LIB}/libmagic.so.1", f"{LIB}/libmagic.so.1.0"]),
}
INSTALLED = {
    "usr/bin/gcc": elf("libc.so.6", size=90 * MEGABYTE),
    "usr/include/magic.h": F("h"),
    f"{LIB}/libmagic.so.1": L("libmagic.so.1.0"),
    f"{LIB}/libmagic.so.1.0": library("libmagic.so.1", "libc.so.6"),
    **dpkg(PACKAGES),
}


def plan(installed: dict, **wider):
    layers = [
        ("RUN /bin/sh -c apt-get install libmagic-dev gcc # buildkit", INSTALLED),
        ("RUN /bin/sh -c pip install x # buildkit", {"usr/local/bin/python3": elf("libc.so.6"), **installed}),
        ("COPY . /app # buildkit", {"app/main.py": F("import magic")}),
    ]
    return World(TEXT, layers, config=CONFIG).plan(**wider)


@pytest.mark.parametrize("name", ["python_magic", "Python.Magic"])
def test_a_library_that_a_distribution_opens_by_name_is_installed(name):
    found = plan({f"{SITE}/magic/__init__.py": F("m"), f"{SITE}/{name}-0.4.27.dist-info/METADATA": F("Name: python-magic")})
    step = next(step for step in found.steps if step.what == "install libmagic1")
    assert "python-magic opens it by name" in " ".join((step.why, *step.evidence))


def test_without_such_a_distribution_the_library_stays_with_its_headers():
    found = plan({f"{SITE}/other/__init__.py": F("m"), f"{SITE}/other-1.dist-info/METADATA": F("Name: other")})
    assert "libmagic" not in found.dockerfile.split("# runtime stage")[1]


def test_the_next_rung_has_the_libraries_of_the_authors_development_packages():
    found = plan({f"{SITE}/other/__init__.py": F("m")}, rung="trees")
    runtime = found.dockerfile.split("# runtime stage")[1]
    assert "libmagic1" in runtime
    assert "libmagic-dev" not in runtime
