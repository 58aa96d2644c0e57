"""What is an image is not read as a Dockerfile."""

from __future__ import annotations

import io

import pytest
from image_samples import Sample, pack, tar_of

from msbtui.cli import run
from msbtui.engine.target import RECORDING_MAGIC
from msbtui.errors import TargetError
from msbtui.session.files import _bounded, read_dockerfile

ARCHIVES = {how: pack(tar_of(Sample().legacy()), how) for how in ("plain", "gzip", "zstd", "xz", "bzip2")}


@pytest.mark.parametrize("data", [*ARCHIVES.values(), RECORDING_MAGIC + bytes(10)], ids=[*ARCHIVES, "recording"])
def test_an_archive_is_no_dockerfile(tmp_path, capsys, data):
    path = tmp_path / "image"
    path.write_bytes(data)
    with pytest.raises(TargetError, match=r"image: is an archive, no Dockerfile \(msbtui inspect"):
        read_dockerfile(str(path))
    with pytest.raises(TargetError, match=r"-: is an archive, no Dockerfile"):
        _bounded(io.BytesIO(data), "-")
    assert run(["graph", str(path)]) == 4
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("data", [b"FROM scratch\n# \0\n", "FROM scratch\n".encode("utf-16"), bytes(600), b"FROM a\n" * 2000])
def test_a_text_is_read_whatever_is_in_it(tmp_path, data):
    path = tmp_path / "Dockerfile"
    path.write_bytes(data)
    assert read_dockerfile(str(path)) == (str(path), data)
