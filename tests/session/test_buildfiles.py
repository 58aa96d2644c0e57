import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.cli import run
from msbtui.cli.options import Named
from msbtui.errors import TargetError
from msbtui.session.buildfiles import build_target
from msbtui.session.buildfiles.bake import read_bake
from msbtui.session.buildfiles.expression import Scope
from msbtui.session.buildfiles.functions import Unresolved

BAKE = r"""
variable "TAG" { default = "latest" }
variable "REPO" {
  default = "example/${TAG}"
}
variable "DEBUG" { default = false }
variable "JOBS" { default = 2 }
function "tag" {
  params = [name]
  result = "${REPO}:${name}"
}
group "default" { targets = ["app", "db"] }
group "all" { targets = ["default", "plain"] }
target "_common" {
  args = { GO = "1.22", X = null, Y = "y" }
  dockerfile = "Dockerfile.common"
}
target "app" {
  inherits = ["_common"]
  dockerfile = "Dockerfile.app"
  target = DEBUG ? "dev" : "prod"
  args = {
    V = "${TAG}-x", N = 3, U = upper(TAG), F = tag("a"), C = join("-", ["a", TAG]), B = TAG == "latest", Y = null
    J = JOBS * 2 + 1, Q = "say \"hi\"", D = "$${TAG}", L = length(split(",", "a,b,c"))
  }
  contexts = { src = "../src", other = "target:plain" }
  platforms = ["linux/amd64", "linux/arm64"]
}
target "db" {
  name = "db-${item.v}-${arch}"
  matrix = {
    item = [{v = "1"}, {v = "2"}]
    arch = ["a", "b"]
  }
  args = { V = item.v }
  dockerfile-inline = <<EOT
FROM a
EOT
}
target "plain" {
  inherits = ["_common"]
  context = "sub"
}
"""
COMPOSE = """
x-args: &args {A: 1, B: true}
services:
  web:
    build: ./web
  api:
    image: api
    build:
      context: api
      dockerfile: Dockerfile.${FLAVOUR:-dev}
      target: ${STAGE-run}
      args: {<<: *args, C: "$${x}", D: "${UNSET}", E: "${HOME_OF:+set}", F: "${EMPTY:-full}", G: "${EMPTY-full}"}
      additional_contexts: ["lib=../lib"]
      platforms: [linux/arm64]
  listed:
    build:
      dockerfile_inline: |
        FROM a
      args: [P=1, FROM_ENV, NOT_THERE]
  db:
    image: postgres
"""


def bake(path, environ=None):
    return read_bake(path.read_bytes(), path, environ or {})


@pytest.fixture
def baked(tmp_path):
    path = tmp_path / "docker-bake.hcl"
    path.write_text(BAKE)
    return path


@pytest.mark.parametrize("environ", [{}, {"TAG": "v2", "DEBUG": "true", "JOBS": "7"}])
def test_bake_says_what_buildx_prints(baked, environ):
    if subprocess.run(["docker", "buildx", "version"], capture_output=True).returncode if shutil.which("docker") else True:
        pytest.skip("docker buildx is not installed")
    command = ["docker", "buildx", "bake", "-f", str(baked), "--print", "all"]
    around = {**os.environ, "BUILDX_CONFIG": str(baked.parent / "state"), **environ}
    shown = subprocess.run(command, cwd=baked.parent, env=around, capture_output=True)
    assert shown.returncode == 0, shown.stderr
    wanted = json.loads(shown.stdout)["target"]
    found, default = bake(baked, environ)
    assert set(wanted) == set(found) - {"_common"}
    assert set(default) == set(wanted) - {"plain"}
    for name, target in wanted.items():
        ours = found[name]
        assert ours.unresolved == ()
        assert ours.args == target.get("args", {})
        assert (ours.context, ours.dockerfile) == (target["context"], target["dockerfile"])
        assert (ours.stage, ours.inline) == (target.get("target"), target.get("dockerfile-inline"))
        assert ours.contexts == target.get("contexts", {})
        assert list(ours.platforms) == target.get("platforms", [])


def test_bake_without_buildx(baked):
    found, default = bake(baked, {"TAG": "v2"})
    assert default == ["app", "db-1-a", "db-1-b", "db-2-a", "db-2-b"]
    app = found["app"]
    assert app.args == {
        "GO": "1.22",
        "Y": "y",
        "V": "v2-x",
        "N": "3",
        "U": "V2",
        "F": "example/v2:a",
        "C": "a-v2",
        "B": "false",
        "J": "5",
        "Q": 'say "hi"',
        "D": "${TAG}",
        "L": "3",
    }
    assert (app.stage, app.dockerfile, app.contexts["src"]) == ("prod", "Dockerfile.app", "../src")
    assert found["db-2-b"].inline == "FROM a\n" and found["db-2-b"].args == {"V": "2"}
    assert found["plain"].path == baked.parent / "sub" / "Dockerfile.common"


