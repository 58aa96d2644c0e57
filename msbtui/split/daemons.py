"""Settings that well-known programs read where nothing names them: what a supervisor starts, what cron runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.split.view import View, relative
from msbtui.split.words import Words, shell_commands

_CRON = ("etc/crontab", "etc/cron.d/*", "var/spool/cron/crontabs/*", "var/spool/cron/*", "etc/crontabs/*", "etc/periodic/*/*")
_APACHE = ("etc/apache2/envvars", "etc/apache2/sites-enabled/*", "etc/apache2/conf-enabled/*")
_RUNIT = ("etc/service/*/run", "etc/sv/*/run", "etc/my_init.d/*", "etc/runit/*")
_READ = {
    "supervisord": ("etc/supervisord.conf", "etc/supervisor/supervisord.conf", "etc/supervisor/conf.d/*", "etc/supervisord.d/*"),
    "cron": _CRON,
    "crond": _CRON,
    "nginx": ("etc/nginx/nginx.conf", "etc/nginx/conf.d/*", "etc/nginx/sites-enabled/*", "etc/nginx/modules-enabled/*"),
    "apache2": _APACHE,
    "apache2ctl": _APACHE,
    "apachectl": _APACHE,
    "apache2-foreground": _APACHE,
    "s6-svscan": ("etc/services.d/*/*", "etc/cont-init.d/*", "etc/s6/*/*"),
    "init": ("etc/services.d/*/*", "etc/cont-init.d/*", "etc/s6-overlay/s6-rc.d/*/*", "etc/inittab"),
    "runsvdir": _RUNIT,
    "runit": _RUNIT,
    "my_init": _RUNIT,
    "honcho": ("./Procfile",),
    "foreman": ("./Procfile",),
    "goreman": ("./Procfile",),
}
"""Program -> patterns of the files that it reads by itself (supervisord.conf: "configuration file"; cron(8); nginx(8), -c;
s6-overlay, README; runsvdir(8)); `./` is the directory that the container starts in."""
_TIMES = re.compile(r"(?:@\w+|(?:\S+\s+){4}\S+)\s+")
_INCLUDES = re.compile(r"^\s*files\s*=\s*(.+(?:\n[ \t]+.+)*)", re.MULTILINE)


def read_by_itself(view: View, program: str) -> Iterator[str]:
    """Give the canonical paths of the settings above the base that `program` (a name without directories) reads unasked."""
    for pattern in _READ.get(program, ()):
        for match in view.glob(relative(pattern, view.workdir if pattern.startswith("./") else "/")):
            found = view.canonical(match)
            real = None if found is None else view.real(found)
            # a link into a package is its script's, which runs again where the package is installed
            if found is None or real is None or view.is_dir(real) or not view.is_new(found):
                continue
            if real == found or view.owner(real) is None:
                yield found


def of_cron(path: str) -> bool:
    """Tell whether a file is a table of cron."""
    return re.fullmatch(r"etc/cron(tab|\.d/.+|tabs/.+)|var/spool/cron/.+", path) is not None


def cron_commands(path: str, text: str) -> Iterator[Words]:
    """Give the commands of a table of cron (crontab(5)); the system's tables name a user before the command."""
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#") or re.match(r"\w+\s*=", line) or (match := _TIMES.match(line)) is None:
            continue
        command = line[match.end() :]
        if path == "etc/crontab" or path.startswith("etc/cron.d/"):
            command = command.partition(" ")[2]
        yield from shell_commands(command.replace("\\%", "%"))


def included(view: View, path: str, text: str) -> Iterator[str]:
    """Give what a supervisor's settings include (supervisord.conf, `[include]`), relative to their own directory."""
    section = text.partition("[include]")[2].partition("\n[")[0]
    for match in _INCLUDES.finditer(section):
        for pattern in match[1].split():
            for name in view.glob(relative(pattern.replace("%(here)s/", ""), "/" + path.rpartition("/")[0])):
                found = view.canonical(name)
                if found is not None and view.is_new(found):
                    yield found
