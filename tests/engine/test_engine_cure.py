"""Every kind of cure, proven by real builds: it builds, the image is smaller by what was promised, and the rest is as it was."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest

from msbtui.analysis.cure import KINDS, cured, find_cures, ignored_text
from msbtui.engine.build import build, new_id, remove_all
from msbtui.image.model import Kind
from msbtui.session.cures import cures_by_text, world_of
from msbtui.session.model import Options
from msbtui.session.session import Session

pytestmark = pytest.mark.engine

LISTS = "/var/lib/apt/lists/deb.example_dists_x_main_binary-amd64_Packages"


@dataclass
class Case:
    dockerfile: str
    kinds: set[str]
    only: str = ""
    """Only cures of this kind are made, optional ones too."""
    context: dict[str, str] = field(default_factory=dict)
    same: bool = True
    """Whether the final file system must be the same but for what the findings name."""
    base: str = "debian:bookworm-slim"
    engines: tuple[str, ...] = ("ENGINE_CLASSIC", "ENGINE_MODERN")
    """Here-documents need a newer frontend than the classic engine has built in."""
    least: int = 10_000
    """Bytes that must be promised, so that 2 % of them mean something."""


BIG = "".join(f"{number}\n" for number in range(60_000))
CASES = {
    "clean-up in one line": Case(f"RUN seq 1 200000 > {LISTS}\n", {"clean-up"}),
    "clean-up after &&": Case(f"RUN echo made > /made \\\n    && seq 1 200000 > {LISTS}\nCMD cat /made\n", {"clean-up"}),
    "clean-up after set -e;": Case(f"RUN set -eux; \\\n\techo made > /made; \\\n\tseq 1 200000 > {LISTS}\n", {"clean-up"}),
    "clean-up in a here-document": Case(
        f"RUN <<EOF\necho made > /made\nseq 1 200000 > {LISTS}\nEOF\n", {"clean-up"}, engines=("ENGINE_MODERN",)
    ),
    "clean-up in a strict here-document": Case(
        f"RUN <<-EOF\n\tset -e\n\tseq 1 200000 > {LISTS} # lists\n\tEOF\n", {"clean-up"}, engines=("ENGINE_MODERN",)
    ),
    "clean-up of two kinds": Case(
        f"RUN seq 1 200000 > {LISTS} && mkdir -p /root/.npm/_cacache && seq 1 90000 > /root/.npm/_cacache/x; "
        "seq 1 80000 > /var/log/own.log\n",
        {"clean-up"},
    ),
    "clean-up as another user": Case(
        "RUN useradd -m app\nUSER app\nRUN mkdir -p ~/.cache/pip/http && seq 1 200000 > ~/.cache/pip/http/x\n", {"clean-up"}
    ),
    "clean-up after apt": Case("RUN apt-get update && apt-get install -y --no-install-recommends less\n", {"clean-up"}),
    "pip's option": Case(
        # pip reads its own cache with a module whose bytecode would be in one image only
        "RUN python -c 'import _strptime'\nRUN pip install --no-binary six six\nCMD python -c 'import six'\n",
        {"clean-up"},
        least=5_000,
        base="python:3.11-slim",
    ),
    "cache mount": Case(
        "RUN mkdir -p /root/.npm/_cacache && seq 1 200000 > /root/.npm/_cacache/x && echo made > /made\n",
        {"cache-mount"},
        only="cache-mount",
    ),
    "cache mount for all that read it": Case(
        "RUN printf '#!/bin/sh\\nmkdir -p /go/pkg/mod && cat /go/pkg/mod/x >/dev/null 2>&1 || seq 1 99999 >/go/pkg/mod/x\\n' "
        ">/usr/bin/go && chmod +x /usr/bin/go\nRUN go mod download\nRUN go build > /built\n",
        {"cache-mount"},
        only="cache-mount",
    ),
    "COPY --chown, directories left": Case(
        "RUN useradd app\nWORKDIR /app\nCOPY src/ /app/\nRUN chown -R app:app /app\nUSER app\n",
        {"copy-flags"},
        context={"src/a": BIG, "src/b/c": BIG[:9000], "src/b/d": "x"},
    ),
    "COPY --chown, the RUN gone": Case(
        "COPY one /srv/one\nCOPY two /srv/two\nRUN chown 7:8 /srv/one /srv/two\n",
        {"copy-flags"},
        context={"one": BIG, "two": BIG[:20_000]},
    ),
    "COPY --chmod": Case(
        "COPY tool /usr/local/bin/tool\nRUN chmod 0755 /usr/local/bin/tool\n", {"copy-flags"}, context={"tool": BIG}
    ),
    "merged RUNs": Case(
        "RUN seq 1 100000 > /big && echo made > /made\n\n# the result is made\nRUN seq 1 5 >> /made\nRUN rm /big\nENV A=1\n"
        "RUN echo more > /more\n",
        {"merged-run"},
    ),
    "merged RUNs with a clean-up": Case(
        f"RUN seq 1 100000 > /big && seq 1 70000 > {LISTS}\nRUN mv /big /bigger && seq 1 70000 > /var/log/x.log\n",
        {"merged-run", "clean-up"},
    ),
    ".dockerignore": Case(
        "WORKDIR /app\nCOPY . .\nCMD cat /app/main\n",
        {"dockerignore"},
        context={"main": "x", ".git/HEAD": "ref: x\n", ".git/objects/aa/bb": BIG, ".git/refs/x": "y", ".git/config": "z"},
    ),
    "--no-install-recommends": Case(
        "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
        {"no-recommends"},
        only="no-recommends",
        same=False,
    ),
}


def look(dockerfile, image, host):
    session = Session(Options(str(dockerfile), image=f"docker:{image}"), environ={**os.environ, "DOCKER_HOST": host})
    session.run(lambda _: None)
    assert session.error is None, session.error
    return session


def shown(table):
    """Give what the final file system shows: path -> kind, owner, mode and size of each file, link and directory."""
    found = {}
    for pid, path in enumerate(table.paths):
        live = table.live(pid)
        if live is not None:
            index, entry = table.index(live[0]), live[1]
            kind = Kind(index.kinds[entry])
            found[path] = (
                kind,
                index.uids[entry],
                index.gids[entry],
                index.modes[entry],
                index.sizes[entry],
                index.links.get(entry),
            )
    return found


@pytest.mark.parametrize(("engine", "name"), [(engine, name) for name, case in CASES.items() for engine in case.engines])
def test_it_builds_and_keeps_its_promise(engine, name, tmp_path):
    case, host = CASES[name], os.environ.get(engine)
    if not host:
        pytest.skip(f"{engine} names no engine")
    for path, text in case.context.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {case.base}\n{case.dockerfile}")
    verify_id = new_id()
    try:
        before = look(dockerfile, build(tmp_path, dockerfile, host=host, verify_id=verify_id), host)
        world = world_of(before)
        found = find_cures(world)
        wanted = [cure for cure in found if (cure.kind == case.only if case.only else not cure.optional)]
        result = cured(world, wanted)
        assert {cure.kind for cure in result.made} == case.kinds, [finding.title for finding in before.waste.findings]
        dockerfile.write_bytes(result.data)
        if result.ignore_lines:
            (tmp_path / ".dockerignore").write_text(ignored_text("", result.ignore_lines))
        after = look(dockerfile, build(tmp_path, dockerfile, host=host, verify_id=verify_id), host)
        promised = sum(cure.saves for cure in result.made)
        saved = before.table.size - after.table.size
        assert promised >= case.least
        assert abs(saved - promised) <= 0.02 * promised, (promised, saved, result.data.decode())
        if case.same:
            cures = {one for cure in result.made for one in cure.findings}
            gone = {
                before.table.paths[before.table.path_of(*entry)]
                for finding in before.waste.findings
                if finding.id in cures
                for entry in finding.entries
            }
            differs = dict(shown(before.table).items() ^ shown(after.table).items())
            # A directory that held nothing but what is gone may be gone with it.
            left = {path for path in differs if path not in gone and not any(one.startswith(path + "/") for one in gone)}
            assert not {path for path in left if not path.startswith("var/lib/apt/lists/")}, left
    finally:
        remove_all(verify_id, host=host)


BY_TEXT = """\
FROM python:3.11-slim
RUN apt-get update && apt-get install -y less
RUN pip install six
RUN useradd app
WORKDIR /app
COPY src/ /app/
RUN chown -R app:app /app
ADD conf /etc/conf
USER app
"""
TEXT_KINDS = {"clean-up", "copy-flags", "no-recommends", "copy-not-add"}


def test_every_kind_of_cure_is_built():
    """The options of apk and dnf are edits of the same form; without their base images only their text is tested."""
    assert {kind for case in CASES.values() for kind in case.kinds} | TEXT_KINDS == set(KINDS)


@pytest.mark.parametrize("engine", ["ENGINE_CLASSIC", "ENGINE_MODERN"])
def test_cures_that_the_text_shows_build_and_save(engine, tmp_path):
    host = os.environ.get(engine)
    if not host:
        pytest.skip(f"{engine} names no engine")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text(BIG)
    (tmp_path / "conf").write_text("x")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(BY_TEXT)
    session = Session(Options(str(dockerfile)), environ={**os.environ, "DOCKER_HOST": "unix:///nothing/there"})
    session.run(lambda _: None)
    lines, found = cures_by_text(session)
    result = cured(lines, found)
    assert {cure.kind for cure in result.made} == TEXT_KINDS and not result.left
    verify_id = new_id()
    try:
        before = look(dockerfile, build(tmp_path, dockerfile, host=host, verify_id=verify_id), host)
        dockerfile.write_bytes(result.data)
        after = look(dockerfile, build(tmp_path, dockerfile, host=host, verify_id=verify_id), host)
        gone = ("var/lib/apt/lists/", "root/.cache")
        live = [before.table.live(pid) for pid, path in enumerate(before.table.paths) if path.startswith(gone)]
        lists = before.table.bytes_of([entry for entry in live if entry is not None])
        assert before.table.size - after.table.size >= 0.98 * (lists + len(BIG))
        differs = {path for path, _ in shown(before.table).items() ^ shown(after.table).items()}
        # What installing wrote to logs and compiled differs from build to build.
        left = {path for path in differs if not path.startswith((*gone, "var/log/", "var/cache/")) and not path.endswith(".pyc")}
        assert not {path for path in left if path != "root/.cache"}, left
    finally:
        remove_all(verify_id, host=host)
