"""Users and groups that the author made: they are made again under the same numbers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import msgspec

from msbtui.regex import regex
from msbtui.split.view import View

_NUMBER = regex(r"[0-9]{1,10}")
_FIRST_SYSTEM = 100
"""Below it numbers are the same everywhere (Debian Policy, 9.2.2)."""


class Account(msgspec.Struct, frozen=True):
    """One user as /etc/passwd has it (passwd(5))."""

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str


class Accounts(msgspec.Struct):
    """Users and groups that the runtime stage lacks."""

    users: list[Account] = []
    groups: dict[str, int] = {}
    members: dict[str, list[str]] = {}
    """Group name -> users that are in it beside their own group."""
    there: dict[int, str] = {}
    """Number -> name of the groups that the runtime stage has."""
    homes: set[str] = set()
    """Users whose home exists in the original."""

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)


def _users(text: bytes) -> dict[str, Account]:
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) == 7 and _NUMBER.fullmatch(fields[2]) and _NUMBER.fullmatch(fields[3]):
            found[fields[0]] = Account(fields[0], int(fields[2]), int(fields[3]), fields[4], fields[5], fields[6])
    return found


def _groups(text: bytes) -> dict[str, tuple[int, list[str]]]:
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) == 4 and _NUMBER.fullmatch(fields[2]):
            found[fields[0]] = (int(fields[2]), [name for name in fields[3].split(",") if name])
    return found


def _base_text(view: View, path: str) -> bytes:
    found = view.table.id_of(path)
    at = view.table.live_at(found, view.base_layers - 1) if found is not None and view.base_layers else None
    return (view.image.layers[at[0]].contents.text(at[1]) or b"") if at is not None else b""


def new_accounts(view: View, runtime: View | None, also: Iterable[str] = (), copied: Iterable[str] = ()) -> Accounts:
    """Give the users and groups that a RUN of the author made, or that are needed by name or number, and that the base lacks.

    Those that a package's own script makes come with the package; one is here only where USER or `also` names it, or where it
    owns something of `copied` (paths): with fewer packages it would get another number (adduser(8), FIRST_SYSTEM_UID).
    """
    owners = {view.stat(path)[1] for path in copied} - {0}
    before_users = _users(runtime.text("etc/passwd") or b"" if runtime else _base_text(view, "etc/passwd"))
    before_groups = _groups(runtime.text("etc/group") or b"" if runtime else _base_text(view, "etc/group"))
    users, groups = _users(view.text("etc/passwd") or b""), _groups(view.text("etc/group") or b"")
    said = "\n".join(layer.history.created_by for layer in view.image.layers[view.base_layers :] if layer.history is not None)
    user, _, group = view.config.user.partition(":")
    found, wanted = Accounts(there={gid: name for name, (gid, _) in before_groups.items()}), {user, *also}
    for name, account in users.items():
        asked = _named(name, said) or name in wanted or str(account.uid) == user
        if name not in before_users and (asked or (account.uid in owners and account.uid >= _FIRST_SYSTEM)):
            found.users.append(account)
            home = account.home.strip("/")
            if asked and home and view.is_dir(home) and not view.in_base(home):
                found.homes.add(name)
    own = {account.gid for account in found.users}
    for name, (gid, members) in groups.items():
        if name not in before_groups and (gid in own or _named(name, said) or name == group or name in wanted):
            found.groups[name] = gid
        joined = [member for member in members if any(member == account.name for account in found.users)]
        if joined and (name in before_groups or name in found.groups):
            found.members[name] = joined
    return found


def _named(name: str, said: str) -> bool:
    return any(
        name in words
        for line in said.split("&&")
        if ("add" in line or "/etc/passwd" in line)
        for words in [line.replace(":", " ").replace(",", " ").replace(";", " ").split()]
    )


def account_commands(accounts: Accounts, *, alpine: bool) -> list[str]:
    """Give the commands that make the accounts again, groups first (shadow's tools; BusyBox's on Alpine)."""
    commands: list[str] = []
    names = {gid: name for name, gid in accounts.groups.items()}
    if alpine:  # BusyBox takes no number for a group (loginutils/adduser.c)
        names = accounts.there | names
    for name, gid in sorted(accounts.groups.items(), key=lambda item: item[1]):
        name = shlex.quote(name)
        system = " --system" if gid < 1000 else ""
        commands.append(f"addgroup -g {gid} {name}" if alpine else f"groupadd{system} --gid {gid} {name}")
    for user in sorted(accounts.users, key=lambda account: account.uid):
        home, shell, name = shlex.quote(user.home or "/"), shlex.quote(user.shell or "/bin/sh"), shlex.quote(user.name)
        group = shlex.quote(names.get(user.gid, str(user.gid)))
        if alpine:
            commands.append(f"adduser -D -H -u {user.uid} -G {group} -h {home} -s {shell} {name}")
        else:
            make = "--create-home" if user.name in accounts.homes else "--no-create-home"
            system = " --system" if user.uid < 1000 else ""
            commands.append(f"useradd{system} --uid {user.uid} --gid {group} --home-dir {home} {make} --shell {shell} {name}")
    for joined, members in sorted(accounts.members.items()):
        for one in members:
            group, member = shlex.quote(joined), shlex.quote(one)
            commands.append(f"addgroup {member} {group}" if alpine else f"usermod --append --groups {group} {member}")
    return commands
