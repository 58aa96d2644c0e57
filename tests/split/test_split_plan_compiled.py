"""Plans for compiled programs, from images made in memory: the whole new Dockerfile, letter for letter."""

from __future__ import annotations

from split_world import (
    DEBIAN,
    DEBIAN_PACKAGES,
    GONE,
    LIB,
    MEGABYTE,
    PATH,
    D,
    F,
    H,
    L,
    P,
    World,
    dpkg,
    elf,
    library,
    script,
    sibling,
    toolchain,
)

from msbtui.image.model import Healthcheck, ImageConfig
from msbtui.split.model import Plan

APT = "RUN /bin/sh -c apt-get update && apt-get install -y gcc make libfoo-dev # buildkit"
MAKE = "RUN /bin/sh -c make && make install # buildkit"
C_FILE = """\
# our service
FROM debian:bookworm-slim

RUN apt-get update && apt-get install -y gcc make libfoo-dev
WORKDIR /src
COPY . .
RUN make && \\
    # a comment inside
    make install
EXPOSE 8080
CMD ["served"]
"""
FOO = {
    "libfoo-dev": P(["usr/include/foo.h"], "libdevel", "libfoo1 (= 1)", manual=True),
    "libfoo1": P([f"{LIB}/libfoo.so.1", f"{LIB}/libfoo.so.1.2"], "libs", "libbar2 (>= 1), libc6"),
    "libbar2": P([f"{LIB}/libbar.so.2"]),
}
FOO_FILES = {
    "usr/include/foo.h": F("x"),
    f"{LIB}/libfoo.so.1": L("libfoo.so.1.2"),
    f"{LIB}/libfoo.so.1.2": library("libfoo.so.1", "libbar.so.2", "libc.so.6"),
    f"{LIB}/libbar.so.2": library("libbar.so.2", "libc.so.6"),
}
SOURCES = {"src": D(), "src/main.c": F("int main;"), "src/main.o": F(size=4000), "src/Makefile": F("all:")}
CONFIG = ImageConfig(env=(PATH,), cmd=("served",), workdir="/src", exposed_ports=("8080/tcp",))


def c_world(
    made: dict[str, object] | None = None, *, dockerfile: str = C_FILE, config: ImageConfig = CONFIG, **more: object
) -> World:
    made = {
        "usr/local/bin/served": elf("libfoo.so.1", "libc.so.6", paths=["/usr/local/share/served/words", "/src"]),
        **(made or {}),
    }
    layers = [(APT, toolchain(FOO, FOO_FILES)), ("COPY . . # buildkit", SOURCES), (MAKE, made)]
    return World(dockerfile, layers, config, **more)  # type: ignore[arg-type]


def test_the_original_stays_byte_for_byte_and_the_runtime_stage_is_what_an_expert_writes():
    world = c_world(
        {"usr/local/share/served": D(), "usr/local/share/served/words": F("a\nb\n"), "usr/local/share/served/more": F("c")}
    )
    plan = world.plan()
    assert plan.decision == "split"
    assert (
        plan.dockerfile
        == C_FILE.replace("bookworm-slim\n", "bookworm-slim AS build\n", 1)
        + """
# runtime stage: only what runs; compilers, sources and caches stay in the stage above
FROM debian:bookworm-slim

# the libraries that the program is linked with, without their -dev packages
RUN apt-get update \\
    && apt-get install -y --no-install-recommends \\
        libfoo1 \\
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src

COPY --from=build /usr/local/bin/served /usr/local/bin/served
COPY --from=build /usr/local/share/served /usr/local/share/served

EXPOSE 8080

CMD ["served"]
"""
    )


def test_every_line_has_its_reason_and_what_stays_behind_is_said_with_its_bytes():
    plan = c_world().plan()
    steps = {step.what: step for step in plan.steps}
    assert "needs libfoo.so.1" in steps["install libfoo1"].why
    assert any("libfoo.so.1" in evidence for evidence in steps["install libfoo1"].evidence)
    assert "CMD runs it" in steps["copy /usr/local/bin/served"].why
    left = " ".join(item.what for item in plan.left_out)
    assert "gcc" in left
    assert "libfoo-dev" in left
    compilers = next(item for item in plan.left_out if item.what.startswith("compilers"))
    assert compilers.bytes == 90 * MEGABYTE + 50_000 + 30 * MEGABYTE + 1
    assert plan.size_before is not None
    assert plan.size_after.estimated is not None
    assert plan.size_after.estimated < plan.size_before - 140 * MEGABYTE


