"""The published schema of SARIF 2.1.0 (OASIS, errata 01): `python sarif_schema.py FILE` writes it.

It is taken out of a Go module that carries it as it was published, since modules can be had wherever Go can be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

MODULE = "github.com/owenrumney/go-sarif/v3@v3.3.1"
PLACE = "pkg/report/v210/sarif/schema.go"
ID = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def main() -> None:
    """Download the module, and write the schema that one of its constants is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "go.mod").write_text("module schema\n\ngo 1.21\n")
        done = subprocess.run(["go", "mod", "download", "-json", MODULE], cwd=folder, capture_output=True, text=True, check=True)
    text = Path(json.loads(done.stdout)["Dir"], PLACE).read_text(encoding="utf-8")
    schema = json.loads(text[text.index("`") + 1 : text.rindex("`")])
    if schema["id"] != ID:
        raise SystemExit(f"{MODULE} holds {schema['id']}")
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema))


if __name__ == "__main__":
    main()
