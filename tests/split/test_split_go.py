"""Plans for Go programs: what their packed strings name, what their linked functions need, and when scratch is enough."""

from __future__ import annotations

from split_world import DEBIAN, DEBIAN_PACKAGES, MEGABYTE, PATH, D, F, L, P, World, dpkg, elf, script, sibling

from msbtui.image.model import ImageConfig

STATIC = ("runtime.main",)
ZONES = {"usr/share/zoneinfo/Europe/Warsaw": F("zone"), "usr/share/zoneinfo/Poland": L("Europe/Warsaw")}
PACKAGES = {
    **DEBIAN_PACKAGES,
    "tzdata": P(["usr/share/zoneinfo/Europe/Warsaw", "usr/share/zoneinfo/Poland"], "localization"),
    "netbase": P(["etc/protocols", "etc/services"], "admin"),
    "ca-certificates": P(["usr/sbin/update-ca-certificates"], "misc"),
}
GO = {
    **DEBIAN,
    "usr/local/go/bin/go": elf("libc.so.6", size=300 * MEGABYTE),
    "usr/local/go/src/runtime/proc.go": F("package runtime"),
    "etc/ssl/certs/ca-certificates.crt": F("roots"),
    "etc/protocols": F("tcp"),
    "etc/services": F("http"),
    "usr/sbin/update-ca-certificates": script("#!/bin/sh\n"),
    **ZONES,
    **dpkg(PACKAGES),
}


def world(
    functions: tuple[str, ...] = STATIC,
    runs: str = "",
    more: dict[str, object] | None = None,
    *,
    config: ImageConfig | None = None,
    installs: str = "",
    **facts: object,
) -> World:
    program = elf(interpreter="", language="go", functions=functions, runs=f"/usr/local/go3814\n{runs}", **facts)  # type: ignore[arg-type]
    made: dict[str, object] = {
        "app/server": program,
        "app/main.go": F("package main"),
        "app/go.mod": F("module x"),
        **(more or {}),
    }
    text = f'FROM golang:1\nWORKDIR /app\nCOPY . .\nRUN {installs}go build -o server\nENTRYPOINT ["/app/server"]\n'
    layers = [(f"RUN /bin/sh -c {installs}go build -o server # buildkit", made)]
    return World(
        text,
        layers,  # type: ignore[arg-type]
        config or ImageConfig(env=(PATH,), entrypoint=("/app/server",), workdir="/app"),
        base=GO,
        siblings=[sibling("debian:bookworm-slim")],
    )


def test_a_static_program_that_starts_nothing_gets_scratch():
    assert world().runtime() == (
        'FROM scratch\n\nWORKDIR /app\n\nCOPY --from=build /app/server /app/server\n\nENTRYPOINT ["/app/server"]\n'
    )


def test_what_is_linked_in_decides_which_data_comes_to_scratch():
    runs = "/etc/ssl/certs190734863281\n/usr/share/zoneinfo/37252902984619140625Client\n/etc/protocols/etc/ssl/certs19"
    runs += "\n/usr/share/lib/zoneinfo/116\n/usr/local/share/certs1907"  # in every program: packages time and crypto/x509
    plain = world(runs=runs).runtime()
    assert plain.startswith("FROM scratch\n")
    assert "zoneinfo" not in plain
    assert "ca-certificates" not in plain
    assert "COPY --from=build /etc/protocols /etc/protocols\n" in plain
    rich = world((*STATIC, "time.LoadLocation", "crypto/x509.loadSystemRoots", "os.TempDir"), runs).runtime()
    assert rich.startswith("FROM scratch\n")
    assert "COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo\n" in rich
    assert "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt\n" in rich
    assert "COPY --from=build /tmp /tmp\n" in rich
    assert "install -d" not in rich


def test_a_program_that_may_start_others_or_cannot_be_told_keeps_the_release():
    for functions in ((*STATIC, "os.startProcess"), (*STATIC, "plugin.open"), ()):
        assert world(functions).runtime().startswith("FROM debian:bookworm-slim\n"), functions


def test_scratch_is_not_proposed_where_it_would_lack_something():
    bad = {
        "a directory of the base that it names": world(runs="/var/lib0"),
        "a program that it names": world(runs="/bin/sh-c"),
        "a user by name": world(config=ImageConfig(env=(PATH,), entrypoint=("/app/server",), workdir="/app", user="www-data")),
        "a shell": world(config=ImageConfig(env=(PATH,), entrypoint=("/bin/sh", "-c", "/app/server"), workdir="/app")),
        "temporary files of a user": world(
            (*STATIC, "os.TempDir"), config=ImageConfig(env=(PATH,), entrypoint=("/app/server",), workdir="/app", user="1000")
        ),
        "a directory of another owner": world(more={"app/data": D(0o755, 1000, 1000)}, runs="/app/data"),
        "a time zone of its own": world(more={"etc/localtime": L("/usr/share/zoneinfo/Europe/Warsaw")}),
        "packages that the author wants": world(installs="apt-get install -y tzdata && "),
    }
    for what, one in bad.items():
        assert one.runtime().startswith("FROM debian:bookworm-slim\n"), what


def test_time_zones_come_along_where_they_are_loaded_by_name():
    for functions, there in (((*STATIC, "os.startProcess", "time.LoadLocation"), True), ((*STATIC, "os.startProcess"), False)):
        assert ("        tzdata \\\n" in world(functions).runtime()) is there


def test_a_package_that_the_author_names_comes_along_though_the_base_had_it():
    runtime = world(installs="apt-get update && apt-get install -y tzdata curl && ").runtime()
    assert "        tzdata \\\n" in runtime
    assert "curl" not in runtime


def test_data_that_packed_strings_name_is_copied_and_the_rest_of_the_source_tree_is_not():
    data = {"code/pages/a.html": F("a"), "code/pages/b.html": F("b"), "code/other/c.html": F("c"), "code/main.go": F("package x")}
    runtime = world(runs="is/code/pages/etc/x381469\n/code/pages8", more=data).runtime()
    assert "/code/pages" in runtime
    assert "/code/other" not in runtime


def test_licences_and_vendored_sources_are_no_data_of_the_program():
    more = {"app/LICENSE.md": F("MIT"), "app/vendor/github.com/x/y/data.bin": F("x"), "app/config.yaml": F("a: 1")}
    runtime = world(more=more).runtime()
    assert "LICENSE" not in runtime
    assert "vendor" not in runtime
    assert "COPY --from=build /app/config.yaml /app/server /app/\n" in runtime


def test_data_of_sources_below_the_directory_that_it_starts_in_is_not_kept_unless_it_is_named():
    more = {
        "go/src/x/main.go": F("package main"),
        "go/src/x/go.mod": F("module x"),
        "go/src/x/web/a.html": F("a"),
        "go/src/x/b.yaml": F("b"),
    }
    text = 'FROM golang:1\nWORKDIR /go\nCOPY . src/x\nRUN go install ./...\nENTRYPOINT ["/go/bin/server"]\n'

    def runtime(runs: str) -> str:
        made = {"go/bin/server": elf(interpreter="", language="go", functions=STATIC, runs=runs), **more}
        config = ImageConfig(env=(PATH,), entrypoint=("/go/bin/server",), workdir="/go")
        return World(text, [("RUN /bin/sh -c go install ./... # buildkit", made)], config, base=GO).runtime()

    assert "/go/src" not in runtime("/v1/x")
    named = runtime("/go/src/x/web/a.html1907")
    assert "COPY --from=build /go/src/x/web/a.html /go/src/x/web/a.html\n" in named
    assert "b.yaml" not in named
