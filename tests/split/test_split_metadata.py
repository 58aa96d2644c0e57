"""Lines of the configuration: built again by a small reader of Dockerfiles, they must give the original's configuration."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.dockerfile.expand import expand
from msbtui.dockerfile.parser import parse
from msbtui.image.model import Healthcheck, ImageConfig
from msbtui.split.metadata import plan_metadata
from msbtui.split.view import env_of

BASE = ImageConfig(env=("PATH=/usr/bin:/bin",), cmd=("bash",))


def lines(
    config: ImageConfig,
    dockerfile: str = "FROM x\n",
    runtime: ImageConfig = BASE,
    before: ImageConfig | None = BASE,
    **more: object,
) -> list[str]:
    instructions = parse(dockerfile).instructions[1:]
    return [line.text for line in plan_metadata(config, before, runtime, instructions, **more).lines]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("config", "dockerfile", "expected"),
    [
        (BASE, "FROM x\n", []),
        (msgspec.structs.replace(BASE, cmd=("a", "b")), 'FROM x\nCMD [ "a",   "b" ]\n', ['CMD [ "a",   "b" ]']),
        (msgspec.structs.replace(BASE, cmd=("/bin/sh", "-c", "a b")), "FROM x\nCMD a b\n", ["CMD a b"]),
        (msgspec.structs.replace(BASE, cmd=("other",)), "FROM x\nCMD a b\n", ['CMD ["other"]']),
        (msgspec.structs.replace(BASE, entrypoint=("e",), cmd=()), 'FROM x\nENTRYPOINT ["e"]\n', ['ENTRYPOINT ["e"]']),
        (msgspec.structs.replace(BASE, cmd=()), "FROM x\n", ["CMD []"]),
        (msgspec.structs.replace(BASE, workdir="/a/b"), "FROM x\nWORKDIR /a\nWORKDIR b\n", ["WORKDIR /a/b"]),
        (msgspec.structs.replace(BASE, workdir="/a"), "FROM x\nWORKDIR /a\n", ["WORKDIR /a"]),
        (msgspec.structs.replace(BASE, user="1000:1000"), "FROM x\nUSER 1000:1000\n", ["USER 1000:1000"]),
        (msgspec.structs.replace(BASE, exposed_ports=("80/tcp", "90/udp")), "FROM x\nEXPOSE 80 90/udp\n", ["EXPOSE 80 90/udp"]),
        (msgspec.structs.replace(BASE, exposed_ports=("80/tcp",)), "FROM x\nARG P=80\nEXPOSE $P\n", ["EXPOSE 80"]),
        (msgspec.structs.replace(BASE, volumes=("/a b",)), "FROM x\n", ['VOLUME ["/a b"]']),
        (msgspec.structs.replace(BASE, stop_signal="SIGINT"), "FROM x\nSTOPSIGNAL SIGINT\n", ["STOPSIGNAL SIGINT"]),
        (msgspec.structs.replace(BASE, shell=("/bin/bash", "-c")), 'FROM x\nSHELL ["/bin/bash", "-c"]\n',
         ['SHELL ["/bin/bash", "-c"]']),
        (msgspec.structs.replace(BASE, healthcheck=Healthcheck(("CMD", "x"), interval=5_000_000_000, retries=2)), "FROM x\n",
         ['HEALTHCHECK --interval=5s --retries=2 CMD ["x"]']),
        (msgspec.structs.replace(BASE, env=(*BASE.env, "A=x y", "B=1")),
         'FROM x\nENV A="x y" \\\n    B=1\n', ['ENV A="x y" \\\n    B=1']),
        (msgspec.structs.replace(BASE, env=("PATH=/opt/bin:/usr/bin:/bin",)), "FROM x\nENV PATH=/opt/bin:$PATH\n",
         ["ENV PATH=/opt/bin:$PATH"]),
        (msgspec.structs.replace(BASE, env=(*BASE.env, "V=7")), "FROM x\nARG V=7\nENV V=$V\n", ["ARG V=7", "ENV V=$V"]),
        (msgspec.structs.replace(BASE, env=(*BASE.env, "V=9")), "FROM x\nARG V=7\nENV V=$V\n", ["ENV V=9"]),
        (msgspec.structs.replace(BASE, env=(*BASE.env, "V=")), "FROM x\nARG V\nARG W\nENV V $V\n", ["ARG V", "ENV V $V"]),
        (msgspec.structs.replace(BASE, env=(*BASE.env, "V=a-1")), "FROM x\nARG A=a\nARG B=$A-1\nARG C=2\nENV V=${B:-x}\n",
         ["ARG A=a", "ARG B=$A-1", "ENV V=${B:-x}"]),
        (msgspec.structs.replace(BASE, env=(*BASE.env, "V=7"), labels={"v": "7"}), "FROM x\nARG V=7\nENV V=$V\nLABEL v=$V\n",
         ["ARG V=7", "ENV V=$V", "LABEL v=$V"]),
        (msgspec.structs.replace(BASE, labels={"v": "7"}), "FROM x\nARG V=7\nLABEL v=$V\n", ["ARG V=7", "LABEL v=$V"]),
        (msgspec.structs.replace(BASE, labels={"a": "b"}), "FROM x\nLABEL a=b\n", ["LABEL a=b"]),
    ],
)  # fmt: skip
def test_lines_for_each_setting(config, dockerfile, expected):
    assert lines(config, dockerfile) == expected


def test_what_the_base_set_for_its_toolchain_goes_and_what_the_author_set_stays():
    before = msgspec.structs.replace(
        BASE,
        env=("PATH=/go/bin:/usr/bin:/bin", "GOPATH=/go", "GOLANG_VERSION=1.22", "LANG=C.UTF-8", "JAVA_HOME=/opt/jdk"),
        labels={"org": "base"},
    )
    config = msgspec.structs.replace(before, env=(*before.env, "GOFLAGS=-v"))
    made = plan_metadata(
        config,
        before,
        BASE,
        parse("FROM x\nENV GOFLAGS=-v\n").instructions[1:],
        needed_folders=["/usr/bin"],
        gone=lambda path: path == "/opt/jdk",
    )
    assert {(item.field, item.name) for item in made.dropped} == {
        ("Env", "PATH"),
        ("Env", "GOPATH"),
        ("Env", "GOLANG_VERSION"),
        ("Env", "JAVA_HOME"),
        ("Labels", "org"),
    }
    assert [line.text for line in made.lines] == ["ENV LANG=C.UTF-8 \\\n    GOFLAGS=-v"]


def test_the_path_stays_where_a_needed_command_is_only_found_through_it():
    before = msgspec.structs.replace(BASE, env=("PATH=/go/bin:/usr/bin:/bin",))
    made = plan_metadata(before, before, BASE, (), needed_folders=["/go/bin"])
    assert [line.text for line in made.lines] == ["ENV PATH=/go/bin:/usr/bin:/bin"]


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True),
        st.text(alphabet="ab \"'$\\{}#=;é", max_size=12),
        min_size=1,
        max_size=4,
    )
)
def test_made_env_lines_give_back_every_value(values):
    config = ImageConfig(env=tuple(f"{name}={value}" for name, value in values.items()))
    text = "\n".join(plan_metadata(config, ImageConfig(), ImageConfig(), ()).of("ENV")[0].text for _ in "x")
    instruction = parse(f"FROM x\n{text}\n").instructions[1]
    read = {}
    for word in instruction.words:
        name, _, value = word.partition("=")
        read[name] = expand(value, {})
    assert read == env_of(config)
