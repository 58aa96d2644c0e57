"""Traps of multi-stage files: each found at its line, its near misses left alone, and the image's files have the last word."""

from __future__ import annotations

import pytest
from check_world import made_session
from hypothesis import given, settings
from hypothesis import strategies as st
from waste_scenes import F

from msbtui.analysis.traps import find_traps
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import ImageConfig
from msbtui.learn import PROJECTS
from msbtui.session.demo import demo_session
from msbtui.session.traps import traps_of


def found(text):
    dockerfile = parse(text)
    return [(trap.rule, trap.line) for trap in find_traps(dockerfile, build_graph(dockerfile))]


def messages(session):
    return [f"{trap.rule}: {trap.message}" for trap in traps_of(session)]


B = "FROM debian AS b\n"
HITS = {
    "a wildcard of a stage": (B + "FROM debian\nCOPY --from=b /src/* /dst/\n", "CopyWildcardFlattens", 3),
    "a wildcard of the context": ("FROM debian\nCOPY src/* /dst/\n", "CopyWildcardFlattens", 2),
    "everything": ("FROM debian\nCOPY * /dst/\n", "CopyWildcardFlattens", 2),
    "libraries": (B + "FROM debian\nCOPY --from=b /usr/lib/libz.so* /usr/lib/\n", "CopyFollowsSymlinks", 3),
    "relative": ("FROM debian AS b\nWORKDIR /src\nFROM debian\nCOPY --from=b app /app\n", "CopyFromRelativeSource", 4),
    "relative by number": ("FROM debian\nWORKDIR /src\nFROM debian\nCOPY --from=0 ./app /app\n", "CopyFromRelativeSource", 4),
    "relative through stages": (
        "FROM debian AS a\nWORKDIR /src\nFROM a AS b\nFROM debian\nCOPY --from=b app /app\n",
        "CopyFromRelativeSource",
        5,
    ),
    "env in a command": (
        "FROM debian AS b\nENV HOME_OF_APP=/x\nFROM debian\nCOPY --from=b /x /x\nCMD run $HOME_OF_APP\n",
        "EnvLostBetweenStages",
        5,
    ),
    "env in braces": (
        "FROM debian AS b\nENV A=/x\nFROM debian\nCOPY --from=b /x /x\nRUN echo ${A:-}\n",
        "EnvLostBetweenStages",
        5,
    ),
    "path of a venv": (
        "FROM python AS b\nENV PATH=/opt/venv/bin:$PATH\nFROM python\nCOPY --from=b /opt/venv /opt/venv\nCMD python\n",
        "EnvLostBetweenStages",
        4,
    ),
    "user": ("FROM node AS b\nUSER node\nFROM node\nCOPY --from=b /app /app\n", "UserLostBetweenStages", 4),
    "owner of a directory": (
        "FROM debian AS b\nRUN mkdir /data && chown 5:5 /data\nFROM debian\nCOPY --from=b /data /data\n",
        "DirectoryOwnerLost",
        4,
    ),
    "owner of a directory, -R above": (
        "FROM debian AS b\nWORKDIR /srv\nRUN chown -R app .\nFROM debian\nCOPY --from=b /srv/data/ /data/\n",
        "DirectoryOwnerLost",
        5,
    ),
    "a name made elsewhere": (
        "FROM debian AS b\nRUN useradd -m app\nFROM debian\nCOPY --from=b --chown=app:app /x /x\n",
        "ChownNameUnknown",
        4,
    ),
    "a name in scratch": (B + "FROM scratch\nCOPY --from=b --chown=app /x /x\n", "ChownNameUnknown", 3),
    "onto a merged directory": (B + "FROM debian\nCOPY --from=b /out/lib /lib\n", "CopyThroughSymlink", 3),
    "--link below one": (B + "FROM debian:12\nCOPY --link --from=b /out/x /bin/x\n", "CopyThroughSymlink", 3),
    "chown after COPY": ("FROM debian\nCOPY . /app\nRUN chown -R app /app\n", "ChownAfterCopy", 3),
    "chmod after COPY": ("FROM debian\nWORKDIR /app\nCOPY . .\nRUN chmod -R a+rX .\n", "ChownAfterCopy", 4),
    "chown of what lies above": ("FROM debian\nCOPY x /srv/x/\nRUN make; chown --recursive app /srv\n", "ChownAfterCopy", 3),
}


@pytest.mark.parametrize("name", HITS)
def test_it_is_found(name):
    text, rule, line = HITS[name]
    assert found(text) == [(rule, line)]


