"""A verification whose builds a builder of buildx does elsewhere: a team's build farm, with its secrets, contexts and caches.

REMOTE_BUILDER names such a builder (any driver but `docker`), which can get debian:bookworm-slim; `pytest -m builder` runs these.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.builder
BUILDER = os.environ.get("REMOTE_BUILDER", "")
TEXT = """FROM debian:bookworm-slim
LABEL of=test_engine_builders
ARG GREETING
COPY --from=extra words /usr/local/share/words
RUN --mount=type=secret,id=key test "$(cat /run/secrets/key)" = s3cret
RUN mkdir -p /root/.cache/pip && head -c 20000000 /dev/zero > /root/.cache/pip/objects
RUN printf '#!/bin/sh\\ncat /usr/local/share/words; echo %s\\n' "$GREETING" > /usr/local/bin/app && chmod 755 /usr/local/bin/app
CMD ["app"]
"""


@pytest.fixture(params=["ENGINE_CLASSIC", "ENGINE_MODERN"])
def engine(request) -> dict[str, str]:
    address = os.environ.get(request.param)
    if not address:
        pytest.skip(f"{request.param} names no engine")
    if not BUILDER:
        pytest.skip("REMOTE_BUILDER names no builder")
    return {**os.environ, "DOCKER_HOST": address}


def asked(engine: dict[str, str], *words: str) -> str:
    return subprocess.run(["docker", *words], env=engine, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("named", ["--builder", "BUILDX_BUILDER"])
def test_another_builder_builds_both_with_all_that_belongs_to_it(engine, tmp_path: Path, named: str):
    (tmp_path / "Dockerfile").write_text(TEXT)
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "words").write_text("the words\n")
    (tmp_path / "key").write_text("s3cret")
    words = [sys.executable, "-m", "msbtui", "split", str(tmp_path / "Dockerfile"), "--json", "--smoke", "app"]
    words += ["--build-arg", "GREETING=hello", "--build-context", f"extra={tmp_path / 'extra'}"]
    words += ["--secret", f"id=key,src={tmp_path / 'key'}", "--cache-to", f"type=local,dest={tmp_path / 'cache'}"]
    words += ["--cache-from", f"type=local,src={tmp_path / 'cache'}"]
    words += ["--builder", BUILDER] if named == "--builder" else []
    environ = engine if named == "--builder" else {**engine, "BUILDX_BUILDER": BUILDER}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["verified"], document["checks"]
    assert document["size_after"]["measured"] < document["size_before"] - 19_000_000
    assert [check["detail"] for check in document["checks"] if check["name"] == "smoke: app"] == [
        "exit code 0 in both, 2 lines of output are the same"
    ]
    assert (tmp_path / "cache" / "index.json").exists()
    assert asked(engine, "images", "-q", "--filter", "label=of=test_engine_builders") == ""


def test_a_builder_that_is_not_there_is_said(engine, tmp_path: Path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    words = [sys.executable, "-m", "msbtui", "split", str(tmp_path / "Dockerfile"), "--verify", "--builder", "no-such-builder"]
    done = subprocess.run(words, env=engine, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "no-such-builder" in done.stderr
    assert "Traceback" not in done.stderr
