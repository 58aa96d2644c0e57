"""`python -m msbtui` and the console script."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Whoever looks at a million paths makes millions of objects and hardly a cycle among them.
    gc.set_threshold(100_000, 50, 100)
    from msbtui.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
