#!/usr/bin/env python3
"""Let atheris (libFuzzer for Python, not among this project's dependencies) look for archives that break something.

    pip install atheris
    python tests/fuzz/fuzz_atheris.py CORPUS -max_total_time=600

CORPUS is a folder that keeps what was found; sound archives are put there first. Coverage of msbtui steers it, where
`fuzz_archives.py` only draws lots; what must hold is the same. It ends at the first input that breaks something, and keeps it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]


def main() -> None:
    """Run."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris, or use fuzz_archives.py")
    with atheris.instrument_imports(include=["msbtui"]):
        import fuzz_judge
    import fuzz_inputs
    from fuzz_harmful import HARMFUL

    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
    if folders:
        folders[0].mkdir(parents=True, exist_ok=True)
        seeds = {f"made-{number}": fuzz_inputs.make(0, number) for number in range(300)}
        seeds |= {name.replace(" ", "-"): data for name, make in HARMFUL.items() if len(data := make()) < 100_000}
        for name, data in seeds.items():
            (folders[0] / name).write_bytes(data)
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
    path = scratch / "input.tar"

    def look(data: bytes) -> None:
        path.write_bytes(data)
        shutil.rmtree(scratch / "cache", ignore_errors=True)
        _, wrong = fuzz_judge.judge(path, scratch)
        if wrong:
            raise AssertionError(wrong)

    atheris.Setup([sys.argv[0], "-max_len=200000", *sys.argv[1:]], look)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