def test_what_comes_with_a_package_is_not_named_beside_it():
    assert "libbar2" not in c_world().runtime()
    assert "libbar2" in c_world({"usr/local/bin/served": elf("libfoo.so.1", "libbar.so.2", "libc.so.6")}).runtime()


def test_a_library_that_is_only_opened_by_name_brings_its_package():
    runtime = c_world({"usr/local/bin/served": elf("libc.so.6", libraries=["libbar.so.2"])}).runtime()
    assert "        libbar2 \\\n" in runtime
    assert "libfoo1" not in runtime


def test_an_empty_directory_that_the_installation_made_comes_along():
    assert "COPY --from=build /var/lib/served /var/lib/served\n" in c_world({"var/lib/served": D()}).runtime()


def test_headers_static_libraries_sources_and_objects_stay_behind():
    runtime = c_world(
        {"usr/local/include/x.h": F("h"), "usr/local/lib/libx.a": F("a"), "usr/local/lib/pkgconfig/x.pc": F("p")}
    ).runtime()
    assert "include" not in runtime
    assert "libx" not in runtime
    assert "pkgconfig" not in runtime
    assert "COPY --from=build /src" not in runtime


def test_own_libraries_come_with_their_links_made_again_and_the_linkers_cache():
    made = {
        "usr/local/bin/served": elf("libown.so.3", "libc.so.6"),
        "usr/local/lib/libown.so.3.1": library("libown.so.3", "libc.so.6"),
        "usr/local/lib/libown.so.3": L("libown.so.3.1"),
    }
    runtime = c_world(made).runtime()
    assert "COPY --from=build /usr/local/lib/libown.so.3.1 /usr/local/lib/libown.so.3.1\n" in runtime
    assert "COPY --from=build /usr/local/lib/libown.so.3 " not in runtime
    assert "RUN ln -sfn libown.so.3.1 /usr/local/lib/libown.so.3\n" in runtime
    assert runtime.index("ln -sfn") < runtime.index("RUN ldconfig")


def test_symlinks_in_a_directory_that_is_copied_whole_need_no_ln():
    runtime = c_world({"opt/app/lib/a.txt": F("a"), "opt/app/lib/b.txt": L("a.txt")}).runtime()
    assert "COPY --from=build /opt/app /opt/app\n" in runtime
    assert "ln -s" not in runtime


def test_directories_with_another_owner_or_mode_are_made_before_the_copy():
    runtime = c_world(
        {"var/lib/served": D(0o750, 33, 33), "var/lib/served/x": F("x", uid=33, gid=33), "var/lib/served/y": F("y")}
    ).runtime()
    assert "RUN install -d -o 33 -g 33 -m 0750 /var/lib/served\n" in runtime
    assert runtime.index("install -d") < runtime.index("COPY --from=build /var/lib/served")


def test_a_binary_in_the_source_tree_comes_alone_with_the_data_beside_it():
    made = {
        "src/served": elf("libc.so.6"),
        "src/templates/index.html": F("<p>"),
        "src/test/data.txt": F("t"),
        "src/.git/HEAD": F("ref"),
        "usr/local/bin/served": GONE,
    }
    config = ImageConfig(env=(PATH,), cmd=("./served",), workdir="/src")
    runtime = c_world(
        made, dockerfile=C_FILE.replace('"served"', '"./served"').replace("EXPOSE 8080\n", ""), config=config
    ).runtime()
    assert "COPY --from=build /src/served /src/served\n" in runtime
    assert "COPY --from=build /src/templates/index.html /src/templates/index.html\n" in runtime
    assert "kept from caution" in runtime
    for left in ("main.c", "main.o", "Makefile", "/test/", ".git"):
        assert left not in runtime


