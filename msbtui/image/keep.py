"""Which contents are kept when a layer streams by: the rules as data, and what is never kept because it looks secret."""

from __future__ import annotations

from typing import Final, NamedTuple

from msbtui.regex import regex


class Rule(NamedTuple):
    """How much of a file is kept."""

    limit: int
    """Bytes kept at most."""
    head: bool = False
    """Of a larger file, keep its beginning; else keep nothing."""
    database: bool = False
    """A package database: not searched for secrets, and counted against a budget of its own."""
    config: bool = False
    """A configuration: any assignment that looks like a credential makes it a secret."""
    flagged: bool = False
    """Looked at for secrets (`msbtui.image.secret`), of which only the kind is kept, and never the text."""


KIB, MIB = 1 << 10, 1 << 20
DATABASE: Final = Rule(16 * MIB, head=True, database=True)
RPM_DATABASE: Final = Rule(56 * MIB, database=True)
SYSTEM: Final = Rule(MIB, head=True)
MANIFEST: Final = Rule(MIB)
CONFIG: Final = Rule(64 * KIB, config=True)
HEAD: Final = Rule(64 * KIB, head=True)
SCRIPT: Final = Rule(256 * KIB)
LOOKED_AT: Final = Rule(64 * KIB, head=True, flagged=True)
TEXT_BUDGET: Final = 64 * MIB
"""Bytes of kept texts per layer, without the package databases; these have as much again."""

PATHS: Final[dict[str, Rule]] = {
    "var/lib/dpkg/status": DATABASE,
    "var/lib/dpkg/diversions": DATABASE,
    "var/lib/apt/extended_states": DATABASE,
    "lib/apk/db/installed": DATABASE,
    "usr/lib/apk/db/installed": DATABASE,
    "var/lib/rpm/rpmdb.sqlite": RPM_DATABASE,
    "usr/lib/sysimage/rpm/rpmdb.sqlite": RPM_DATABASE,
    "usr/share/rpm/rpmdb.sqlite": RPM_DATABASE,
    "etc/passwd": SYSTEM,
    "etc/group": SYSTEM,
    "etc/os-release": SYSTEM,
    "usr/lib/os-release": SYSTEM,
    "etc/debian_version": SYSTEM,
    "etc/alpine-release": SYSTEM,
    "etc/ld.so.conf": SYSTEM,
    "etc/environment": CONFIG,
    "etc/profile": SYSTEM,
    "etc/crontab": CONFIG,
    "etc/apt/sources.list": CONFIG,
}
FOLDERS: Final[dict[str, Rule]] = {
    "var/lib/dpkg/status.d": DATABASE,
    "etc/ld.so.conf.d": SYSTEM,
    "etc/apk": SYSTEM,
    "etc/apt/sources.list.d": CONFIG,
    "etc/profile.d": SYSTEM,
    "etc/init.d": SYSTEM,
    # tables of cron: which commands a container starts by the clock
    "etc/cron.d": CONFIG,
    "etc/crontabs": CONFIG,
    "var/spool/cron": CONFIG,
    "var/spool/cron/crontabs": CONFIG,
}
"""Files directly in a folder."""
FOLDER_SUFFIXES: Final[dict[str, tuple[str, Rule]]] = {
    "var/lib/dpkg/info": (".list", DATABASE),
    "etc": (".path", SYSTEM),  # musl's ld-musl-ARCH.path
}
NAMES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("package.json", ".package-lock.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"), MANIFEST),
    **dict.fromkeys(
        ("go.mod", "go.sum", "go.work", "Cargo.toml", "Cargo.lock", "pyproject.toml", "setup.py", "setup.cfg"), MANIFEST
    ),
    **dict.fromkeys(("requirements.txt", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock"), MANIFEST),
    **dict.fromkeys(
        ("Gemfile", "Gemfile.lock", "composer.json", "composer.lock", "pom.xml", "pom.properties", "MANIFEST.MF"), MANIFEST
    ),
    **dict.fromkeys(("CACHEDIR.TAG", "Makefile", "GNUmakefile", "makefile", "CMakeLists.txt", "CMakeCache.txt"), HEAD),
    **dict.fromkeys(
        ("config.status", "config.log", "build.ninja", "meson.build", "configure.ac", "Dockerfile", "Procfile"), HEAD
    ),
    ".dockerignore": MANIFEST,
    "pyvenv.cfg": MANIFEST,
    ".env": CONFIG,
}
DIST_INFO: Final = frozenset(
    (
        "METADATA",
        "RECORD",
        "PKG-INFO",
        "INSTALLER",
        "REQUESTED",
        "top_level.txt",
        "entry_points.txt",
        "direct_url.json",
        "requires.txt",
    )
)
"""Files of an installed Python distribution (`*.dist-info`, `*.egg-info`)."""
SUFFIXES: Final[dict[str, Rule]] = {
    **dict.fromkeys(
        (".conf", ".cfg", ".ini", ".yaml", ".yml", ".toml", ".json", ".sh", ".service", ".env", ".properties"), CONFIG
    ),
    **dict.fromkeys((".pth", ".egg-link"), MANIFEST),
}
APPLICATION: Final = frozenset((".py", ".js", ".mjs", ".cjs", ".rb", ".php", ".pl", ".lua", ".jsx", ".ts"))
"""Programs as texts: which modules and commands they name tells what an application needs."""
NO_APPLICATION: Final = ("usr/lib/", "usr/share/", "usr/local/lib/", "usr/local/share/", "usr/local/go/", "opt/conda/")
"""Where the programs of languages and packages lie, not an application's own."""
MANIFEST_ENDS: Final = (".runtimeconfig.json", ".deps.json", "vendor/composer/installed.json")
"""Manifests of .NET programs and of PHP's composer."""
CROWDED: Final = (
    "/node_modules/",
    "/site-packages/",
    "/dist-packages/",
    "/pkg/mod/",
    "/registry/src/",
    "/usr/share/",
    "/usr/lib/python3",
)
"""Folders whose many small configurations are nobody's configuration."""

_PRIVATE_NAMES: Final = frozenset(
    (
        *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".pypirc", ".git-credentials"),
        *(
            ".htpasswd",
            "shadow",
            "shadow-",
            "gshadow",
            "gshadow-",
            "auth.conf",
            "credentials",
            "credentials.json",
            ".vault-token",
        ),
        *(".dockercfg", "kubeconfig", "terraform.tfstate", "master.key", "secrets.yml", "secrets.yaml", "secrets.json"),
    )
)
_PRIVATE_SUFFIXES: Final = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ovpn", ".tfvars")
_PRIVATE_ENDS: Final = ("/.docker/config.json", "/.kube/config", "/.aws/config", "/etc/apt/auth.conf.d")
_PRIVATE_BODY: Final = regex(
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File|_authToken\s{0,9}=|_password\s{0,9}=|\"auths\"\s{0,9}:"
    rb"|aws_secret_access_key|\bA(?:KIA|SIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,255}|github_pat_\w{20,255}|(?<![\w-])glpat-[\w-]{20,255}"
    rb"|(?<![\w-])xox[abeoprs]-[\w-]{10,255}|(?<![\w-])AIza[\w-]{35}|\bsk_live_\w{10,255}|\bnpm_[A-Za-z0-9]{36}\b|(?<![\w-])pypi-[\w-]{50,255}"
    rb"|(?<![\w-])hvs\.[\w-]{20,255}|(?<![\w-])eyJ[\w-]{10,900}\.eyJ[\w-]{10,4000}\.[\w-]{10,900}"
    rb"|[a-z][a-z0-9+.-]{1,20}://[^\s/:@$'\"<>{}]{1,200}:[^\s/:@$'\"<>{}]{3,200}@"
)
_CREDENTIAL: Final = regex(
    rb"(?i)(?:passw(?:or)?d|secret|token|api_?key|private_?key|credentials?)[\w-]{0,40}[\"']?[ \t]{0,9}[:=][ \t]{0,9}[\"']?"
    rb"(?!true|false|null|none|required|optional|change|your|/|\$|%|<|\{|\[)[^\s\"'#;,]{6}"
)


