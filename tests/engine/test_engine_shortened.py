"""Archives that lose their end while they are looked at: one clear line, never a signal's death."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from image_samples import Sample, tar_of, write_folder, write_tar

SCRIPT = """
import os, sys
import msbtui.image.fast as fast
if sys.argv[4] == "pure":
    fast.compiled = None
from msbtui.session import Session
from msbtui.session.model import ImageFound, LayerReady, Progress, Options

target, victim, when = sys.argv[1:4]
session = Session(Options(target=target, verify_digests=when == "verifying"))

def cut(event):
    name = type(event).__name__
    if (name, getattr(event, "index", None)) == ("LayerReady", 1) and when == "layer":
        os.truncate(victim, 700)
    elif name == "ImageFound" and when in ("found", "verifying"):
        os.truncate(victim, 700)
    elif name == "Progress" and event.what == "Finding waste" and when == "waste":
        os.truncate(victim, 700)

session.run(cut)
print(type(session.error).__name__, session.error)
"""
NOISE = os.urandom(9000)
LAYERS = [
    tar_of({f"{layer}/{n}": b"#!/bin/sh\n" + NOISE if n % 2 else b"\x7fELF" + NOISE for n in range(40)}) for layer in range(4)
]


def look(target: str, victim: Path, when: str, tmp_path: Path, how: str) -> str:
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", SCRIPT, target, str(victim), when, how]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)
    assert result.returncode == 0, (result.returncode, result.stderr)
    assert not result.stderr
    return result.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="the handler is made for Linux")
@pytest.mark.parametrize(
    ("when", "packed", "how"),
    [
        ("found", "plain", "pure"),
        ("layer", "plain", "as it is"),
        ("layer", "gzip", "as it is"),
        ("waste", "plain", "as it is"),
        ("waste", "gzip", "as it is"),
        ("verifying", "plain", "as it is"),
    ],
)
def test_an_archive_that_is_shortened(tmp_path: Path, when: str, packed: str, how: str) -> None:
    path = write_tar(tmp_path / "image.tar", Sample(layers=LAYERS, how=packed).oci())
    said = look(str(path), path, when, tmp_path, how)
    if packed == "gzip" and when == "waste":  # what was unpacked is kept in memory
        assert said == "NoneType None"
    else:
        assert said.startswith("TargetError ")
        assert str(path) in said
        # What is left of the last page reads as zeros, without a signal: whoever comes upon those first says so.
        assert any(words in said for words in ("was shortened while it was read", "damaged", "ends", "not a sound tar archive"))
        assert said.count("\n") == 0
    if when == "waste":  # nothing that the zeros led to is kept for the next look
        write_tar(path, Sample(layers=LAYERS, how=packed).oci())
        assert look(str(path), path, "never", tmp_path, how) == "NoneType None"


@pytest.mark.skipif(sys.platform != "linux", reason="the handler is made for Linux")
def test_a_blob_of_a_layout_that_is_shortened(tmp_path: Path) -> None:
    sample = Sample(layers=LAYERS, how="plain")
    folder = write_folder(tmp_path / "layout", sample.oci())
    blob = json.loads(sample.manifest)["layers"][3]["digest"].replace(":", "/")
    said = look(str(folder), folder / "blobs" / blob, "found", tmp_path, "as it is")
    assert said.startswith("TargetError ")
    assert blob in said