def test_a_health_check_keeps_its_tool_and_a_download_tool_of_the_build_goes():
    curl = {"curl": P(["usr/bin/curl"], "web", "libc6", manual=True)}
    layers = [
        (APT, toolchain({**FOO, **curl}, {**FOO_FILES, "usr/bin/curl": elf("libc.so.6")})),
        (MAKE, {"usr/local/bin/served": elf("libc.so.6")}),
    ]
    check = Healthcheck(test=("CMD-SHELL", "curl -f http://localhost/ || exit 1"))
    text = (
        "FROM debian:bookworm-slim\n"
        "RUN apt-get install -y gcc curl\n"
        "RUN make install\n"
        "HEALTHCHECK CMD curl -f http://localhost/ || exit 1\n"
        'CMD ["served"]\n'
    )
    with_check = World(text, layers, ImageConfig(env=(PATH,), cmd=("served",), healthcheck=check)).runtime()
    assert "        curl \\\n" in with_check
    assert "HEALTHCHECK CMD curl -f http://localhost/ || exit 1\n" in with_check
    without = World(
        text.replace("HEALTHCHECK CMD curl -f http://localhost/ || exit 1\n", ""),
        layers,
        ImageConfig(env=(PATH,), cmd=("served",)),
    ).runtime()
    assert "curl" not in without


def test_a_package_that_is_no_build_tool_is_kept_from_caution_where_something_may_start_its_commands():
    extra = {
        "graphviz": P(["usr/bin/dot"], "graphics", "libc6", manual=True),
        "fonts-x": P(["usr/share/fonts/x.ttf"], "fonts", "", manual=True),
    }
    files = {**FOO_FILES, "usr/bin/dot": elf("libc.so.6"), "usr/share/fonts/x.ttf": F("font")}

    def plan(*needed: str, functions: tuple[str, ...] = ()) -> Plan:
        made = {"usr/local/bin/served": elf("libc.so.6", *needed, functions=functions)}
        return World(C_FILE, [(APT, toolchain({**FOO, **extra}, files)), (MAKE, made)], CONFIG).plan()

    starts = plan(functions=("execvp",))
    assert "        graphviz \\\n" in starts.dockerfile
    assert "kept from caution" in next(step.why for step in starts.steps if step.what == "install graphviz")
    assert "graphviz" not in plan().dockerfile.split("# runtime stage")[1]
    assert "        fonts-x \\\n" in plan().dockerfile  # no command: it may be read
    files[f"{LIB}/libbar.so.2"] = elf("libc.so.6", interpreter="", soname="libbar.so.2", functions=("system",))
    assert "        graphviz \\\n" in plan("libfoo.so.1").dockerfile  # a library of its own may start it


def test_an_entrypoint_script_keeps_what_it_calls():
    extra = {"gosu": P(["usr/sbin/gosu"], "admin", "libc6"), "git": P(["usr/bin/git"], "vcs", "libc6", manual=True)}
    files = {**FOO_FILES, "usr/sbin/gosu": elf("libc.so.6"), "usr/bin/git": elf("libc.so.6")}
    run = '#!/bin/bash\nset -e\n# make sure\nif [ -d /data ]; then exec gosu www-data "$@"; fi\nexec "$@"\n'
    layers = [
        (APT, toolchain({**FOO, **extra}, files)),
        (MAKE, {"usr/local/bin/served": elf("libc.so.6"), "entry.sh": script(run)}),
    ]
    text = C_FILE.replace("CMD", 'ENTRYPOINT ["/entry.sh"]\nCMD')
    runtime = World(
        text,
        layers,
        ImageConfig(env=(PATH,), entrypoint=("/entry.sh",), cmd=("served",), workdir="/src", exposed_ports=("8080/tcp",)),
    ).runtime()
    assert "        gosu \\\n" in runtime
    assert "        git \\\n" not in runtime
    assert "COPY --from=build /entry.sh /entry.sh\n" in runtime
    assert 'ENTRYPOINT ["/entry.sh"]\nCMD ["served"]\n' in runtime