def rule_for(path: str) -> Rule | None:
    """Give how much is kept of the file at `path` (as LayerIndex has it), judged by its name; None: nothing."""
    rule = PATHS.get(path)
    if rule is not None:
        return rule
    folder, _, name = path.rpartition("/")
    rule = FOLDERS.get(folder) or NAMES.get(name)
    if rule is not None:
        return rule
    if folder in FOLDER_SUFFIXES and name.endswith(FOLDER_SUFFIXES[folder][0]):
        return FOLDER_SUFFIXES[folder][1]
    if name in DIST_INFO and folder.endswith((".dist-info", ".egg-info")):
        return MANIFEST
    dot = name.rfind(".")
    if dot >= 0:
        rule = SUFFIXES.get(name[dot:])
        if rule is not None:
            if path.endswith(MANIFEST_ENDS):
                return MANIFEST
            if rule is CONFIG and any(part in "/" + path for part in CROWDED):
                return None
            return rule
        if name[dot:] in APPLICATION and not path.startswith(NO_APPLICATION) and not any(part in "/" + path for part in CROWDED):
            return SCRIPT
        if name.startswith((".env.", "requirements")):
            return CONFIG
    if name == "HEAD" and folder.endswith(".git"):
        return HEAD
    return None


def is_private_name(path: str) -> bool:
    """Tell whether a file of this name usually is a key or a credential."""
    name = path.rpartition("/")[2]
    return name in _PRIVATE_NAMES or name.endswith(_PRIVATE_SUFFIXES) or ("/" + path).endswith(_PRIVATE_ENDS)


def is_secret(path: str, body: bytes, rule: Rule) -> bool:
    """Tell whether a text must not be kept, because its name or its body is a private key or a credential."""
    if rule.database:
        return False
    if is_private_name(path) or _PRIVATE_BODY.search(body):
        return True
    return rule.config and _CREDENTIAL.search(body) is not None
