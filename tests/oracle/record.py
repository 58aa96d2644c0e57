"""Write BuildKit's answers into tests/data/oracle-cases.json, for tests that run without Go.

python tests/oracle/record.py                               # ask again for every case, after a new BuildKit version
python tests/oracle/record.py NAME < Dockerfile             # add a case, or give it another text
python tests/oracle/record.py NAME --from found.json 3      # add the fourth example that compare.py wrote with --json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "support")]

from buildkit_oracle import Oracle, build  # noqa: E402
from oracle_cases import CASES, INPUTS, pinned_version, request_of  # noqa: E402

_DERIVED = ("exported",)
"""Left out of the recording: what only checks the oracle itself."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--from", dest="found", nargs=2, metavar=("FILE", "INDEX"))
    options = parser.parse_args()

    cases: dict[str, dict[str, Any]] = {}
    if CASES.exists():
        cases = {case["name"]: case for case in json.loads(CASES.read_text("utf-8"))["cases"]}
    if options.name and options.found:
        example = json.loads(Path(options.found[0]).read_text("utf-8", "surrogatepass"))[int(options.found[1])]
        cases[options.name] = {"name": options.name, **{key: example[key] for key in INPUTS if example.get(key)}}
    elif options.name:
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        cases[options.name] = {"name": options.name, "dockerfile": text}
    with Oracle(build()) as oracle:
        for case, answer in zip(cases.values(), oracle.ask([request_of(case) for case in cases.values()]), strict=True):
            case["answer"] = {key: value for key, value in answer.items() if key not in _DERIVED}
    found = {"source": f"github.com/moby/buildkit {pinned_version()}, asked by tests/oracle", "cases": list(cases.values())}
    # ASCII: a text may hold bytes that are no UTF-8 (as surrogate escapes), control characters, and more than one line end.
    CASES.write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n", "utf-8")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