def test_accounts_are_made_again_under_their_numbers_and_the_skeleton_is_not_copied():
    made = {
        "etc/passwd": F(
            "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\napp:x:1000:1000::/home/app:/bin/sh\n"
        ),
        "etc/group": F("root:x:0:\nstaff:x:50:\nwww-data:x:33:\napp:x:1000:\n"),
        "home/app": D(0o700, 1000, 1000),
        "home/app/.profile": F("# profile\n", uid=1000, gid=1000),
    }
    layers = [
        (APT, toolchain(FOO, FOO_FILES)),
        ("RUN /bin/sh -c useradd -m app # buildkit", made),
        (MAKE, {"usr/local/bin/served": elf("libc.so.6")}),
    ]
    text = C_FILE.replace("EXPOSE", "RUN useradd -m app\nUSER app\nEXPOSE")
    config = ImageConfig(env=(PATH,), cmd=("served",), workdir="/src", exposed_ports=("8080/tcp",), user="app")
    runtime = World(text, layers, config).runtime()
    assert (
        "RUN groupadd --gid 1000 app \\\n"
        "    && useradd --uid 1000 --gid app --home-dir /home/app --create-home --shell /bin/sh app\n" in runtime
    )
    assert ".profile" not in runtime
    assert 'USER app\nCMD ["served"]\n' in runtime


def test_settings_of_a_kept_package_that_the_author_changed_are_copied_over_it():
    nginx = {"nginx": P(["usr/sbin/nginx", "etc/nginx/nginx.conf", "etc/nginx/mime.types"], "httpd", "libc6", manual=True)}
    files = {"usr/sbin/nginx": elf("libc.so.6"), "etc/nginx/nginx.conf": F("default"), "etc/nginx/mime.types": F("types")}
    layers = [
        (APT, toolchain(nginx, files)),
        ("COPY nginx.conf /etc/nginx/nginx.conf # buildkit", {"etc/nginx/nginx.conf": F("mine")}),
    ]
    text = (
        "FROM debian:bookworm-slim\n"
        "RUN apt-get install -y gcc nginx\n"
        "COPY nginx.conf /etc/nginx/nginx.conf\n"
        'CMD ["nginx", "-g", "daemon off;"]\n'
    )
    runtime = World(text, layers, ImageConfig(env=(PATH,), cmd=("nginx", "-g", "daemon off;"))).runtime()
    assert "        nginx \\\n" in runtime
    assert "COPY --from=build /etc/nginx/nginx.conf /etc/nginx/nginx.conf\n" in runtime
    assert "mime.types" not in runtime
    assert runtime.index("apt-get install") < runtime.index("COPY --from=build /etc/nginx")


def test_what_package_scripts_make_is_left_to_them_but_not_what_a_mixed_run_installs():
    made = {
        "etc/foo.d/made": F("by postinst"),
        "usr/share/mime/mime.cache": F("m"),
        "usr/share/served/data": F("d"),
        "usr/bin/served": elf("libc.so.6"),
    }
    mixed = "RUN /bin/sh -c apt-get install -y gcc && ./configure --prefix=/usr && make install # buildkit"
    text = 'FROM debian:bookworm-slim\nRUN apt-get install -y gcc && ./configure --prefix=/usr && make install\nCMD ["served"]\n'
    runtime = World(text, [(mixed, toolchain({}, made))], ImageConfig(env=(PATH,), cmd=("served",))).runtime()
    assert "COPY --from=build /usr/share/served/data" in runtime
    assert "COPY --from=build /usr/bin/served /usr/bin/served\n" in runtime
    assert "foo.d" not in runtime
    assert "mime" not in runtime


def test_go_moves_to_the_bare_release_and_says_which_settings_go():
    go = {**DEBIAN, "usr/local/go/bin/go": elf("libc.so.6", size=300 * MEGABYTE), "go/bin": D(0o1777)}
    config = ImageConfig(
        env=(
            "PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "GOPATH=/go",
            "MODE=prod",
        ),
        cmd=("/go/bin/app",),
        workdir="/go",
    )
    layers = [
        (
            "RUN /bin/sh -c go install ./... # buildkit",
            {
                "go/bin/app": elf("libc.so.6"),
                "go/pkg/mod/x/y.go": F(size=MEGABYTE),
                "root/.cache/go-build/00/a": F(size=MEGABYTE),
            },
        )
    ]
    text = 'FROM golang:1.22-bookworm\nENV MODE=prod\nRUN go install ./...\nCMD ["/go/bin/app"]\n'
    base_config = ImageConfig(env=(*config.env[:2],), cmd=("bash",), workdir="/go")
    world = World(
        text,
        layers,
        config,
        base=go,
        siblings=[sibling("debian:bookworm-slim"), sibling("golang:1.22-bookworm", go, base_config)],
    )
    plan = world.plan()
    assert plan.dropped_settings == ("Env.GOPATH",)
    assert world.runtime() == (
        "FROM debian:bookworm-slim\n\n"
        "# directories that COPY would not make, or as root with mode 0755\nRUN install -d -m 1777 /go/bin\n\n"
        "WORKDIR /go\n\nCOPY --from=build /go/bin/app /go/bin/app\n\n"
        "ENV PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\\n    MODE=prod\n\n"
        'CMD ["/go/bin/app"]\n'
    )


