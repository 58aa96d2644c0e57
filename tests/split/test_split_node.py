"""Plans for Node applications: development packages go in a stage between, unless the code requires them."""

from __future__ import annotations

import json

import pytest
from split_world import DEBIAN, MEGABYTE, PATH, D, F, L, World, elf, script

from msbtui.image.model import ImageConfig

BASE = {
    **DEBIAN,
    "usr/local/bin/node": elf("libc.so.6", size=90 * MEGABYTE),
    "usr/local/lib/node_modules/npm/bin/npm-cli.js": script("#!/usr/bin/env node\n"),
    "usr/local/lib/node_modules/npm/package.json": F("{}"),
    "usr/local/bin/npm": L("../lib/node_modules/npm/bin/npm-cli.js"),
}
TEXT = 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD ["npm", "start"]\n'


def package(name: str, size: int = 1000, **fields: object) -> dict[str, F]:
    place = f"app/node_modules/{name}"
    return {f"{place}/package.json": F(json.dumps({"name": name, **fields})), f"{place}/index.js": F(f"{name}", size=size)}


def world(
    code: str,
    *,
    lock: bool = True,
    manifest: dict[str, object] | None = None,
    more: dict[str, object] | None = None,
    cmd: tuple[str, ...] = ("npm", "start"),
    user: str = "",
    installs: str = "npm install",
) -> World:
    about = {
        "scripts": {"start": "node dist/server.js"},
        "dependencies": {"express": "4"},
        "devDependencies": {"eslint": "8", "morgan": "1"},
        **(manifest or {}),
    }
    made: dict[str, object] = {
        "app/package.json": F(json.dumps(about)),
        "app/dist/server.js": F(code),
        **package("express", dependencies={"qs": "1"}),
        **package("qs"),
        **package("eslint", 40 * MEGABYTE),
        **package("morgan", dependencies={"depd": "1"}),
        **package("depd"),
        "app/node_modules/eslint/bin/eslint.js": script("#!/usr/bin/env node\n"),
        "app/node_modules/.bin/eslint": L("../eslint/bin/eslint.js"),
        **(more or {}),
    }
    if lock:
        names = ["express", "qs", "eslint", "morgan", "depd"]
        packages = {
            f"node_modules/{name}": {"version": "1", **({"dev": True} if name in ("eslint", "morgan", "depd") else {})}
            for name in names
        }
        made["app/node_modules/.package-lock.json"] = F(json.dumps({"lockfileVersion": 3, "packages": packages}))
    config = ImageConfig(env=(PATH,), cmd=cmd, workdir="/app", user=user)
    text = TEXT.replace("npm install", installs)
    return World(text, [(f"RUN /bin/sh -c {installs} # buildkit", made)], config, base=BASE)  # type: ignore[list-item]


def test_npm_overlooks_what_it_overlooked_when_it_installed():
    installs = "npm config set fund false && npm i --legacy-peer-deps && npm run build -f"
    plan = world("const express = require('express')", installs=installs).plan()
    assert "\nRUN npm prune --omit=dev --ignore-scripts --legacy-peer-deps\n" in plan.dockerfile
    plan = world("const express = require('express')", installs="npm ci -f").plan()
    assert "\nRUN npm prune --omit=dev --ignore-scripts --force\n" in plan.dockerfile


def test_development_packages_go_in_a_stage_between():
    plan = world("const express = require('express')").plan()
    assert (
        plan.dockerfile
        == TEXT.replace("node:20", "node:20 AS build", 1)
        + """
# development packages go before anything is copied
FROM build AS production
RUN npm prune --omit=dev --ignore-scripts

# runtime stage: only what runs; compilers, sources and caches stay in the stage above
FROM node:20-slim

WORKDIR /app

COPY --from=production /app /app

CMD ["npm", "start"]
"""
    )
    assert "app/node_modules/express/index.js" in plan.kept
    assert "app/node_modules/eslint/index.js" not in plan.kept
    assert "app/node_modules/.bin/eslint" not in plan.kept
    assert "app/node_modules/.package-lock.json" not in plan.kept  # npm writes it anew
    assert any("development packages" in item.what and item.bytes > 40 * MEGABYTE for item in plan.left_out)


