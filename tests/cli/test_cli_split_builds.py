"""Options for the builder, and what signals do while something is on the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import click
import pytest

from msbtui.cli import run
from msbtui.cli.builds import build_flags, builder_options


def test_what_docker_understands_goes_to_it_as_it_is():
    heard = {}

    @click.command()
    @builder_options
    def command(**given):
        heard.update(given)

    words = ["--builder", "farm", "--secret", "id=a,src=b", "--secret", "id=c", "--ssh", "default", "--cache-from", "type=x",
             "--cache-to", "type=y", "--add-host", "h:1.2.3.4", "--no-cache", "--pull"]  # fmt: skip
    command.main(words, standalone_mode=False)
    assert heard.pop("builder") == "farm"
    assert build_flags(heard) == tuple(words[2:])
    assert build_flags({}) == ()


@pytest.mark.parametrize("path", ["health", "", "/a b", "/a\nb"])
def test_a_path_must_be_one(path, tmp_path, capsys):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert run(["split", str(tmp_path), "--smoke-http", path]) == 2
    assert "begins with /" in capsys.readouterr().err


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_cut_the_clean_up_short(sign):
    program = (
        "import os, signal, time\n"
        "from msbtui.cli.signals import ended_by_signals\n"
        "try:\n"
        "    with ended_by_signals():\n"
        "        try:\n"
        "            print('up', flush=True)\n"
        "            time.sleep(60)\n"
        "        finally:\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            print('clean', flush=True)\n"
        "except KeyboardInterrupt:\n"
        "    print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    child.send_signal(sign)
    out, _ = child.communicate(timeout=30)
    assert (out, child.returncode) == ("clean\nTrue\n", 0)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('FROM golang:1\nCOPY . .\nCMD ["go", "run", "."]\n', 3, "CMD runs `go run .`"),
        ("FROM debian\nRUN apt-get install -y gcc\n CMD sleep infinity\n", 3, "it starts only `sleep infinity`"),
        ("FROM x/devcontainers/go\nCMD x\n", 3, "development container"),
        ("FROM scratch\nCOPY a /a\n", 3, "starts from scratch"),
        ('FROM golang:1\nCOPY . .\nRUN go build -o /a\nCMD ["/a"]\n', 0, "the author's instructions stay as they are"),
    ],
)
def test_exit_codes_tell_a_refusal_from_a_plan(text, code, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    (tmp_path / "Dockerfile").write_text(text)
    for option in ((), ("--explain",), ("--json",)):
        assert run(["split", str(tmp_path / "Dockerfile"), *option]) == code
        assert said in capsys.readouterr().out


def test_watching_is_asked_of_the_engine(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    (tmp_path / "Dockerfile").write_text("FROM debian\nCOPY . .\nRUN make\nCMD x\n")
    assert run(["split", str(tmp_path / "Dockerfile"), "--trace"]) == 4
    assert "Traceback" not in capsys.readouterr().err