def test_a_static_program_that_names_nothing_gets_scratch_and_one_that_names_a_tool_does_not():
    def world(paths: list[str]) -> World:
        made = {
            "usr/local/bin/app": elf(interpreter="", paths=paths),
            "src/main.rs": F("fn main"),
            "src/Cargo.toml": F("[package]"),
        }
        rust = {**DEBIAN, "usr/local/rust/rustc": F(size=300 * MEGABYTE), "etc/ssl/cert.pem": F("cert")}
        text = 'FROM rust:1-bookworm\nRUN cargo install app\nCMD ["/usr/local/bin/app"]\n'
        return World(
            text,
            [("RUN cargo install app", made)],
            ImageConfig(env=(PATH,), cmd=("/usr/local/bin/app",)),
            base=rust,
            siblings=[sibling("debian:bookworm-slim")],
        )

    runtime = world(["/proc/self/exe", "/etc/ssl/cert.pem"]).runtime()
    assert runtime.startswith("FROM scratch\n")
    assert "COPY --from=build /etc/ssl/cert.pem /etc/ssl/cert.pem\n" in runtime
    assert world(["/bin/sh"]).runtime().startswith("FROM debian:bookworm-slim\n")


def test_without_the_sibling_at_hand_the_plan_says_that_it_is_unproven():
    go = {**DEBIAN, "usr/local/go/bin/go": elf("libc.so.6", size=300 * MEGABYTE)}
    text = 'FROM golang:1\nRUN go build -o /usr/local/bin/app\nCMD ["app"]\n'
    plan = World(
        text, [("RUN go build", {"usr/local/bin/app": elf("libc.so.6")})], ImageConfig(env=(PATH,), cmd=("app",)), base=go
    ).plan()
    assert "FROM debian:bookworm-slim\n" in plan.dockerfile
    assert any("unproven" in reason for reason in plan.reasons)


def test_a_sibling_of_another_release_is_not_taken():
    other = {**DEBIAN, "usr/lib/os-release": F("ID=debian\nVERSION_ID=13\nVERSION_CODENAME=trixie\n")}
    go = {**DEBIAN, "usr/local/go/bin/go": elf("libc.so.6", size=300 * MEGABYTE)}
    text = 'FROM golang:1\nRUN go build -o /usr/local/bin/app\nCMD ["app"]\n'
    plan = World(
        text,
        [("RUN go build", {"usr/local/bin/app": elf("libc.so.6")})],
        ImageConfig(env=(PATH,), cmd=("app",)),
        base=go,
        siblings=[sibling("debian:bookworm-slim", other)],
    ).plan()
    assert "FROM debian:bookworm-slim" not in plan.dockerfile


def test_what_the_author_deleted_from_the_base_is_deleted_again():
    base = {**DEBIAN, "etc/app/default.conf": F("x"), **dpkg(DEBIAN_PACKAGES)}
    layers = [
        (APT, toolchain(FOO, FOO_FILES)),
        ("RUN rm", {"etc/app/default.conf": GONE}),
        (MAKE, {"usr/local/bin/served": elf("libc.so.6")}),
    ]
    text = C_FILE.replace("EXPOSE", "RUN rm /etc/app/default.conf\nEXPOSE")
    runtime = World(text, layers, CONFIG, base=base, siblings=[sibling("debian:bookworm-slim", base)]).runtime()
    assert "RUN rm -rf /etc/app/default.conf\n" in runtime