def test_a_development_package_that_the_code_requires_comes_from_the_first_stage_with_what_it_needs():
    for code in ("require('morgan')", "import m from 'morgan/lib'", 'const {x} = await import("morgan")', "require('./log')"):
        runtime = world(code, more={"app/dist/log.js": F("module.exports = require('morgan')")}).runtime()
        assert "COPY --from=build /app/node_modules/morgan /app/node_modules/morgan\n" in runtime, code
        assert "COPY --from=build /app/node_modules/depd /app/node_modules/depd\n" in runtime
        assert "eslint" not in runtime


def test_code_that_is_not_reached_does_not_count_unless_names_are_made_at_run_time():
    seed = {"app/dist/seed.js": F("require('morgan')")}
    assert "morgan" not in world("require('express')", more=seed).runtime()
    assert "morgan" in world("require('./' + name)", more=seed).runtime()


def test_nothing_is_pruned_where_the_start_translates_by_itself_or_nothing_tells():
    for one in (
        world("x", manifest={"scripts": {"start": "ts-node src/a.ts"}}),
        world("x", manifest={"scripts": {"start": "node -r @babel/register dist/server.js"}}),
        world("x", manifest={"workspaces": ["a"]}, lock=False),
        world("x", lock=False),
    ):
        plan = one.plan()
        assert "production" not in plan.dockerfile


def test_yarn_prunes_by_installing_again_but_not_past_hooks():
    files = {"app/node_modules/.yarn-integrity": F("{}"), "app/yarn.lock": F("express@4:\n")}
    plan = world("require('express')", lock=False, more=files).plan()
    assert "RUN yarn install --production --frozen-lockfile --prefer-offline --non-interactive\n" in plan.dockerfile
    assert "app/node_modules/qs/index.js" in plan.kept
    assert "app/node_modules/depd/index.js" not in plan.kept
    hooks = {"scripts": {"start": "node dist/server.js", "prepare": "build"}}
    assert "production" not in world("require('express')", lock=False, more=files, manifest=hooks).plan().dockerfile


def test_pruning_runs_as_root_and_where_the_application_is():
    plan = world("x", user="www-data").plan()
    assert "FROM build AS production\nUSER root\nRUN npm prune" in plan.dockerfile
    deep = world("x", cmd=("node", "/app/dist/server.js"))
    deep.config = ImageConfig(env=(PATH,), cmd=("node", "/app/dist/server.js"), workdir="/")
    assert "RUN cd /app && npm prune --omit=dev" in deep.plan().dockerfile


def test_global_tools_that_only_building_called_stay_behind_with_their_links():
    tools = {
        "usr/local/lib/node_modules/typescript/bin/tsc": script("#!/usr/bin/env node\n"),
        "usr/local/bin/tsc": L("../lib/node_modules/typescript/bin/tsc"),
        "usr/local/lib/node_modules/@scope/cli/run.js": script("#!/usr/bin/env node\n"),
        "usr/local/bin/cli": L("../lib/node_modules/@scope/cli/run.js"),
        "usr/local/lib/node_modules": D(),
    }
    plan = world("x", more=tools, manifest={"scripts": {"start": "cli --port 1"}}).plan()
    assert "usr/local/lib/node_modules/@scope/cli/run.js" in plan.kept
    assert not any("tsc" in path for path in plan.kept)


def test_the_whole_tree_is_kept_on_the_safer_rungs():
    plan = world("x").plan(rung="trees")
    assert "production" not in plan.dockerfile
    assert "app/node_modules/eslint/index.js" in plan.kept or plan.decision != "split"


