"""What the author changed of packages' settings and directories is done again where the runtime stage installs them."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, MEGABYTE, D, F, L, P, World, dpkg, elf, toolchain

from msbtui.image.model import ImageConfig

CONFIG = ImageConfig(env=("PATH=/usr/sbin:/usr/local/bin:/usr/bin:/bin",), cmd=("nginx", "-g", "daemon off;"))
APACHE = ImageConfig(env=CONFIG.env, cmd=("apache2ctl", "-D", "FOREGROUND"))
PACKAGES = {
    **DEBIAN_PACKAGES,
    "gcc": P(["usr/bin/gcc"], "devel", manual=True),
    "nginx": P(
        ["usr/sbin/nginx", "etc/nginx", "etc/nginx/nginx.conf", "etc/nginx/sites-enabled", "etc/nginx/sites-available",
         "var/log/nginx", "var/lib/nginx"],
        manual=True,
    ),
    "apache2": P(["usr/sbin/apache2ctl", "etc/apache2", "etc/apache2/mods-enabled", "etc/apache2/mods-available"], manual=True),
}  # fmt: skip
INSTALLED = {
    "usr/bin/gcc": elf("libc.so.6", size=90 * MEGABYTE),
    "usr/sbin/nginx": elf("libc.so.6"),
    "usr/sbin/apache2ctl": elf("libc.so.6"),
    "etc/nginx": D(),
    "etc/nginx/nginx.conf": F("user www-data;"),
    "etc/nginx/sites-enabled": D(),
    "etc/nginx/sites-available": D(),
    "etc/apache2": D(),
    "etc/apache2/mods-enabled": D(),
    "etc/apache2/mods-available": D(),
    "var/log/nginx": D(0o755, 33, 4),
    "var/lib/nginx": D(0o755, 0, 0),
    **dpkg(PACKAGES),
}


def runtime(more: str, files: dict | None = None, layers: list | None = None, config: ImageConfig = CONFIG) -> str:
    """Give the runtime stage where the RUN that installs goes on with `more` and makes `files`."""
    run = f"apt-get update && apt-get install -y gcc nginx apache2 && {more}"
    every = [(f"RUN /bin/sh -c {run} # buildkit", {**INSTALLED, **(files or {})}), *(layers or [])]
    text = f"FROM debian:bookworm\nRUN {run}\n" + "RUN x\n" * len(layers or []) + f"CMD {list(config.cmd)}\n".replace("'", '"')
    return World(text, every, config=config).runtime()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("rm -f /etc/nginx/sites-enabled/default", "RUN rm -rf /etc/nginx/sites-enabled/default\n"),
        ("rm /etc/nginx/sites-enabled/*", "RUN rm -rf /etc/nginx/sites-enabled/*\n"),
        ("unlink /etc/nginx/sites-enabled/default", "RUN rm -rf /etc/nginx/sites-enabled/default\n"),
        ("a2enmod rewrite headers && a2dissite 000-default", "RUN a2enmod rewrite headers \\\n    && a2dissite 000-default\n"),
    ],
)
def test_settings_that_a_run_changes_are_changed_again(more, said):
    assert said in runtime(more, config=APACHE if "a2" in more else CONFIG)


@pytest.mark.parametrize(
    "more",
    [
        "rm -rf /var/lib/apt/lists/*",
        "rm -f /etc/nginx/nginx.conf.old/x",
        "rm -f /etc/other/thing",
        "rm -f /etc/nginx/nginx.conf",
        "a2enmod $MODULES",
        "rm -rf $HOME/x",
    ],
    ids=["lists", "no such directory", "of nobody", "it is there again", "a variable", "a variable in a path"],
)
def test_what_says_nothing_of_packages_settings_is_not_repeated(more):
    found = runtime(more)
    assert "RUN rm " not in found
    assert "a2enmod" not in found


def test_links_that_a_repeated_command_makes_are_not_made_twice():
    link = {"etc/apache2/mods-enabled/rewrite.load": L("../mods-available/rewrite.load")}
    later = [("RUN /bin/sh -c a2enmod rewrite # buildkit", link)]
    found = runtime("true", layers=later, config=APACHE)
    assert "RUN a2enmod rewrite\n" in found
    assert "rewrite.load" not in found


def test_log_files_that_lead_to_the_terminal_stay():
    found = runtime("ln -sf /dev/stdout /var/log/nginx/access.log", {"var/log/nginx/access.log": L("/dev/stdout")})
    assert "ln -sfn /dev/stdout /var/log/nginx/access.log" in found


def test_directories_of_packages_that_were_given_away_are_given_away_again():
    files = {"var/log/nginx": D(0o755, 1001, 1001), "var/lib/nginx": D(0o755, 1001, 1001)}
    found = runtime("chown -R 1001 /var/log/nginx /var/lib/nginx", files)
    assert "install -d -o 1001 -g 1001 -m 0755 /var/lib/nginx /var/log/nginx" in found


def test_directories_as_the_package_makes_them_are_left_to_it():
    assert "install -d" not in runtime("true")


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("mkdir -p /var/log/app && chown 1001 /var/log/app", "var/log/app"),
        ("mkdir -p /run/{a,app}", "run/app"),
        ("install -d -o 1001 /var/cache/app", "var/cache/app"),
        ("mkdir -m 700 /tmp/app", "tmp/app"),
    ],
)
def test_directories_that_a_program_writes_to_are_made(more, path):
    found = runtime(more, {path: D(0o750, 1001, 1001)})
    assert f"install -d -o 1001 -g 1001 -m 0750 /{path}" in found


def test_directories_that_nothing_names_are_not_made():
    found = runtime("true", {"var/cache/thing": D(0o750, 1001, 1001), "tmp/build": D()})
    assert "install -d" not in found


def test_compiled_locales_are_copied_and_their_sources_stay_behind():
    packages = {**PACKAGES, "locales": P(["usr/sbin/locale-gen", "usr/share/i18n"], manual=True)}
    files = {
        **toolchain(),
        "usr/sbin/locale-gen": F("#!/bin/sh\n", mode=0o755),
        "usr/lib/locale/locale-archive": F("archive"),
        **dpkg(packages),
    }
    config = ImageConfig(env=(*CONFIG.env, "LANG=en_US.UTF-8"), cmd=CONFIG.cmd)
    run = "apt-get update && apt-get install -y gcc nginx locales && locale-gen"
    text = f'FROM debian:bookworm\nENV LANG=en_US.UTF-8\nRUN {run}\nCMD ["nginx", "-g", "daemon off;"]\n'
    found = World(text, [(f"RUN /bin/sh -c {run} # buildkit", {**INSTALLED, **files})], config=config).runtime()
    assert "COPY --from=build /usr/lib/locale/locale-archive /usr/lib/locale/locale-archive\n" in found
    assert "        locales" not in found


def test_a_package_users_number_stays_where_it_owns_what_is_copied():
    passwd = DEBIAN["etc/passwd"].text + "cached:x:104:33::/var/lib/cached:/bin/false\n"  # type: ignore[union-attr]
    own = {"etc/passwd": F(passwd), "srv/data/1": F("x", uid=104, gid=33), "srv/data/2": F("y", uid=104, gid=33)}
    found = runtime("true", own)
    assert "useradd --system --uid 104 --gid 33 --home-dir /var/lib/cached --no-create-home --shell /bin/false cached" in found
    del own["srv/data/1"], own["srv/data/2"]
    assert "useradd" not in runtime("true", own)


def test_settings_of_another_kind_with_the_same_name_stay():
    files = {"etc/php/8.2/apache2/conf.d/99-app.ini": F("memory_limit = 1M"), "etc/apache2/sites-enabled/app.conf": L("../x")}
    layers = [("COPY app.ini /etc/php/8.2/apache2/conf.d/99-app.ini # buildkit", files), ("RUN /bin/sh -c a2ensite app", {})]
    found = runtime("true", layers=layers, config=APACHE)
    assert "COPY --from=build /etc/php/8.2/apache2/conf.d/99-app.ini /etc/php/8.2/apache2/conf.d/99-app.ini\n" in found
    assert "RUN a2ensite app\n" in found