NEAR = {
    "a pattern of files": "FROM debian\nCOPY package*.json src/*.c /dst/\n",
    "a directory": B + "FROM debian\nCOPY --from=b /src/ /dst/\n",
    "with --parents": "FROM debian\nCOPY --parents src/* /dst/\n",
    "one library": B + "FROM debian\nCOPY --from=b /usr/lib/libz.so.1.3 /usr/lib/\n",
    "absolute": "FROM debian AS b\nWORKDIR /src\nFROM debian\nCOPY --from=b /src/app /app\n",
    "relative to the root": B + "FROM debian\nCOPY --from=b app /app\n",
    "relative in the context": "FROM debian\nWORKDIR /src\nCOPY app /app\n",
    "of an image": "FROM debian\nCOPY --from=busybox:1 bin/x /app\n",
    "env repeated": "FROM debian AS b\nENV A=/x\nFROM debian\nENV A=/x\nCOPY --from=b /x /x\nCMD run $A\n",
    "env of a stage below": "FROM debian AS a\nENV A=/x\nFROM a\nCOPY --from=a /x /x\nCMD run $A\n",
    "env that nobody reads": "FROM debian AS b\nENV A=/x CGO_ENABLED=0\nFROM debian\nCOPY --from=b /x /x\nCMD run $AB\n",
    "path that is not copied": "FROM go AS b\nENV PATH=/usr/local/go/bin:$PATH\nFROM debian\nCOPY --from=b /app /app\n",
    "user repeated": "FROM node AS b\nUSER node\nFROM node\nCOPY --from=b /app /app\nUSER node\n",
    "user that goes back": "FROM node AS b\nUSER node\nUSER root\nFROM node\nCOPY --from=b /app /app\n",
    "owner given": "FROM debian AS b\nRUN chown 5:5 /data\nFROM debian\nCOPY --chown=5:5 --from=b /data /data\n",
    "owner of something else": "FROM debian AS b\nRUN chown 5:5 /data/x\nFROM debian\nCOPY --from=b /data /data\n",
    "root's": "FROM debian AS b\nRUN chown -R root:root /data\nFROM debian\nCOPY --from=b /data /data\n",
    "a name of the base": B + "FROM node\nCOPY --from=b --chown=node:node /x /x\n",
    "a name made here": "FROM debian AS b\nRUN useradd app\nFROM debian\nRUN useradd app\nCOPY --from=b --chown=app /x /x\n",
    "numbers": B + "FROM scratch\nCOPY --from=b --chown=1000:1000 /x /x\n",
    "a copied passwd": B + "FROM scratch\nCOPY --from=b /etc/passwd /etc/\nCOPY --from=b --chown=app /x /x\n",
    "a file below a merged directory": B + "FROM debian\nCOPY --from=b /out/x /bin/x\n",
    "a file into one": B + "FROM debian\nCOPY --from=b /out/x /bin/\n",
    "--link=false": B + "FROM debian\nCOPY --link=false --from=b /out/x /bin/x\n",
    "alpine has no such links": B + "FROM alpine\nCOPY --from=b /out/lib /lib\n",
    "chown before COPY": "FROM debian\nRUN chown -R app /app\nCOPY . /app\n",
    "chown of one": "FROM debian\nCOPY . /app\nRUN chown app /app\n",
    "chown of something else": "FROM debian\nCOPY . /app\nRUN chown -R app /data\n",
    "chown in a build stage": "FROM debian AS b\nCOPY . /app\nRUN chmod -R 755 /app\nFROM debian\nCOPY --from=b /app/x /x\n",
    "nothing at all": "",
    "no stage": "RUN x\n",
    "a stage that nothing needs": "FROM debian AS x\nCOPY src/* /dst/\nFROM debian\n",
}


@pytest.mark.parametrize("name", NEAR)
def test_near_misses(name):
    assert found(NEAR[name]) == []


BUILD = "FROM debian AS b\nFROM debian:bookworm-slim\n"


def test_libraries_with_the_files_it_happened_to():
    text = BUILD + "COPY --from=b /usr/lib/libz.so* /usr/lib/\n"
    history = ("COPY /usr/lib/libz.so* /usr/lib/ # buildkit",)
    whole = {"usr/lib/libz.so": F(b"z" * 900), "usr/lib/libz.so.1": F(b"z" * 900), "usr/lib/libz.so.1.3": F(b"z" * 900)}
    (message,) = messages(made_session({"base": 1}, whole, dockerfile=text, history=history))
    assert message.endswith("libz.so.1, libz.so are 1.8 kB of copies")
    one = {"usr/lib/libz.so.1.3": F(b"z" * 900), "usr/lib/libother.so": F(b"y" * 900)}
    assert messages(made_session({"base": 1}, one, dockerfile=text, history=history)) == []


