"""Libraries that language packages open by name, and commands that they start: no ELF file needs them, so nothing else tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msbtui.split.pydists import normalised
from msbtui.split.view import View

_PYTHON = {
    "python-magic": ("libmagic",),
    "filemagic": ("libmagic",),
    "weasyprint": ("libgobject-2.0", "libpango-1.0", "libpangoft2-1.0", "libharfbuzz", "libharfbuzz-subset", "libfontconfig"),
    "cairocffi": ("libcairo", "libgdk_pixbuf-2.0"),
    "cairosvg": ("libcairo",),
    "pangocffi": ("libpango-1.0", "libpangocairo-1.0"),
    "pangocairocffi": ("libpangocairo-1.0",),
    "pyzbar": ("libzbar",),
    "pylibdmtx": ("libdmtx",),
    "soundfile": ("libsndfile",),
    "pysoundfile": ("libsndfile",),
    "sounddevice": ("libportaudio",),
    "pyusb": ("libusb-1.0",),
    "hid": ("libhidapi-hidraw", "libhidapi-libusb"),
    "pyvips": ("libvips",),
    "wand": ("libMagickWand-6.Q16", "libMagickWand-7.Q16"),
    "pyenchant": ("libenchant-2", "libenchant"),
    "pyudev": ("libudev",),
    "scapy": ("libpcap",),
    "libarchive-c": ("libarchive",),
    "discord-py": ("libopus",),
    "py-cord": ("libopus",),
    "opuslib": ("libopus",),
    "pyopenal": ("libopenal",),
    "pysmbc": ("libsmbclient",),
    "python-xlib": ("libX11",),
    "pygobject": ("libgirepository-1.0",),
    "rtree": ("libspatialindex_c",),
    "geoalchemy2": ("libgeos_c",),
    "django": ("libgdal", "libgeos_c", "libproj"),
    "llvmlite": ("libLLVM",),
    "pyhidapi": ("libhidapi-hidraw",),
    "python-vlc": ("libvlc",),
    "mpv": ("libmpv",),
    "pysodium": ("libsodium",),
    "libnacl": ("libsodium",),
    "pyaxmlparser": ("libmagic",),
    "yara-python-dex": ("libyara",),
    "unicorn": ("libunicorn",),
}
"""Python distribution -> beginnings of the files that it opens with ctypes or cffi. Only what the image has is kept."""
_NODE = {
    "usb": ("libudev",),
    "node-hid": ("libusb-1.0", "libudev"),
}
_RUBY = {
    "ruby-vips": ("libvips", "libglib-2.0", "libgobject-2.0"),
    "ruby-magic": ("libmagic",),
    "ruby-filemagic": ("libmagic",),
    "ffi-hunspell": ("libhunspell",),
    "rbnacl": ("libsodium",),
    "ethon": ("libcurl",),
    "typhoeus": ("libcurl",),
}
_GIT, _MAGICK = ("git",), ("magick", "convert", "identify", "mogrify", "composite")
_STARTED_BY_PYTHON = {
    "pydriller": _GIT,
    "gitlint": _GIT,
    "gitlint-core": _GIT,
    "pre-commit": _GIT,
    "commitizen": _GIT,
    "cookiecutter": _GIT,
    "copier": _GIT,
    "dvc": _GIT,
    "python-gnupg": ("gpg",),
    "python-hglib": ("hg",),
    "svn": ("svn",),
    "patool": ("7z", "unzip", "zip", "xz", "bzip2", "unrar"),
    "rarfile": ("unrar", "unar", "7z", "bsdtar"),
    "pdfkit": ("wkhtmltopdf",),
    "pdf2image": ("pdftoppm", "pdftocairo", "pdfinfo"),
}
_STARTED_BY_NODE = {
    "simple-git": _GIT,
    "gm": ("gm", *_MAGICK),
    "imagemagick": _MAGICK,
}
_STARTED_BY_RUBY = {
    "git": _GIT,
    "mini_magick": _MAGICK,
    "image_optim": ("jpegoptim", "optipng", "pngquant", "gifsicle"),
}
"""Packages of a language -> the commands without which they are of no use. Only what the image has is kept."""
_DISTRIBUTION = re.compile(
    r"(?:.*/)?(?:site|dist)-packages/([A-Za-z0-9][\w.]*?)-\d[^/]*\.(?:dist|egg)-info(?:/METADATA|/PKG-INFO)?"
)
_GEM = re.compile(r"(?:.*/)?specifications/([\w-]+?)-\d[^/]*\.gemspec")
_MODULE = re.compile(r"(?:.*/)?node_modules/((?:@[^/]+/)?[^/]+)/package\.json")
_FOLDERS = ("usr/local/lib", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib")


def opened_by_name(view: View, kept: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give the libraries of the image that kept packages of a language open by name: (canonical path, why)."""
    for name, beginning in _of_packages(kept, (_PYTHON, _NODE, _RUBY)):
        yield from _files(view, beginning, f"{name} opens it by name")


def started_by_packages(kept: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give the commands that kept packages of a language start: (name, why)."""
    for name, command in _of_packages(kept, (_STARTED_BY_PYTHON, _STARTED_BY_NODE, _STARTED_BY_RUBY)):
        yield command, f"{name} starts it"


def _of_packages(kept: Iterable[str], tables: Sequence[Mapping[str, tuple[str, ...]]]) -> Iterator[tuple[str, str]]:
    """Give each package among the kept paths with each of what its language's table (Python, Node, Ruby) has for it."""
    for path in kept:
        for pattern, table in zip((_DISTRIBUTION, _MODULE, _GEM), tables, strict=True):
            if (match := pattern.fullmatch(path)) is not None:
                name = normalised(match[1]) if pattern is _DISTRIBUTION else match[1]
                for item in table.get(name, ()):
                    yield name, item


def _files(view: View, beginning: str, why: str) -> Iterator[tuple[str, str]]:
    for folder in _FOLDERS:
        for path in view.children(folder):
            # libX.so alone is for the linker: it is opened by the name with a version, but where a program knows no version
            if re.fullmatch(re.escape(beginning) + r"(-\d[\d.]*)?\.so\.\d+", path.rpartition("/")[2]):
                yield path, why
