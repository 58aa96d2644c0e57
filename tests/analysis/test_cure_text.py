"""Cures that the text of a Dockerfile shows: each with a hit, and the lines beside it that have none."""

from __future__ import annotations

import pytest

from msbtui.analysis.cure import Lines, cured, find_text_cures
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse


def lines_of(text: str) -> Lines:
    dockerfile = parse(f"FROM debian\n{text}")
    return Lines(dockerfile, build_graph(dockerfile))


def fixed(text: str, *, optional: bool = False) -> str:
    """Give the text with its cures made."""
    lines = lines_of(text)
    cures = [cure for cure in find_text_cures(lines) if cure.optional == optional]
    assert all(not cure.sized and not cure.saves and cure.id for cure in cures)
    return cured(lines, cures).data.decode().removeprefix("FROM debian\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "RUN apt-get update && apt-get install -y less",
            "RUN apt-get update && apt-get install -y less && rm -rf /var/lib/apt/lists/*",
        ),
        (
            "RUN sudo apt update && sudo apt install -y less",
            "RUN sudo apt update && sudo apt install -y less && rm -rf /var/lib/apt/lists/*",
        ),
        (
            "USER app\nRUN sudo apt update && sudo apt install -y less",
            "USER app\nRUN sudo apt update && sudo apt install -y less && sudo rm -rf /var/lib/apt/lists/*",
        ),
        (
            "RUN apt-get update && apt-get install -y gcc\nRUN ./configure && make install",
            "RUN apt-get update && apt-get install -y gcc && rm -rf /var/lib/apt/lists/*\nRUN ./configure && make install",
        ),
        ("RUN pip install a && pip3 install b", "RUN pip install --no-cache-dir a && pip3 install --no-cache-dir b"),
        ("RUN python3 -m pip install -r x", "RUN python3 -m pip install --no-cache-dir -r x"),
        ("RUN apk add --virtual .d gcc", "RUN apk add --no-cache --virtual .d gcc"),
        ("RUN dnf install -y a", "RUN dnf install -y a && dnf clean all"),
        ("RUN zypper in -y a", "RUN zypper in -y a && zypper clean --all"),
        ("RUN npm ci", "RUN npm ci && npm cache clean --force"),
        ("RUN set -e; yarn install --production; echo", "RUN set -e; yarn install --production; echo; yarn cache clean"),
        ("RUN useradd a\nCOPY x /app/\nRUN chown -R a:a /app", "RUN useradd a\nCOPY --chown=a:a x /app/\nRUN chown a:a /app"),
        (
            "WORKDIR /app\nCOPY --link . .\nENV A=1\nCOPY y z/\nRUN chown -R 7:8 .",
            "WORKDIR /app\nCOPY --chown=7:8 --link . .\nENV A=1\nCOPY --chown=7:8 y z/\nRUN chown 7:8 .",
        ),
    ],
)
def test_hits(before: str, after: str) -> None:
    assert fixed(before) == after
    assert fixed(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get update && apt-get install -y less && rm -rf /var/lib/apt/lists/*",
        "RUN --mount=type=cache,target=/var/lib/apt,sharing=locked apt-get update && apt-get install -y less",
        "RUN apt-get update\nRUN apt-get install -y --no-install-recommends less && rm -rf /var/lib/apt/lists/*",
        'RUN ["apt-get", "update"]',
        "USER app\nRUN apt-get update",
        "RUN apt-get update &",
        "RUN pip install --no-cache-dir a",
        "ENV PIP_NO_CACHE_DIR=1\nRUN pip install a",
        "RUN --mount=type=cache,target=/root/.cache pip install a",
        "RUN pip install a && rm -rf ~/.cache/pip",
        "RUN pip install a && pip cache purge",
        "RUN uv pip install a",
        "RUN apk add --no-cache a",
        "RUN dnf install -y a && dnf clean all",
        "RUN npm ci && npm cache clean --force",
        "RUN --mount=type=cache,target=/root/.npm npm ci",
        # a script that may install from the lists that are there
        "RUN apt-get update && apt-get install -y less\nRUN ./install.sh",
        "RUN apt-get update && apt-get install -y less\nRUN bash -e scripts/setup.sh --all",
        "RUN npm run build",
        "RUN node -v && npm -v",
        "RUN yarn --version",
        "RUN npm ci\nRUN npm ci --offline",
        "RUN yarn install\nRUN yarn install --offline --production",
        # Yarn 2 and later: programs may run out of the cache
        "RUN yarn install --immutable",
        "COPY package.json yarn.lock .yarnrc.yml ./\nRUN yarn install",
        "RUN corepack enable\nRUN yarn",
        # nothing that is added runs
        "RUN apt-get update && apt-get install -y less; exit 0",
        "RUN yarn install && rm -rf /usr/local/share/.cache/yarn",
        # chown: no group; other files may lie there; more than the COPY; a variable; not the COPY's place
        "COPY x /app/\nRUN chown -R a /app",
        "RUN touch /app/made\nCOPY x /app/\nRUN chown -R a:a /app",
        "WORKDIR /app\nRUN touch made\nCOPY x /app/\nRUN chown -R a:a /app",
        "COPY x /app/\nRUN touch /app/made\nRUN chown -R a:a /app",
        "COPY x /app/\nRUN touch y && chown -R a:a /app",
        "COPY x /app/\nRUN chown -R $U:$U /app",
        "COPY x /srv/\nRUN chown -R a:a /app",
        "COPY --chown=b:b x /app/\nRUN chown -R a:a /app",
        "COPY x /\nRUN chown -R a:a /",
    ],
)
def test_near_misses(text: str) -> None:
    assert fixed(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("RUN apt-get install -y a", "RUN apt-get install --no-install-recommends -y a"),
        ("ADD conf /etc/conf", "COPY conf /etc/conf"),
        ("add --chown=1:1 a b/ /x/", "copy --chown=1:1 a b/ /x/"),
    ],
)
def test_what_is_made_only_when_named(before: str, after: str) -> None:
    assert fixed(before, optional=True) == after and fixed(before) == before


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get install -y --no-install-recommends a",
        "RUN apt-get -o APT::Install-Recommends=0 install -y a",
        "ADD x.tar.gz /x",
        "ADD https://example.com/x /x",
        "ADD git@example.com:a/b.git /x",
        "ADD --checksum=sha256:1 x /x",
        "ADD *.x /x",
        "ADD $X /x",
    ],
)
def test_what_is_not_even_offered(text: str) -> None:
    assert fixed(text, optional=True) == text


def test_only_the_stages_of_the_image_count() -> None:
    dockerfile = parse("FROM a AS build\nRUN pip install x\nFROM a AS base\nRUN npm ci\nFROM base\nCOPY --from=build /x /x\n")
    found = find_text_cures(Lines(dockerfile, build_graph(dockerfile)))
    assert [(cure.line, cure.id) for cure in found] == [(4, "L4")]


def test_two_cures_of_one_line_have_names_of_their_own() -> None:
    lines = lines_of("RUN pip install a && npm ci && dnf install -y b")
    found = find_text_cures(lines)
    assert [cure.id for cure in found] == ["L2", "L2.2", "L2.3"]
    # Two commands at one end do not go together; the second is made when the file is fixed again.
    result = cured(lines, found)
    assert len(result.made) + len(result.left) == 3


def test_only_an_installation_takes_recommendations_along() -> None:
    both = "RUN apt-get remove -y x && apt-get install -y y"
    assert fixed(both, optional=True) == "RUN apt-get remove -y x && apt-get install --no-install-recommends -y y"
    alone = "RUN apt-get remove -y x"
    assert fixed(alone, optional=True) == alone
