"""What a look at an archive does not load: a start costs more than the look."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tar_maker import END, header

NOT_NEEDED = ("asyncio", "requests", "docker", "ssl", "socket", "subprocess", "textual", "rich")


@pytest.mark.parametrize(
    "words", [["--version"], ["inspect", "recorded:{recording}", "--json", "-q"], ["inspect", "{archive}", "-q"]]
)
def test_what_only_registries_engines_and_screens_need_is_not_loaded(words: list[str], tmp_path: Path) -> None:
    archive = tmp_path / "none.tar"
    archive.write_bytes(header(b"x") + END)
    recording = Path(__file__).parents[2] / "msbtui/learn/recordings/go-before.msbtui"
    says = (
        "import sys; from msbtui.cli import run; run(sys.argv[1:]); "
        f"print('loaded', [name for name in {NOT_NEEDED!r} if name in sys.modules])"
    )
    words = [word.format(archive=archive, recording=recording) for word in words]
    done = subprocess.run([sys.executable, "-c", says, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []", done.stderr
