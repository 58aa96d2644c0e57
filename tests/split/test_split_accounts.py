"""Which users and groups are made again, and the commands that make them."""

from __future__ import annotations

import shlex

import pytest
from split_world import DEBIAN, D, F, view

from msbtui.image.model import ImageConfig
from msbtui.split.accounts import Account, Accounts, account_commands, new_accounts

USERS = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/bin/false\n"
GROUPS = "root:x:0:\nstaff:x:50:\nwww-data:x:33:\n"
APP = "app:x:1000:1000::/home/app:/bin/sh\n"


def found(users: str = APP, groups: str = "app:x:1000:\n", said: str = "", user: str = "", *, runtime=None, base=DEBIAN,
          base_layers: int = 1, **more) -> Accounts:  # fmt: skip
    """Give the accounts of an image whose second layer adds these lines."""
    also, copied = more.pop("also", ()), more.pop("copied", ())
    made = {"etc/passwd": F(USERS + users), "etc/group": F(GROUPS + groups), **more.pop("made", {})}
    assert not more
    return new_accounts(view([("", base), (said, made)], ImageConfig(user=user), base_layers), runtime, also, copied)


def names(accounts: Accounts) -> tuple[list[str], list[str]]:
    return [user.name for user in accounts.users], sorted(accounts.groups)


def test_nobody_is_made_again_without_a_reason() -> None:
    accounts = found()
    assert not accounts
    assert names(accounts) == ([], [])


@pytest.mark.parametrize(
    "said",
    [
        "RUN useradd app",
        "RUN adduser -D app && make",
        "RUN x && addgroup g && adduser app:app x",
        "RUN echo app:x >> /etc/passwd",
    ],
)
def test_an_author_makes_accounts_by_name(said: str) -> None:
    accounts = found(said=said)
    assert names(accounts) == (["app"], ["app"])
    assert accounts.users == [Account("app", 1000, 1000, "", "/home/app", "/bin/sh")]
    assert accounts.groups == {"app": 1000}


@pytest.mark.parametrize("said", ["RUN useradd application", "RUN make app", "RUN adduser x && make app"])
def test_a_name_elsewhere_makes_no_account(said: str) -> None:
    assert not found(said=said)


def test_what_the_base_said_is_not_the_authors() -> None:
    made = {"etc/passwd": F(USERS + APP), "etc/group": F(GROUPS)}
    assert not new_accounts(view([("RUN useradd app", DEBIAN), ("RUN make", made)], ImageConfig()), None)
    assert new_accounts(view([("RUN useradd app", DEBIAN), ("RUN useradd app", made)], ImageConfig()), None)


def test_users_that_the_image_runs_as_or_that_a_check_asks_for() -> None:
    assert names(found(user="app")) == (["app"], ["app"])
    assert names(found(user="1000")) == (["app"], ["app"])
    assert names(found(user="100")) == ([], [])
    assert names(found(also=("app",))) == (["app"], ["app"])
    two = "app:x:1000:\nmine:x:1001:\n"
    assert names(found(groups=two, user="app:mine")) == (["app"], ["app", "mine"])
    assert names(found(groups=two, also=("mine",))) == ([], ["mine"])
    assert names(found(groups=two, said="RUN groupadd mine")) == ([], ["mine"])
    assert names(found(user="www-data:staff")) == ([], [])


def test_who_owns_what_is_copied_keeps_the_number_unless_it_is_the_same_everywhere() -> None:
    users = "low:x:99:33::/:/bin/sh\nfirst:x:100:33::/:/bin/sh\nother:x:101:33::/:/bin/sh\n"
    files = {"srv/a": F("", uid=99), "srv/b": F("", uid=100), "srv/c": F("", uid=0), "srv/d": F("", uid=101)}
    assert names(found(users, "", made=files, copied=("srv/a", "srv/b", "srv/c"))) == (["first"], [])
    assert not found(users, "", made=files)


