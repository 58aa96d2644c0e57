"""Shapes of Dockerfiles that real projects have, split, built and compared for real: each in a file of a few lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine
PROGRAM = r"""
#include <stdio.h>
int main(void) {
  char line[99] = "";
  FILE *file = fopen(WORDS, "r");
  if (!file) { perror(WORDS); return 3; }
  fgets(line, sizeof line, file);
  printf("hello %s", line);
  return 0;
}
"""
ROOT = """\
FROM buildpack-deps:bookworm
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY . /
VOLUME /spool
RUN cc -DWORDS='"data/words"' -o prog prog.c |& tee /tmp/log && [[ -x prog ]] && chmod u+s prog \\
    && install -d -m 1770 -g mail /spool
CMD ./prog && [[ -k /spool ]] && stat -c '%a %U %G' /spool prog
"""
HOME = """\
FROM buildpack-deps:bookworm
RUN useradd --create-home --uid 1234 dev && mkdir /opt/app-1 && ln -s app-1 /opt/app && chown dev /opt/app-1
USER dev
WORKDIR /home/dev/src
COPY --chown=dev . .
RUN --mount=type=cache,target=/home/dev/.cache,uid=1234 --mount=type=secret,id=word,uid=1234 \\
    cc -DWORDS='"/home/dev/state/words"' -o /opt/app/prog prog.c \\
    && mkdir -p /home/dev/state && cat data/words /run/secrets/word > /home/dev/state/words && rm -r ../src/data
ENV PATH=/opt/app:$PATH
WORKDIR /opt/app
CMD ["sh", "-c", "prog && touch /home/dev/state/x && id -un && pwd && stat -c '%U %a' /home/dev/state /opt/app-1"]
"""
STAGES = """\
FROM buildpack-deps:bookworm AS compile
WORKDIR /src
COPY . .
RUN cc -DWORDS='"words"' -o prog prog.c

FROM buildpack-deps:bookworm
WORKDIR /app
COPY --from=compile /src /app
COPY data/words .
CMD ["./prog"]
"""
TRIGGERED = """\
FROM msbtui-shape-onbuild
CMD ["/app/prog"]
"""
ONBUILD = """\
FROM buildpack-deps:bookworm
ONBUILD COPY . /app
ONBUILD RUN cd /app && cc -DWORDS='"/app/data/words"' -o prog prog.c
"""
CAPABLE = """\
FROM python:3.11
COPY <<END /etc/words
written here
END
COPY prog.c /src/
RUN <<END
set -e
cd /src && cc -DWORDS='"/etc/words"' -o /usr/local/bin/prog prog.c
python3 -c 'import os; os.setxattr("/usr/local/bin/prog", "security.capability", bytes.fromhex("01000002" + "02" + "00" * 15))'
chmod 600 /etc/words
rm -r /src
END
USER nobody
CMD ["prog"]
"""


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "words").write_text("from a file\n")
    (folder / "prog.c").write_text(PROGRAM)
    (folder / "README.md").write_text("read me\n")
    (tmp_path / "word").write_text("secret\n")
    return folder


def split(address: str, project: Path, dockerfile: str, *options: str) -> tuple[dict[str, object], str]:
    """Give the plan as JSON and its Dockerfile's runtime stage."""
    engine = os.environ.get(address)
    if not engine:
        pytest.skip(f"{address} names no engine")
    (project / "Dockerfile").write_text(dockerfile)
    written = project.parent / "Dockerfile.split"
    command = [sys.executable, "-m", "msbtui", "split", str(project / "Dockerfile"), "--verify", "--json", "-o", str(written)]
    done = subprocess.run(
        [*command, *options],
        env={**os.environ, "DOCKER_HOST": engine},
        cwd=project.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.stdout, done.stderr
    plan = json.loads(done.stdout)
    assert plan["verified"] is True, [plan["reasons"], [check for check in plan["checks"] if not check["passed"]]]
    assert plan["size_after"]["measured"] < 0.3 * plan["size_before"]
    return plan, written.read_text().split("# runtime stage")[-1]


def said(plan: dict[str, object]) -> str:
    """Give what the check of the start found."""
    return next(check["detail"] for check in plan["checks"] if check["name"] == "start")  # type: ignore[attr-defined]


def test_a_build_in_the_root_with_a_shell_of_its_own_a_volume_and_setuid(project):
    plan, runtime = split("ENGINE_CLASSIC", project, ROOT)
    assert said(plan).startswith("exit code 0 in both")
    assert "COPY --from=build /data/words /data/words\n" in runtime
    assert "prog.c" not in runtime
    assert 'SHELL ["/bin/bash"' in runtime
    assert "-m 1770 /spool" in runtime


def test_a_build_as_a_user_with_secrets_caches_and_links(project):
    plan, runtime = split("ENGINE_CLASSIC", project, HOME, "--secret", "id=word,src=word")
    assert said(plan).startswith("exit code 0 in both")
    assert "useradd --uid 1234" in runtime
    assert "/opt/app-1" in runtime
    assert "secrets" not in runtime


def test_what_the_last_of_several_stages_need_not_have_stays_behind(project):
    plan, runtime = split("ENGINE_CLASSIC", project, STAGES)
    assert said(plan).startswith("exit code 0 in both")
    assert "FROM debian:bookworm-slim" in runtime
    assert "prog.c" not in runtime
    assert "README" not in runtime


def test_a_base_with_triggers_builds_in_the_build_stage_alone(project):
    engine = os.environ.get("ENGINE_CLASSIC")
    if not engine:
        pytest.skip("ENGINE_CLASSIC names no engine")
    environ = {**os.environ, "DOCKER_HOST": engine}
    base = ["docker", "buildx", "build", "--load", "-q", "-t", "msbtui-shape-onbuild", "-"]
    subprocess.run(base, input=ONBUILD, env=environ, check=True, capture_output=True, text=True)
    try:
        plan, runtime = split("ENGINE_CLASSIC", project, TRIGGERED)
    finally:
        subprocess.run(["docker", "rmi", "-f", "msbtui-shape-onbuild"], env=environ, check=True, capture_output=True)
    assert said(plan).startswith("exit code 0 in both")
    assert "FROM debian:bookworm-slim" in runtime
    assert "prog.c" not in runtime


def test_here_documents_and_capabilities(project):
    plan, runtime = split("ENGINE_MODERN", project, CAPABLE)
    assert "capabilities" in " ".join(plan["reasons"])  # type: ignore[arg-type]
    assert "/etc/words" in runtime
    assert "/src" not in runtime