def test_nothing_is_pruned_after_a_check_missed_a_development_package():
    plan = world("x").plan(extra_paths=("app/node_modules/depd",))
    assert "production" not in plan.dockerfile
    assert "app/node_modules/depd/index.js" in plan.kept


def workspaces(start: str) -> World:
    """Give an application of two workspaces, of which one is the server and needs the other."""
    root = {"workspaces": ["packages/*"], "scripts": {"start": start}, "devDependencies": {"eslint": "8"}, "dependencies": {}}
    server = {"scripts": {"start": "node dist/main.js", "own": "ts-node x"}, "dependencies": {"express": "4", "shared": "1"}}
    packages = {
        "node_modules/express": {"version": "1"},
        "node_modules/qs": {"version": "1"},
        "node_modules/eslint": {"version": "1", "dev": True},
        "node_modules/morgan": {"version": "1", "dev": True},
        "node_modules/depd": {"version": "1", "dev": True},
        "node_modules/server": {"resolved": "packages/server", "link": True},
        "node_modules/shared": {"resolved": "packages/shared", "link": True},
        "packages/server": {"version": "1"},
    }
    more = {
        "app/packages/server/package.json": F(json.dumps(server)),
        "app/packages/server/dist/main.js": F("require('express'); require('shared')"),
        "app/packages/shared/package.json": F("{}" if start == "" else json.dumps({"name": "shared"})),
        "app/packages/shared/index.js": F("x"),
        "app/node_modules/server": L("../packages/server"),
        "app/node_modules/shared": L("../packages/shared"),
        "app/node_modules/.package-lock.json": F(json.dumps({"lockfileVersion": 3, "packages": packages})),
    }
    return world("x", manifest=root, more=more)


def test_workspaces_keep_what_each_of_them_depends_on():
    for start in ("npm start -w server", "yarn workspace server start", "npm --prefix packages/server start"):
        plan = workspaces(start).plan()
        assert "RUN npm prune --omit=dev --ignore-scripts\n" in plan.dockerfile, start
        kept = set(plan.kept)
        assert {"app/node_modules/express/index.js", "app/node_modules/server", "app/packages/shared/index.js"} <= kept
        assert "app/node_modules/eslint/index.js" not in kept


def test_a_workspaces_own_script_is_followed_where_it_runs():
    assert "production" not in workspaces("npm run own --workspace=server").plan().dockerfile


def pnpm(code: str, more: dict | None = None) -> World:
    """Give an application whose packages pnpm links."""
    store = "app/node_modules/.pnpm"

    def stored(name: str, size: int = 1000, **needs: str) -> dict[str, object]:
        place = f"{store}/{name}@1/node_modules"
        facts = {"name": name, "dependencies": needs, "bin": {name: "index.js"} if name == "eslint" else "index.js"}
        links = {f"{place}/{other}": L(f"../../{other}@1/node_modules/{other}") for other in needs}
        return {f"{place}/{name}/package.json": F(json.dumps(facts)), f"{place}/{name}/index.js": F(name, size=size), **links}

    made: dict[str, object] = {
        "app/package.json": F(json.dumps({"dependencies": {"express": "4"}, "devDependencies": {"eslint": "8"}})),
        "app/pnpm-lock.yaml": F("lockfileVersion: 9"),
        "app/dist/server.js": F(code),
        "usr/local/bin/pnpm": script("#!/usr/bin/env node\n"),
        **stored("express", qs="1"),
        **stored("qs"),
        **stored("eslint", 40 * MEGABYTE, debug="1"),
        **stored("debug"),
        "app/node_modules/.bin/eslint": script("#!/bin/sh\n"),
        "app/node_modules/.bin/express": script("#!/bin/sh\n"),
        "app/node_modules/express": L(".pnpm/express@1/node_modules/express"),
        "app/node_modules/eslint": L(".pnpm/eslint@1/node_modules/eslint"),
        f"{store}/node_modules/debug": L("../debug@1/node_modules/debug"),
        f"{store}/node_modules/qs": L("../qs@1/node_modules/qs"),
        f"{store}/lock.yaml": F("x"),
        **(more or {}),
    }
    config = ImageConfig(env=(PATH,), cmd=("node", "dist/server.js"), workdir="/app")
    text = TEXT.replace('"npm", "start"', '"node", "dist/server.js"')
    return World(text, [("RUN /bin/sh -c pnpm install # buildkit", made)], config, base=BASE)  # type: ignore[list-item]