def test_bake_json(tmp_path):
    path = tmp_path / "docker-bake.json"
    path.write_text(json.dumps({"variable": {"T": {"default": "x"}}, "target": {"a": {"args": {"V": "${T}"}, "target": "s"}}}))
    target = build_target(str(path), {})
    assert (target.name, target.args, target.stage) == ("a", {"V": "x"}, "s")


def test_what_cannot_be_resolved_is_said_and_never_guessed(tmp_path):
    path = tmp_path / "docker-bake.hcl"
    path.write_text(
        'target "p" { args = { N = "old" } }\n'
        'target "a" {\n inherits = ["p", "gone"]\n args = { N = timestamp(), M = NOPE, O = "ok" }\n target = "x${[1]}"\n}\n'
    )
    target = build_target(f"{path}:a", {})
    assert target.args == {"O": "ok"}
    assert set(target.unresolved) == {
        "inherits: gone",
        "args.N: the function timestamp",
        "args.M: the variable NOPE",
        "target: no text",
    }


def test_compose(tmp_path):
    path = tmp_path / "compose.yaml"
    path.write_text(COMPOSE)
    (tmp_path / ".env").write_text("FLAVOUR=prod # x\nHOME_OF='me'\n")
    web = build_target(f"{path}:web", {})
    assert web.path == tmp_path / "web" / "Dockerfile"
    api = build_target(f"{path}:api", {"STAGE": "", "EMPTY": ""})
    assert (api.dockerfile, api.context, api.stage) == ("Dockerfile.prod", "api", "")
    assert api.args == {"A": "1", "B": "true", "C": "${x}", "D": "", "E": "set", "F": "full", "G": ""}
    assert api.contexts == {"lib": "../lib"} and api.platforms == ("linux/arm64",)
    assert api.unresolved == ("args.D: the variable UNSET is not set",)
    listed = build_target(f"{path}:listed", {"FROM_ENV": "e"})
    assert listed.inline == "FROM a\n" and listed.args == {"P": "1", "FROM_ENV": "e"}