def test_sources_that_were_copied_into_the_root_stay_behind_and_data_beside_them_is_kept_from_caution():
    sources = {
        "main.c": F("int main;"),
        "Makefile": F("all:"),
        "README.md": F("read"),
        "templates": D(),
        "templates/a.html": F("<p>"),
        "lib/util.c": F("int x;"),
    }
    layers = [
        (APT, toolchain({}, {})),
        ("COPY . / # buildkit", {path: item for path, item in sources.items() if not path.startswith("lib/")}),
        ("RUN /bin/sh -c make # buildkit", {"served": elf("libc.so.6"), "main.o": F(size=4000)}),
    ]
    text = 'FROM debian:bookworm-slim\nRUN apt-get install -y gcc make libfoo-dev\nCOPY . /\nRUN make\nCMD ["/served"]\n'
    runtime = World(text, layers, ImageConfig(env=(PATH,), cmd=("/served",))).runtime()
    assert "COPY --from=build /served /served\n" in runtime
    assert "COPY --from=build /templates/a.html /templates/a.html\n" in runtime
    assert not any(word in runtime for word in ("main.c", "Makefile", "README", "main.o"))


def test_a_base_that_triggers_a_build_in_every_stage_is_no_runtime_base():
    node = {**DEBIAN, "usr/local/bin/tool": elf("libc.so.6", size=90 * MEGABYTE)}
    config = ImageConfig(env=(PATH,), cmd=("tool",), onbuild=("COPY . /app", "RUN tool build"))
    text = 'FROM tool:onbuild\nRUN make\nCMD ["tool"]\n'
    made = {"usr/local/share/x": F(size=MEGABYTE), "usr/local/share/y.a": F(size=20 * MEGABYTE)}
    plan = World(
        text,
        [("RUN make", made)],
        ImageConfig(env=(PATH,), cmd=("tool",)),
        base=node,
        siblings=[sibling("tool:onbuild", node, config)],
    ).plan()
    assert plan.decision == "refused"
    assert "ONBUILD" in plan.reasons[0]


def test_a_helper_that_the_program_calls_by_its_name_stays():
    extra = {"git": P(["usr/bin/git"], "vcs", "libc6", manual=True), "unzip": P(["usr/bin/unzip"], "utils", "libc6", manual=True)}
    files = {**FOO_FILES, "usr/bin/git": elf("libc.so.6"), "usr/bin/unzip": elf("libc.so.6")}

    def runtime(**facts: object) -> str:
        made = {"usr/local/bin/served": elf("libc.so.6", **facts)}  # type: ignore[arg-type]
        return World(C_FILE, [(APT, toolchain({**FOO, **extra}, files)), (MAKE, made)], CONFIG).runtime()

    assert "        git \\\n" in runtime(functions=("system",), commands=("git",))
    assert "git" not in runtime(functions=("system",))
    go = runtime(language="go", functions=("os.startProcess", "runtime.main"))
    assert "        git \\\n" in go
    assert "unzip" not in go
    assert "git" not in runtime(language="go", functions=("runtime.main",))


def test_what_autotools_and_authors_leave_in_a_source_tree_is_no_data():
    litter = ("configure~", "autogen.sh", "src/.dirstamp", "man/tool.1", "NOTES_2026.md", "tool.texi", "LICENSE-MIT")
    made = {"src/page.md": F("text"), **{f"src/{name}": F("x") for name in litter}}
    runtime = c_world(made).runtime()
    assert "/src/page.md" in runtime
    assert not any(name in runtime for name in litter)


def test_the_libraries_of_gccs_own_images_come_along_with_what_tells_the_linker_of_them():
    base = {
        **DEBIAN,
        "usr/local/bin/g++": elf("libc.so.6", size=200 * MEGABYTE),
        "usr/local/lib64/libstdc++.so.6": L("libstdc++.so.6.0.33"),
        "usr/local/lib64/libstdc++.so.6.0.33": library("libstdc++.so.6", "libc.so.6"),
        "usr/local/lib64/libasan.so": library("libasan.so.8", size=9 * MEGABYTE),
        "etc/ld.so.conf.d/000-local-lib.conf": F("/usr/local/lib64\n"),
    }
    text = 'FROM gcc:14\nCOPY . /src\nWORKDIR /src\nRUN make\nCMD ["./served"]\n'
    layers = [("COPY . /src", SOURCES), ("RUN make", {"src/served": elf("libstdc++.so.6", "libc.so.6")})]
    config = ImageConfig(env=(PATH,), cmd=("./served",), workdir="/src")
    runtime = World(text, layers, config, base=base, siblings=[sibling("debian:bookworm-slim", DEBIAN)]).runtime()
    assert "FROM debian:bookworm-slim\n" in runtime
    assert "COPY --from=build /usr/local/lib64/libstdc++.so.6.0.33 /usr/local/lib64/libstdc++.so.6.0.33\n" in runtime
    assert "/etc/ld.so.conf.d/000-local-lib.conf" in runtime
    assert "libasan" not in runtime
    assert "RUN ldconfig\n" in runtime