def test_pnpm_takes_its_own_development_packages_away():
    plan = pnpm("require('express')").plan()
    assert "RUN CI=true pnpm prune --prod --ignore-scripts && find node_modules -type l " in plan.dockerfile
    kept = "\n".join(plan.kept)
    assert "/qs@1/node_modules/qs/index.js" in kept
    assert ".pnpm/node_modules/qs" in kept
    assert "app/node_modules/.bin/express" in kept
    for gone in ("eslint", "debug@1", ".pnpm/node_modules/debug"):
        assert gone not in kept


def test_pnpm_takes_nothing_away_that_the_code_requires_and_nothing_from_a_workspace():
    assert "pnpm prune" not in pnpm("require('eslint')").plan().dockerfile
    assert "pnpm prune" not in pnpm("x", {"app/pnpm-workspace.yaml": F("packages: []")}).plan().dockerfile


ODD = (5, True, None, "x", [], [5], ["a"], {}, {"a": 5}, {"a": None}, {"a": ["x"]}, {"a": {"b": 1}}, 1e308)
FIELDS = (
    "devDependencies",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "scripts",
    "workspaces",
    "bin",
    "main",
    "name",
)


@pytest.mark.parametrize("field", FIELDS)
def test_fields_of_another_kind_end_no_plan(field):
    for value in ODD:
        assert world("require('express')", manifest={field: value}).plan().decision in ("split", "refused", "none"), value
        fields = {"app/node_modules/express/package.json": F(json.dumps({"name": "express", field: value}))}
        assert world("require('express')", more=fields).plan().decision == "split", value


def test_locks_of_another_kind_take_nothing_away():
    for value in ODD:
        for packages in (value, {"node_modules/eslint": value, "a": {"link": True, "resolved": value}}):
            lock = {"app/node_modules/.package-lock.json": F(json.dumps({"packages": packages}))}
            for manifest in ({}, {"workspaces": ["a"]}):
                plan = world("require('express')", lock=False, manifest=manifest, more=lock).plan()
                assert "production" not in plan.dockerfile, packages


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "\udc80", "", "null"])
def test_manifests_that_cannot_be_read_take_nothing_away(text):
    made = F(text.encode("utf-8", "surrogateescape"))
    for path in ("app/package.json", "app/node_modules/express/package.json", "app/node_modules/.package-lock.json"):
        for cmd in (("node", "dist/server.js"), ("npm", "start")):
            lock = not path.endswith("lock.json")
            plan = world("require('express')", lock=lock, more={path: made}, cmd=cmd).plan()
            assert path.endswith("express/package.json") or "production" not in plan.dockerfile


def test_a_workspace_elsewhere_is_none_of_the_application():
    packages = {
        "node_modules/eslint": {"dev": True},
        "a": {"resolved": "../other", "link": True},
        "b": {"resolved": "packages/none", "link": True},
        "c": {"resolved": "packages/not-linked"},
    }
    develops = F(json.dumps({"dependencies": {"eslint": "8"}}))
    more = {
        "app/node_modules/.package-lock.json": F(json.dumps({"packages": packages})),
        "other/package.json": develops,
        "app/packages/not-linked/package.json": develops,
    }
    plan = world("require('express')", lock=False, manifest={"workspaces": ["packages/*"]}, more=more).plan()
    assert "RUN npm prune" in plan.dockerfile
    assert "node_modules/eslint" not in plan.dockerfile