def test_what_the_runtime_stage_has_is_not_made_again() -> None:
    small = {**DEBIAN, "etc/passwd": F(USERS + APP), "etc/group": F(GROUPS + "app:x:1000:\n")}
    assert names(found(user="app", runtime=view([("", small)]))) == ([], [])
    assert names(found(user="app", base=small)) == ([], [])
    bare = {path: item for path, item in DEBIAN.items() if path not in ("etc/passwd", "etc/group")}
    everyone = (["root", "www-data", "app"], ["app", "root", "www-data"])
    said = "RUN useradd root www-data app"
    for accounts in (found(said=said, runtime=view([("", bare)])), found(said=said, base=bare), found(said=said, base_layers=0)):
        assert names(accounts) == everyone
    # the runtime stage counts, not the base of the original
    assert names(found(user="app", base=small, runtime=view([("", DEBIAN)]))) == (["app"], ["app"])


def test_a_home_is_made_where_the_author_has_one() -> None:
    home = {"home/app": D()}
    assert found(said="RUN useradd app", made=home).homes == {"app"}
    assert found(said="RUN useradd app").homes == set()
    assert found("app:x:1000:33::/home:/bin/sh\n", said="RUN useradd app").homes == set()
    assert found("app:x:1000:33::/:/bin/sh\n", said="RUN useradd app", base_layers=0).homes == set()
    owned = {**home, "srv/a": F("", uid=1000)}
    accounts = found(made=owned, copied=("srv/a",))
    assert (names(accounts), accounts.homes) == ((["app"], ["app"]), set())


def test_members_are_those_that_are_made_again() -> None:
    accounts = found(APP, "app:x:1000:\nmine:x:1001:app,www-data,\nstaff:x:50:app\nleft:x:9:app\n", said="RUN useradd app mine")
    assert accounts.members == {"mine": ["app"], "staff": ["app"]}


@pytest.mark.parametrize("number", ["²", "٣", "-1", "x", "", "9" * 5000])
def test_a_number_that_is_none_makes_no_account(number: str) -> None:
    said = "RUN useradd app mine"
    assert names(found(f"app:x:{number}:1::/:/bin/sh\n", f"mine:x:{number}:\n", said)) == ([], [])
    assert names(found(f"app:x:1:{number}::/:/bin/sh\n", "", said)) == ([], [])
    assert names(found("app:x:1:1:/:/bin/sh\n", "mine:x:1\n", said)) == ([], [])


def test_the_commands_that_make_them() -> None:
    accounts = Accounts(
        [Account("b", 1000, 1001, "", "", ""), Account("a b", 999, 33, "", "/srv", "/bin/false")],
        {"g h": 1001, "system": 998},
        {"system": ["a b", "b"], "g h": ["b", "a b"]},
        {33: "www-data", 998: "other"},
        {"b"},
    )
    assert account_commands(accounts, alpine=False) == [
        "groupadd --system --gid 998 system",
        "groupadd --gid 1001 'g h'",
        "useradd --system --uid 999 --gid 33 --home-dir /srv --no-create-home --shell /bin/false 'a b'",
        "useradd --uid 1000 --gid 'g h' --home-dir / --create-home --shell /bin/sh b",
        "usermod --append --groups 'g h' b",
        "usermod --append --groups 'g h' 'a b'",
        "usermod --append --groups system 'a b'",
        "usermod --append --groups system b",
    ]
    assert account_commands(accounts, alpine=True) == [
        "addgroup -g 998 system",
        "addgroup -g 1001 'g h'",
        "adduser -D -H -u 999 -G www-data -h /srv -s /bin/false 'a b'",
        "adduser -D -H -u 1000 -G 'g h' -h / -s /bin/sh b",
        "addgroup b 'g h'",
        "addgroup 'a b' 'g h'",
        "addgroup 'a b' system",
        "addgroup b system",
    ]


def test_a_group_of_the_base_is_named_where_the_tools_take_no_number() -> None:
    accounts = found("app:x:1000:50::/:/bin/sh\n", "", said="RUN adduser -G staff app")
    made = next(line for line in account_commands(accounts, alpine=True) if line.startswith("adduser"))
    assert shlex.split(made)[4:7] == ["1000", "-G", "staff"]