def test_several_are_listed_and_a_wrong_name_too(baked, tmp_path):
    with pytest.raises(TargetError, match="5 targets: name one") as caught:
        build_target(str(baked), {})
    assert "docker-bake.hcl:app" in str(caught.value)
    with pytest.raises(TargetError, match="no target nope"):
        build_target(f"{baked}:nope", {})
    assert build_target(str(tmp_path / "none.hcl"), {}) is None
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    assert build_target(str(tmp_path / "Dockerfile"), {}) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docker-bake.hcl", 'target "a" {'),
        ("docker-bake.json", "[1]"),
        ("docker-bake.json", '{"target": [3]}'),
        ("docker-bake.json", "[" * 100_000),
        ("compose.yaml", "a: [b"),
        ("compose.yaml", "services: 3"),
        ("compose.yaml", "[" * 3000),
        ("compose.yaml", "services: {db: {image: x}}"),
    ],
)
def test_what_is_no_such_file_is_one_clear_line(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(TargetError) as caught:
        build_target(str(tmp_path / name), {})
    assert "\n" not in str(caught.value)


def test_variables_that_need_each_other_end():
    text = b'variable "A" { default = B }\nvariable "B" { default = A }\ntarget "t" { args = { X = A } }\n'
    found, _ = read_bake(text, Path("x.hcl"), {})
    assert found["t"].args == {} and found["t"].unresolved


def read(text, environ=None):
    return read_bake(text.encode(), Path("docker-bake.hcl"), environ or {})


def test_groups_and_targets_that_need_each_other_end():
    groups = (
        'group "default" { targets = ["a", "t"] }\ngroup "a" { targets = ["default", "b", "u"] }\ngroup "b" { targets = ["a"] }\n'
    )
    targets = 'target "t" { inherits = ["u"] }\ntarget "u" {\n inherits = ["t", "v"]\n args = { X = "1" }\n}\n'
    found, default = read(groups + targets + 'target "v" { args = { X = "2", Y = "3" } }\n')
    assert default == ["u", "t"]
    assert found["u"].args == {"X": "1", "Y": "3"}
    assert found["t"].args == {"X": "1", "Y": "3"}
    assert found["v"].unresolved == ()
    assert any(one.startswith("inherits: ") for one in found["u"].unresolved)


def test_what_is_inherited_gives_way_to_what_a_target_says():
    base = (
        'target "a" {\n context = "a"\n target = "one"\n platforms = ["linux/amd64"]\n args = { X = "a", Y = "a", Z = null }\n}\n'
    )
    more = 'target "b" {\n context = "b"\n args = { X = "b", Z = "b" }\n}\n'
    found, _ = read(base + more + 'target "t" {\n inherits = ["a", "b"]\n args = { Y = "t", Z = null }\n}\n')
    target = found["t"]
    assert (target.context, target.stage, target.platforms) == ("b", "one", ("linux/amd64",))
    assert target.args == {"X": "b", "Y": "t", "Z": "b"}
    assert found["a"].args == {"X": "a", "Y": "a"}


@pytest.mark.parametrize(("many", "targets"), [(10, 1000), (11, 0)])
def test_a_matrix_stands_for_so_many_targets_and_no_more(many, targets):
    ones, others = ([str(number) for number in range(count)] for count in (100, many))
    matrix = f"matrix = {{ a = {json.dumps(ones)}, b = {json.dumps(others)} }}"
    found, default = read(f'target "default" {{\n name = "t-${{a}}-${{b}}"\n {matrix}\n args = {{ V = "${{a}}.${{b}}" }}\n}}\n')
    assert len(found) == len(default) == targets
    if targets:
        assert found["t-99-9"].args == {"V": "99.9"}


def test_functions_with_any_number_of_parameters_are_not_known():
    text = (
        'function "f" {\n params = [a]\n variadic_params = more\n result = a\n}\ntarget "t" { args = { X = f("x"), Y = g(1) } }\n'
    )
    found, _ = read('function "g" {\n params = [a, b]\n result = a\n}\n' + text)
    assert found["t"].args == {}
    assert set(found["t"].unresolved) == {"args.X: the function f", "args.Y: g: other arguments"}


def test_a_variable_that_is_not_known_is_so_each_time_and_for_nobody_else():
    found, _ = read('variable "A" { default = timestamp() }\ntarget "t" { args = { X = A, Y = A, Z = "z" } }\n')
    assert found["t"].args == {"Z": "z"}
    assert len(found["t"].unresolved) == 2


def test_a_file_that_cannot_be_parsed_names_the_line(tmp_path):
    path = tmp_path / "docker-bake.hcl"
    path.write_text('target "a" {\n}\ntarget "b" {\n args = = 3\n}\n')
    with pytest.raises(TargetError, match=r"docker-bake\.hcl:4: no bake file"):
        build_target(str(path), {})
    path.write_text('target "a" {')
    with pytest.raises(TargetError) as caught:
        build_target(str(path), {})
    assert ":-1" not in str(caught.value)


@given(st.text(alphabet='${}"ab()[]?:,.+-!&|=1 \\', max_size=25))
def test_any_template_has_a_value_or_is_unresolved(text):
    with suppress(Unresolved):
        Scope(lambda name: name).value(text)


def test_the_graph_of_a_bake_target_and_of_a_service(tmp_path, capsys):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(
        "ARG V=1\nFROM go:$V AS build\nFROM a AS prod\nCOPY --from=build /x /x\nFROM b AS dev\n"
    )
    (tmp_path / "docker-bake.hcl").write_text('target "t" {\n context = "app"\n target = "prod"\n args = { V = "9" }\n}\n')
    (tmp_path / "compose.yaml").write_text("services:\n  s:\n    build: {context: app, target: build, args: {V: 7}}\n")
    assert run(["graph", str(tmp_path / "docker-bake.hcl")]) == 0
    drawn = capsys.readouterr().out
    assert "go:9" in drawn and "◉" in next(line for line in drawn.splitlines() if "1 prod" in line)
    assert run(["graph", f"{tmp_path / 'compose.yaml'}:s", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["target_index"] == 0 and document["stages"][0]["base"] == {"image": "go:7"}


def test_a_folder_with_several_dockerfiles_lists_them(tmp_path, capsys):
    for name in ("Dockerfile.dev", "prod.Dockerfile", "Dockerfile.dockerignore", "Dockerfile.bak"):
        (tmp_path / name).write_text("FROM a\n")
    assert run(["graph", str(tmp_path)]) == 4
    assert "Dockerfile.dev, prod.Dockerfile)" in capsys.readouterr().err
    (tmp_path / "prod.Dockerfile").unlink()
    assert run(["graph", str(tmp_path)]) == 0


def test_a_session_is_opened_on_what_a_build_file_says(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM a AS one\nFROM b AS two\n")
    path = tmp_path / "compose.yaml"
    path.write_text(
        "services:\n  s:\n    build: {context: app, target: one, args: {V: 7, W: 1}}\n"
        "  i:\n    build: {dockerfile_inline: FROM a}\n"
    )
    options = Named(build_args=("W=2",)).options(f"{path}:s")
    assert (options.target, options.stage) == (str(tmp_path / "app" / "Dockerfile"), "one")
    assert options.build_args == {"V": "7", "W": "2"}
    assert Named(stage="two").options(f"{path}:s").stage == "two"
    with pytest.raises(TargetError, match="stands in this file"):
        Named().options(f"{path}:i")
