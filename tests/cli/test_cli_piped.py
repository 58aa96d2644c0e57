"""The app on an archive from a pipe: the keys still come from the terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

from image_samples import Sample, tar_of


def test_an_archive_is_piped_into_the_app():
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)

    app = subprocess.Popen(
        [sys.executable, "-m", "msbtui", "-"],
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=own_terminal,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    assert app.stdin is not None
    try:
        app.stdin.write(tar_of(Sample().legacy()))
        app.stdin.close()
        shown = b""
        until = time.monotonic() + 40
        while b"sample:latest" not in shown and time.monotonic() < until and app.poll() is None:
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65536)
        assert b"sample:latest" in shown, shown[-500:]
        while app.poll() is None and time.monotonic() < until:
            os.write(ours, b"q")
            with contextlib.suppress(OSError):
                if select.select([ours], [], [], 0.2)[0]:
                    os.read(ours, 65536)
        assert app.poll() == 0
    finally:
        app.kill()
        app.wait()
        os.close(ours)
