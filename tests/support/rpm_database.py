"""Real databases of rpm: made by rpm itself, in a folder of one's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: made for a test
License: MIT
Group: {group}
BuildArch: noarch
{relations}
%description
Made for a test.
%install
{install}
%files
{files}
"""


def have_rpm() -> bool:
    """Say whether rpm and rpmbuild are there."""
    return shutil.which("rpm") is not None and shutil.which("rpmbuild") is not None


def build(
    folder: Path, name: str, files: dict[str, int], *, version: str = "1.0", group: str = "Unspecified", relations: str = ""
) -> Path:
    """Make a package with files of so many bytes; give its path."""
    install = "\n".join(
        f"mkdir -p %{{buildroot}}/{os.path.dirname(path)}; head -c {size} /dev/zero > %{{buildroot}}/{path}"
        for path, size in files.items()
    )
    spec = folder / f"{name}.spec"
    listed = "\n".join(f"/{path}" for path in files)
    spec.write_text(SPEC.format(name=name, version=version, group=group, relations=relations, install=install, files=listed))
    macros = ["--define", f"_topdir {folder}/top", "--define", "_buildhost builder", "--define", "_build_id_links none"]
    macros += ["--define", "source_date_epoch_from_changelog 0", "--define", "__os_install_post %{nil}"]
    subprocess.run(["rpmbuild", "-bb", "--quiet", *macros, str(spec)], check=True, capture_output=True, cwd=folder)
    return next((folder / "top" / "RPMS" / "noarch").glob(f"{name}-{version}-1.noarch.rpm"))


def database(folder: Path, packages: list[Path], backend: str = "sqlite", removed: tuple[str, ...] = ()) -> bytes:
    """Give the bytes of the database after installing packages (and removing some again)."""
    root = folder / f"root-{backend}"
    root.mkdir(exist_ok=True)
    common = ["rpm", "--root", str(root), "--define", f"_db_backend {backend}", "--define", "_dbpath /var/lib/rpm"]
    subprocess.run([*common, "-i", "--nodeps", "--nosignature", *map(str, packages)], check=True, capture_output=True)
    if removed:
        subprocess.run([*common, "-e", "--nodeps", *removed], check=True, capture_output=True)
    place = root / "var/lib/rpm"
    name = {"sqlite": "rpmdb.sqlite", "ndb": "Packages.db"}[backend]
    return (place / name).read_bytes()
