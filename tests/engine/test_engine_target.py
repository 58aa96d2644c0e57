"""What a TARGET is told to be, by what is there."""

from __future__ import annotations

import bz2
import gzip
import os

import pytest
from image_samples import Sample, tar_of, write_folder, write_tar

from msbtui.engine import Target, open_image, recognise
from msbtui.errors import TargetError, UsageError


@pytest.fixture
def archive(tmp_path):
    return write_tar(tmp_path / "image.tar", Sample().legacy())


def test_a_dockerfile_and_a_folder_with_one(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert recognise(str(tmp_path)).kind == "dockerfile"
    assert recognise(str(tmp_path)).path == str(tmp_path / "Dockerfile")
    assert recognise(str(tmp_path / "Dockerfile")).kind == "dockerfile"


@pytest.mark.parametrize("name", ["Containerfile", "dockerfile"])
def test_a_dockerfile_of_another_name_is_found_too(name, tmp_path):
    (tmp_path / name).write_text("FROM scratch\n")
    assert recognise(str(tmp_path)).path.endswith(name)


@pytest.mark.parametrize("text", [b"\xef\xbb\xbfFROM scratch\r\n", b"# caf\xe9\nFROM scratch\n", b"FROM a\n" + b"RUN x\n" * 5000])
def test_a_dockerfile_in_any_text(tmp_path, text):
    (tmp_path / "some.file").write_bytes(text)
    assert recognise(str(tmp_path / "some.file")).kind == "dockerfile"


def test_archives_and_layouts_by_content(tmp_path, archive):
    assert recognise(str(archive)).kind == "docker-archive"
    assert recognise(f"docker-archive:{archive}").kind == "docker-archive"
    assert recognise(f"docker-archive://{archive}").path == str(archive)
    folder = write_folder(tmp_path / "layout", Sample().oci())
    assert recognise(str(folder)).kind == "oci-dir"
    chosen = recognise(f"oci-dir:{folder}:latest")
    assert (chosen.path, chosen.name) == (str(folder), "latest")
    chosen = recognise(f"docker-archive:{archive}:reg.example:5000/a:tag")
    assert (chosen.path, chosen.name) == (str(archive), "reg.example:5000/a:tag")


@pytest.mark.parametrize(
    "name",
    ["debian", "debian:12", "ghcr.io/a/b:v1", "localhost:5000/x", "[::1]:5000/a/b:v1", "a@sha256:" + "0" * 64, "0123456789ab"],
)
def test_image_names(name):
    assert (recognise(name).kind, recognise(name).name) == ("docker", name)
    assert recognise(f"docker:{name}").name == name
    assert recognise(f"docker://{name}").name == name


def test_an_existing_path_wins_over_an_image_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recognise("debian").kind == "docker"
    (tmp_path / "debian").write_text("FROM debian\n")
    assert recognise("debian").kind == "dockerfile"
    assert recognise("docker:debian").kind == "docker"


@pytest.mark.parametrize(
    "target",
    ["./none", "/none/at/all", "none.tar", "Dockerfile", "folder/", "oci-dir:none", "docker-archive:none.tar", "recorded:none"],
)
def test_what_is_not_there(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError, match="no such file or folder") as caught:
        recognise(target)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("target", ["", "docker:", "docker://", "recorded:", "oci-archive:"])
def test_an_empty_target_is_wrong_usage(target):
    with pytest.raises(UsageError, match="no target is named" if not target else "nothing is named after the scheme"):
        recognise(target)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\xfd7zXZ\0rest", "xz data are cut off"),
        (bz2.compress(b"no tar at all"), "compressed with bzip2 and holds no image archive"),
        (b"\x1f\x8b\x08\0rest", "cut off"),
        (gzip.compress(b"no tar at all"), "compressed with gzip and holds no image archive"),
        (b"\x7fELF\0\0\0" + b"\0\1\2" * 400, "neither a Dockerfile nor an image archive"),
        (tar_of({"a": b"b"})[:300], "truncated"),
    ],
)
def test_files_that_are_nothing(tmp_path, data, says):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(TargetError, match=says) as caught:
        recognise(str(path))
    assert str(path) in str(caught.value)


def test_a_folder_without_a_dockerfile_names_one_that_is_like_it(tmp_path):
    (tmp_path / "app.Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(TargetError, match=r"no Dockerfile .*app\.Dockerfile"):
        recognise(str(tmp_path))


def test_a_scheme_that_does_not_fit(archive, tmp_path):
    with pytest.raises(TargetError, match="is an image archive, not what oci-dir"):
        recognise(f"oci-dir:{archive}")
    with pytest.raises(TargetError, match="is no image name"):
        recognise("docker:UPPER CASE")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert recognise(str(tmp_path / "pipe")) == Target("docker-archive", str(tmp_path / "pipe"))
    with pytest.raises(TargetError, match="neither a file nor a folder"):
        recognise("/dev/null")


@pytest.mark.parametrize("target", ["-", "docker-archive:-", "oci-archive:-"])
def test_a_dash_is_standard_input(target):
    assert recognise(target) == Target("docker-archive", "-")
    assert recognise(f"{target}:app:1") == Target("docker-archive", "-", "app:1")


def test_names_with_escape_sequences_do_not_reach_the_terminal():
    with pytest.raises(TargetError) as caught:
        recognise("/none/\x1b[31mred\n")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dockerfile_is_no_image_to_open(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(TargetError, match="--image"):
        open_image(str(tmp_path))