def test_owner_with_the_files_it_happened_to():
    text = BUILD + "COPY --from=b /data /data\n"
    history = ("COPY /data /data # buildkit",)
    lost = {"data": None, "data/x": F(b"x", uid=7), "data/y": F(b"y", uid=7)}
    (message,) = messages(made_session({"base": 1}, lost, dockerfile=text, history=history))
    assert "/data is root's, though what is in it belongs to others (/data/x, /data/y)" in message
    kept = {"data": None, "data/x": F(b"x"), "data/y": F(b"y")}
    text = text.replace("AS b\n", "AS b\nRUN chown -R 7 /data\n")
    assert messages(made_session({"base": 1}, kept, dockerfile=text, history=history)) == [], "the image clears it"


def test_symlinks_with_those_of_the_image():
    text = BUILD + "COPY --from=b /out /srv/www\n"
    history = ("COPY /out /srv/www # buildkit",)
    linked = made_session({"srv/www": F(link="../var/www"), "var/www": None}, {"var/www/x": 1}, dockerfile=text, history=history)
    (message,) = messages(linked)
    assert message.startswith("CopyThroughSymlink: /srv/www is a symlink to /var/www")
    assert messages(made_session({"srv": None}, {"srv/www/x": 1}, dockerfile=text, history=history)) == []


def test_chown_with_its_bytes():
    text = "FROM debian:bookworm-slim\nCOPY a /app/a\nRUN chown -R 7 /app\n"
    history = ("COPY a /app/a # buildkit", "RUN /bin/sh -c chown -R 7 /app # buildkit")
    twice = made_session({"b": 1}, {"app/a": F(b"a" * 4000)}, {"app/a": F(b"a" * 4000, uid=7)}, dockerfile=text, history=history)
    (message,) = messages(twice)
    assert message.endswith("`chown -R` stores what line 2 copied a second time, whole: 4.0 kB are in the image twice")
    nothing = made_session({"b": 1}, {"app/a": F(b"a" * 4000)}, {"app": None}, dockerfile=text, history=history)
    assert messages(nothing) == []


def test_settings_that_the_image_has():
    text = BUILD.replace("AS b\n", "AS b\nENV A=/x\nUSER app\n") + "COPY --from=b /x /x\nCMD run $A\n"
    history = ("COPY /x /x # buildkit",)
    lost = made_session({"b": 1}, {"x": 1}, dockerfile=text, history=history)
    assert [message.split(":")[0] for message in messages(lost)] == ["UserLostBetweenStages", "EnvLostBetweenStages"]
    config = ImageConfig(env=("A=/x",), user="app")
    assert messages(made_session({"b": 1}, {"x": 1}, dockerfile=text, history=history, config=config)) == []


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("after", [False, True])
def test_no_false_alarm_on_the_demo(project, after):
    session = demo_session(project, after=after)
    session.run(lambda _: None)
    assert messages(session) == []


LINES = st.sampled_from(
    [
        "FROM a AS b",
        "FROM b",
        "FROM scratch AS c",
        "COPY --from=b x y",
        "COPY --from=9 * /",
        "COPY --chown=$X:$Y --link . /bin",
        'COPY ["a*", "/b"]',
        "COPY <<E /x\nE",
        "ADD x",
        "COPY --from=b --chown=: /a/*.so* /lib",
        "RUN chown -R",
        "RUN <<E\nchown -R a /x\nE",
        "ENV A",
        "ENV A=$A B=${A:?x}",
        "USER $NONE",
        "WORKDIR",
        "WORKDIR $X/..",
        'SHELL ["x"]',
        "ONBUILD COPY * /",
        "CMD $A ${B}",
        "\x00\udcff",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=12))
def test_no_text_breaks_it(lines):
    dockerfile = parse("\n".join(lines).encode("utf-8", "surrogateescape"))
    graph = build_graph(dockerfile)
    count = dockerfile.source.count("\n") + 1
    for trap in find_traps(dockerfile, graph):
        assert 1 <= trap.line <= count
        assert trap.rule and trap.hint