def test_a_symlink_that_the_working_directory_leads_through_is_made_before_it():
    made = {"opt/app-1/served": elf("libc.so.6"), "opt/app-1/words": F("a"), "opt/app": L("app-1")}
    text = C_FILE.replace("EXPOSE 8080\n", "WORKDIR /opt/app/data\n").replace('"served"', '"/opt/app/served"')
    made = {**made, "opt/app-1/data/x": F("x")}
    config = ImageConfig(env=(PATH,), cmd=("/opt/app/served",), workdir="/opt/app/data")
    runtime = c_world(made, dockerfile=text, config=config).runtime()
    assert runtime.index("ln -sfn app-1 /opt/app\n") < runtime.index("WORKDIR /opt/app/data\n")
    assert runtime.index("COPY --from=build /opt/app-1 ") < runtime.index("WORKDIR")


def test_a_program_that_has_another_name_in_the_build_tree_has_its_bytes():
    made = {
        "src/target/release/deps/served-0": elf("libc.so.6", size=9 * MEGABYTE),
        "src/target/release/served": H("src/target/release/deps/served-0"),
    }
    config = ImageConfig(env=(PATH,), cmd=("target/release/served",), workdir="/src")
    text = C_FILE.replace('"served"', '"target/release/served"').replace("EXPOSE 8080\n", "")
    plain = c_world({"usr/local/bin/served": elf("libc.so.6", size=1000)}).plan().size_after.estimated
    plan = c_world({**made, "usr/local/bin/served": GONE}, dockerfile=text, config=config).plan()
    assert "COPY --from=build /src/target/release/served /src/target/release/served\n" in plan.dockerfile
    assert plain is not None
    assert plan.size_after.estimated == plain - 1000 + 9 * MEGABYTE


def test_plugins_of_other_packages_come_with_the_library_that_opens_them():
    sasl = {
        "libsasl2": P([f"{LIB}/libsasl2.so.2", f"{LIB}/sasl2/own.so"]),
        "libsasl2-modules": P([f"{LIB}/sasl2/libscram.so", f"{LIB}/sasl2/notes.txt"]),
        "libuser": P([f"{LIB}/libuser.so.1"], "libs", "libsasl2"),
    }
    files = {
        f"{LIB}/libsasl2.so.2": elf(
            "libc.so.6", soname="libsasl2.so.2", interpreter="", paths=[f"/{LIB}/sasl2:/usr/lib/sasl2", f"/{LIB}/"]
        ),
        f"{LIB}/sasl2/own.so": library("own.so"),
        f"{LIB}/sasl2/libscram.so": library("libscram.so"),
        f"{LIB}/sasl2/notes.txt": F("x"),
        f"{LIB}/libuser.so.1": library("libuser.so.1", "libsasl2.so.2"),
    }

    def runtime(*needed: str) -> str:
        made = {"usr/local/bin/served": elf(*needed, "libc.so.6")}
        return World(C_FILE, [(APT, toolchain({**FOO, **sasl}, {**FOO_FILES, **files})), (MAKE, made)], CONFIG).runtime()

    assert "        libsasl2-modules \\\n" in runtime("libsasl2.so.2")
    assert "libsasl2-modules" not in runtime("libuser.so.1")  # another library of a package uses it, for what it may never do


def test_a_file_in_tmp_that_the_program_names_comes_along():
    made = {
        "usr/local/bin/served": elf("libc.so.6", paths=["/tmp/served.db", "/tmp/none"]),
        "tmp/served.db": F("x"),
        "tmp/log": F("x"),
    }
    runtime = c_world(made).runtime()
    assert "COPY --from=build /tmp/served.db /tmp/served.db\n" in runtime
    assert "/tmp/log" not in runtime
