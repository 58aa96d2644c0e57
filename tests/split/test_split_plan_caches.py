"""Caches that are none: what runs although it lies in a cache, and package managers that nothing calls."""

from __future__ import annotations

import pytest
from split_world import MEGABYTE, F, L, World, elf, toolchain

from msbtui.image.model import ImageConfig

NODE = {
    "usr/local/bin/node": elf("libc.so.6", size=9 * MEGABYTE),
    "opt/sdk/big": F(size=40 * MEGABYTE),
}
CONFIG = ImageConfig(env=("PATH=/usr/local/bin:/usr/bin:/bin",), cmd=("node", "/srv/app/main.js"), workdir="/srv/app")
TEXT = 'FROM debian:bookworm\nWORKDIR /srv/app\nRUN build\nCOPY . .\nCMD ["node", "/srv/app/main.js"]\n'


def kept(files: dict, config: ImageConfig = CONFIG, text: str = TEXT) -> set[str]:
    layers = [
        ("RUN /bin/sh -c apt-get update && apt-get install -y gcc make # buildkit", toolchain()),
        ("RUN /bin/sh -c build # buildkit", {**NODE, **files}),
        ("COPY . . # buildkit", {"srv/app/main.js": F("require('x')")}),
    ]
    plan = World(text, layers, config=config).plan()
    assert plan.decision == "split", plan.reasons
    return set(plan.kept)


@pytest.mark.parametrize(
    "path",
    [
        "root/.cache/huggingface/model.bin",
        "root/.cache/some-models/weights.bin",
        "root/.cache/node/corepack/v1/pnpm/9.0.0/bin/pnpm.cjs",
        "root/.cache/ms-playwright/chromium/chrome",
        "root/.cache/pypoetry/virtualenvs/x-py3.11/lib/python3.11/site-packages/y.py",
        "root/.npm/_npx/1234/node_modules/serve/main.js",
        "home/app/.local/share/virtualenvs/app-1/lib/x.py",
    ],
)
def test_what_an_application_may_have_downloaded_stays(path):
    assert path in kept({path: F(size=1000)})


@pytest.mark.parametrize(
    "path",
    [
        "root/.cache/pip/http/1",
        "root/.cache/uv/archive/1",
        "root/.cache/pypoetry/artifacts/1",
        "root/.cache/yarn/v6/1",
        "root/.npm/_cacache/1",
        "srv/app/.next/cache/webpack/0.pack",
        "srv/app/node_modules/.cache/babel/1.json",
        "srv/app/.mypy_cache/3.11/x.json",
    ],
)
def test_what_makes_the_next_build_faster_goes(path):
    assert path not in kept({path: F(size=3 * MEGABYTE)})


def test_yarns_cache_stays_where_packages_are_loaded_from_it():
    cache = {"srv/app/.yarn/cache/koa.zip": F(size=1000)}
    assert "srv/app/.yarn/cache/koa.zip" not in kept(cache)
    assert "srv/app/.yarn/cache/koa.zip" in kept({**cache, "srv/app/.pnp.cjs": F("pnp")})


MANAGERS = {
    "usr/local/bin/uv": elf("libc.so.6", size=30 * MEGABYTE),
    "opt/poetry/bin/poetry": F("#!/opt/poetry/bin/python\n", mode=0o755),
    "opt/poetry/bin/python": L("/usr/local/bin/node"),
    "usr/local/bin/poetry": L("/opt/poetry/bin/poetry"),
}


def test_package_managers_that_nothing_calls_go():
    assert not kept(MANAGERS) & set(MANAGERS)


def test_a_package_manager_that_starts_the_application_stays():
    config = ImageConfig(env=CONFIG.env, cmd=("uv", "run", "/srv/app/main.js"), workdir="/srv/app")
    found = kept(MANAGERS, config, TEXT.replace('"node", ', '"uv", "run", '))
    assert "usr/local/bin/uv" in found
    assert "opt/poetry/bin/poetry" not in found


def test_caches_and_history_inside_the_application_go_before_it_is_copied_whole():
    files = {
        "srv/app/.next/cache/webpack/0.pack": F(size=30 * MEGABYTE),
        "srv/app/.next/server/page.js": F("page"),
        "srv/app/.git/objects/pack/1.pack": F(size=5 * MEGABYTE),
        "srv/app/.git/HEAD": F("ref"),
        "srv/app/lib/x.js": F("x"),
    }
    layers = [
        ("RUN /bin/sh -c apt-get update && apt-get install -y gcc make # buildkit", toolchain()),
        ("RUN /bin/sh -c build # buildkit", {**NODE, **files}),
        ("COPY . . # buildkit", {"srv/app/main.js": F("require('x')")}),
    ]
    plan = World(TEXT, layers, config=CONFIG).plan()
    assert (
        "# caches and histories go before anything is copied\nFROM build AS production\nRUN rm -rf .git .next/cache\n"
        in plan.dockerfile
    )
    assert "COPY --from=production /srv/app /srv/app\n" in plan.dockerfile
    assert "srv/app/.next/server/page.js" in plan.kept
    assert not any(".git/" in path or "/cache/" in path for path in plan.kept)


def test_a_small_cache_is_not_worth_a_stage():
    layers = [
        ("RUN /bin/sh -c apt-get update && apt-get install -y gcc make # buildkit", toolchain()),
        ("RUN /bin/sh -c build # buildkit", {**NODE, "srv/app/.next/cache/1": F(size=1000), "srv/app/a.js": F("a")}),
        ("COPY . . # buildkit", {"srv/app/main.js": F("require('x')")}),
    ]
    plan = World(TEXT, layers, config=CONFIG).plan()
    assert "production" not in plan.dockerfile
