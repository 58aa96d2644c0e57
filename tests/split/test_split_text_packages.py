"""Packages that the runtime stage of a plan from the text installs: what the author names, and what is linked."""

from __future__ import annotations

import pytest
from text_plans import plan

APT = "FROM node:20\nRUN apt-get update && {run}\nWORKDIR /app\nCOPY . .\nRUN npm ci\n{start}\n"


def installed(run: str, start: str = 'CMD ["node", "server.js"]', text: str = APT) -> list[str]:
    lines = plan(text.format(run=run, start=start)).dockerfile.split("# runtime stage")[1].splitlines()
    return [line.split()[0] for line in lines if line.startswith("        ") and not line.split()[0].startswith(("-", "$"))]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("apt-get install -y ffmpeg gcc make libvips-dev=8.* git", ["ca-certificates", "ffmpeg"]),
        ("apt-get install -y --no-install-recommends graphviz=2.42* poppler-utils", ["graphviz", "poppler-utils"]),
        ("apt-get install -y -o Acquire::Retries=3 -t bookworm-backports ffmpeg", ["ffmpeg"]),
        ("apt-get install -y ffmpeg $MORE ./own.deb", ["ffmpeg"]),
        ("apt-get install -y ffmpeg sox && apt-get purge -y --auto-remove sox", ["ffmpeg"]),
        ("apt-get install -y gcc", []),
        ("add-apt-repository ppa:x/y && apt-get install -y ffmpeg", []),
        ("curl https://host/setup_20.x | tee /etc/apt/sources.list.d/x.list && apt-get install -y thing", []),
    ],
)
def test_what_the_author_installs_by_name_comes_again(run, expected):
    assert installed(run) == expected


def test_what_apt_takes_along_by_itself_comes_where_no_option_forbids_it():
    for options, expected in (("", "install -y \\"), ("--no-install-recommends ", "install -y --no-install-recommends \\")):
        text = APT.format(run=f"apt-get install -y {options}imagemagick", start='CMD ["node", "x.js"]')
        assert expected in plan(text).dockerfile.split("# runtime stage")[1]


@pytest.mark.parametrize(
    "start",
    [
        'CMD ["node", "x.js"]\nHEALTHCHECK CMD curl -f http://localhost/ || exit 1',
        'HEALTHCHECK CMD ["curl", "http://localhost/"]\nCMD ["node", "x.js"]',
        "CMD curl http://host/seed && node x.js",
    ],
)
def test_a_helper_that_something_starts_comes_again(start):
    assert installed("apt-get install -y curl unzip", start) == ["curl"]


def test_a_virtual_group_that_is_deleted_takes_its_packages_along():
    text = "FROM alpine:3.20\nRUN {run}\nCOPY . /src\nRUN cd /src && gcc -o /usr/local/bin/app app.c\n{start}\n"
    run = "apk add --no-cache tini && apk add --virtual .build gcc musl-dev socat && apk del .build"
    assert installed(run, 'CMD ["/usr/local/bin/app"]', text) == ["ca-certificates", "tini"]


def test_libraries_of_the_full_image_that_extensions_are_linked_with_come_again():
    for text in (
        'FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install psycopg2\nCMD ["python", "x.py"]\n',
        'FROM ruby:3.3\nWORKDIR /app\nCOPY . .\nRUN bundle install\nCMD ["ruby", "x.rb"]\n',
    ):
        found = plan(text).dockerfile
        assert "FROM build AS runtime-packages\n" in found
        assert "$(cat /tmp/runtime-packages)" in found
