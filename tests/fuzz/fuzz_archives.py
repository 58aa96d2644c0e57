#!/usr/bin/env python3
"""Look at many archives that no tool would write, and tell for which of them something does not hold.

    python tests/fuzz/fuzz_archives.py --count 100000 --seed 1

The same seed gives the same inputs everywhere. What must hold is in `tests/support/fuzz_judge.py`. `--only N` looks at one
input, `--keep FOLDER` writes the inputs that break something there. Exit code 1 where one does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

import fuzz_inputs  # noqa: E402
import fuzz_judge  # noqa: E402

Result = tuple[Counter[str], list[tuple[str, str]], int, int]
BATCH = 250


def batch(seed: int, numbers: range, keep: str | None) -> Result:
    """Look at some inputs; give how many were accepted, refused and broken, and what broke."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=place))
    counts, broken, size, largest = Counter[str](), list[tuple[str, str]](), 0, 0
    try:
        for number in numbers:
            name = f"{seed}:{number}"
            path = scratch / "input.tar"
            path.write_bytes(fuzz_inputs.make(seed, number))
            size, largest = size + path.stat().st_size, max(largest, path.stat().st_size)
            verdict, wrong = fuzz_judge.judge_with_cache(path, scratch)
            counts[verdict] += 1
            if wrong:
                broken.append((name, wrong))
                if keep is not None:
                    shutil.copy(path, Path(keep) / f"{name.replace(':', '-')}.tar")
    finally:
        shutil.rmtree(scratch)
    return counts, broken, size, largest


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    numbers = (
        range(options.only, options.only + 1) if options.only is not None else range(options.start, options.start + options.count)
    )
    if options.keep is not None:
        Path(options.keep).mkdir(parents=True, exist_ok=True)
    counts, kinds, size, largest = Counter[str](), Counter[str](), 0, 0
    started = time.monotonic()
    tasks = [(options.seed, numbers[at : at + BATCH], options.keep) for at in range(0, len(numbers), BATCH)]
    # A new process for each batch, so that the peak of memory is that of few inputs.
    with get_context("spawn").Pool(min(options.jobs, len(tasks)), maxtasksperchild=8) as pool:
        for done, (found, broken, bytes_read, most) in enumerate(pool.imap(_star, tasks), 1):
            counts += found
            size, largest = size + bytes_read, max(largest, most)
            for name, wrong in broken:
                kind = wrong.strip().splitlines()[-1][:150]
                kinds[kind] += 1
                if kinds[kind] <= 2:
                    print(f"\ninput {name}:\n{wrong.strip()}", flush=True)
            if done % 20 == 0:
                print(
                    f"{sum(counts.values())} inputs, {dict(counts)}, {time.monotonic() - started:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    for kind, times in kinds.most_common():
        print(f"{times} x {kind}")
    print(
        f"seed {options.seed}: {sum(counts.values())} inputs "
        f"({size >> 20} MiB, largest {largest} bytes) in {time.monotonic() - started:.0f} s: "
        f"{counts['accepted']} accepted, {counts['refused']} refused, {counts['broken']} broken"
    )
    return 1 if counts["broken"] else 0


def _star(task: tuple[int, range, str | None]) -> Result:
    return batch(*task)


if __name__ == "__main__":
    sys.exit(main())
