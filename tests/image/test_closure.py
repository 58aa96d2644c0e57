"""Which libraries ELF files load, by the rules of glibc and musl, on made images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from made_images import Entry, made_image

from msbtui.errors import TargetError
from msbtui.image.closure import Closure, needed_libraries
from msbtui.image.ldconf import configured_folders, expand
from msbtui.image.model import ElfFacts

LINKER = "/lib64/ld-linux-x86-64.so.2"
MULTI = "usr/lib/x86_64-linux-gnu"


def elf(*needed: str, kind: str = "ET_DYN", machine: str = "EM_X86_64", bits: int = 64, **more: object) -> ElfFacts:
    return ElfFacts(machine=machine, bits=bits, kind=kind, needed=needed, **more)  # type: ignore[arg-type]


def program(*needed: str, **more: object) -> ElfFacts:
    return elf(*needed, **({"interpreter": LINKER} | more))  # type: ignore[arg-type]


GLIBC: dict[str, Entry] = {
    "lib": "-> usr/lib",
    "lib64": "-> usr/lib64",
    "usr/lib64/ld-linux-x86-64.so.2": f"-> ../../{MULTI}/ld-linux-x86-64.so.2",
    f"{MULTI}/ld-linux-x86-64.so.2": elf(soname="ld-linux-x86-64.so.2"),
    f"{MULTI}/libc.so.6": elf("ld-linux-x86-64.so.2", soname="libc.so.6", interpreter=LINKER),
    f"{MULTI}/libz.so.1": "-> libz.so.1.2.13",
    f"{MULTI}/libz.so.1.2.13": elf("libc.so.6", soname="libz.so.1"),
    "etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n",
    "etc/ld.so.conf.d/libc.conf": "# default\n/usr/local/lib\n",
}


def closure(files: Mapping[str, Entry], *paths: str, base: Mapping[str, Entry] = GLIBC, env: Sequence[str] = ()) -> Closure:
    image, table = made_image(base, files, env=env, workdir="/srv")
    return needed_libraries(image, table, paths or [path for path in files if path.startswith("app")])


def found(result: Closure) -> dict[str, tuple[str, str]]:
    return {library.name: (library.path, library.how) for library in result.libraries}


def test_libraries_transitively_with_what_asked_for_them() -> None:
    result = closure({"app/run": program("libz.so.1")})
    assert result.complete
    assert result.files == ("app/run", f"{MULTI}/ld-linux-x86-64.so.2", f"{MULTI}/libc.so.6", f"{MULTI}/libz.so.1.2.13")
    by_name = {library.name: library for library in result.libraries}
    assert (by_name["libz.so.1"].path, by_name["libz.so.1"].real) == (f"{MULTI}/libz.so.1", f"{MULTI}/libz.so.1.2.13")
    assert by_name["libc.so.6"].needed_by == (f"{MULTI}/libz.so.1.2.13",)
    assert by_name[LINKER].how == "interpreter"
    assert by_name[LINKER].path == "usr/lib64/ld-linux-x86-64.so.2"
    assert by_name["ld-linux-x86-64.so.2"].how == "loader"


def test_missing_says_who_needs_it() -> None:
    result = closure(
        {"app/run": program("libx.so.1"), "app/libx.so": elf("libx.so.1"), "app/odd": program(interpreter="/nowhere/ld.so")}
    )
    assert [(missing.name, missing.needed_by) for missing in result.missing] == [
        ("/nowhere/ld.so", ("app/odd",)),
        ("libx.so.1", ("app/libx.so", "app/run")),
    ]


def test_order_of_places() -> None:
    everywhere = {f"{folder}/libx.so.1": elf() for folder in ("rp", "env", "rup", "usr/local/lib", MULTI, "usr/lib")}
    env = ["LD_LIBRARY_PATH=/gone:/env"]

    def first(**paths: object) -> tuple[str, str]:
        return found(closure({**everywhere, "app/run": program("libx.so.1", **paths)}, env=env))["libx.so.1"]

    assert first(rpath=("/rp",)) == ("rp/libx.so.1", "rpath")
    assert first(rpath=("/rp",), runpath=("/rup",)) == ("env/libx.so.1", "LD_LIBRARY_PATH")
    env = []
    assert first(rpath=("/rp",), runpath=("/rup",)) == ("rup/libx.so.1", "runpath")
    assert first() == ("usr/local/lib/libx.so.1", "ld.so.conf")
    del everywhere["usr/local/lib/libx.so.1"]
    assert first() == (f"{MULTI}/libx.so.1", "default")
    del everywhere[f"{MULTI}/libx.so.1"]
    assert first(runpath=("/gone:/rup",)) == ("rup/libx.so.1", "runpath")
    assert first() == ("usr/lib/libx.so.1", "default")


def test_rpath_is_inherited_and_runpath_is_not() -> None:
    files = {"d/liba.so": elf("libb.so"), "d/libb.so": elf()}
    assert closure({**files, "app/run": program("liba.so", rpath=("/d",))}).complete
    result = closure({**files, "app/run": program("liba.so", runpath=("/d",))})
    assert [missing.name for missing in result.missing] == ["libb.so"]
    # A library with a RUNPATH of its own asks nobody's RPATH.
    files["d/liba.so"] = elf("libb.so", runpath=("/other",))
    assert not closure({**files, "app/run": program("liba.so", rpath=("/d",))}).complete


def test_a_library_is_loaded_once_per_process() -> None:
    files = {
        "one/libx.so.1": elf(soname="libx.so.1"),
        "two/libx.so.1": elf(soname="libx.so.1"),
        "one/libname.so": elf(soname="libreal.so.3"),
        "one/liba.so": elf("libx.so.1", "libreal.so.3", runpath=("/two",)),
    }
    result = closure({**files, "app/run": program("libx.so.1", "libname.so", "liba.so", runpath=("/one",))})
    assert result.complete
    assert found(result)["libx.so.1"] == ("one/libx.so.1", "runpath")
    assert found(result)["libreal.so.3"][0] == "one/libname.so"


def test_origin_and_lib() -> None:
    files: dict[str, Entry] = {
        "app/bin/run": program("liba.so", rpath=("${ORIGIN}/../lib:$LIBX",)),
        "app/lib/liba.so": "-> ../real/liba.so.1",
        "app/real/liba.so.1": elf("libb.so", "libc9.so", runpath=("$ORIGIN", "/opt/$LIB")),
        "app/lib/libb.so": elf(),
        "opt/lib/x86_64-linux-gnu/libc9.so": elf(),
        "bin/run": "-> ../app/bin/run",
    }
    result = closure(files, "/bin/run")
    assert result.complete
    assert found(result)["libb.so"] == ("app/lib/libb.so", "runpath")
    assert found(result)["libc9.so"][0] == "opt/lib/x86_64-linux-gnu/libc9.so"


def test_other_machines_and_what_is_no_library_are_passed_over() -> None:
    files: dict[str, Entry] = {
        "usr/local/lib/libx.so": elf(machine="EM_AARCH64"),
        f"{MULTI}/libx.so": "INPUT(libx.so.1)",
        "usr/lib/libx.so": elf(bits=32, machine="EM_386"),
        "usr/lib64/libx.so": elf(),
    }
    assert found(closure({**files, "app/run": program("libx.so")}))["libx.so"][0] == "usr/lib64/libx.so"
    files["usr/lib64/libx.so"] = elf(kind="ET_REL")
    assert not closure({**files, "app/run": program("libx.so")}).complete
    # Of a file whose content nobody knows, the name is believed.
    files["usr/lib64/libx.so"] = None
    assert closure({**files, "app/run": program("libx.so")}).complete


def test_names_with_a_slash_are_paths_from_the_workdir() -> None:
    result = closure({"app/run": program("./libx.so", "/abs/liby.so"), "srv/libx.so": elf(), "abs/liby.so": elf()})
    assert found(result)["./libx.so"] == ("srv/libx.so", "path")
    assert found(result)["/abs/liby.so"] == ("abs/liby.so", "path")


def test_setuid_programs_ignore_the_environment() -> None:
    image, table = made_image(GLIBC, {"app/run": program("libx.so"), "env/libx.so": elf()}, env=["LD_LIBRARY_PATH=/env"])
    assert needed_libraries(image, table, ["app/run"]).complete
    image.layers[1].entries.modes[0] = 0o4755
    assert not needed_libraries(image, table, ["app/run"]).complete


def test_what_is_no_elf_file() -> None:
    result = closure({"app/text": "#!/bin/sh", "app/static": elf(kind="ET_EXEC")}, "app/text", "/app/static", "gone", "app")
    assert result.not_elf == ("app/text", "gone", "app")
    assert (result.files, result.libraries, result.missing) == (("app/static",), (), ())


def test_dependency_loops_end() -> None:
    assert closure(
        {"app/run": program("liba.so", rpath=("/app",)), "app/liba.so": elf("libb.so"), "app/libb.so": elf("liba.so")}, "app/run"
    ).complete


MUSL: dict[str, Entry] = {
    "lib/ld-musl-x86_64.so.1": elf(soname="libc.musl-x86_64.so.1"),
    "lib/libc.musl-x86_64.so.1": "-> ld-musl-x86_64.so.1",
    "usr/lib/libz.so.1": elf("libc.musl-x86_64.so.1"),
    "usr/local/lib/libz.so.1": elf("libc.musl-x86_64.so.1"),
}


def musl(*needed: str, **more: object) -> ElfFacts:
    return program(*needed, interpreter="/lib/ld-musl-x86_64.so.1", **more)


def test_musl() -> None:
    result = closure({"app/run": musl("libz.so.1", "libpthread.so.0", "libc.musl-x86_64.so.1")}, base=MUSL)
    assert result.complete
    assert found(result)["libz.so.1"] == ("usr/local/lib/libz.so.1", "default")
    assert found(result)["libc.musl-x86_64.so.1"] == ("lib/ld-musl-x86_64.so.1", "loader")
    assert found(result)["libpthread.so.0"][1] == "loader"
    own_path = {**MUSL, "etc/ld-musl-x86_64.path": "/usr/lib:/lib\n"}
    assert found(closure({"app/run": musl("libz.so.1")}, base=own_path))["libz.so.1"][0] == "usr/lib/libz.so.1"


def test_musl_takes_environment_first_and_inherits_runpath() -> None:
    files = {"d/liba.so": elf("libb.so"), "d/libb.so": elf(), "env/liba.so": elf()}
    run = {**files, "app/run": musl("liba.so", runpath=("/d",), rpath=("/ignored",))}
    assert found(closure(run, base=MUSL))["libb.so"] == ("d/libb.so", "runpath")
    assert found(closure(run, base=MUSL, env=["LD_LIBRARY_PATH=/env"]))["liba.so"] == ("env/liba.so", "LD_LIBRARY_PATH")


def test_musl_library_alone() -> None:
    result = closure({"app/ext.so": elf("libc.musl-x86_64.so.1", "libz.so.1")}, base=MUSL)
    assert result.complete
    assert found(result)["libc.musl-x86_64.so.1"] == ("lib/ld-musl-x86_64.so.1", "loader")


def test_a_glibc_program_on_musl_lacks_its_linker() -> None:
    result = closure({"app/run": program("libc.so.6")}, base=MUSL)
    assert {missing.name for missing in result.missing} == {LINKER, "libc.so.6"}


def test_configured_folders() -> None:
    image, table = made_image(
        {
            "etc/ld.so.conf": "/one # why\ninclude ld.so.conf.d/*.conf\nhwcap 0 nosegneg\n/last=libc6\nrelative\n",
            "etc/ld.so.conf.d/b.conf": "/b\n",
            "etc/ld.so.conf.d/d.conf": "/d\n",
            "etc/ld.so.conf.d/a.conf": "include /etc/ld.so.conf\n\t/a\n",
            "etc/ld.so.conf.d/.hidden.conf": "/hidden\n",
            "etc/ld.so.conf.d/c.txt": "/c\n",
        }
    )
    assert configured_folders(image, table) == ["/one", "/a", "/b", "/d", "/last"]
    assert expand(table, "/etc/ld.*/[ab].conf") == ["/etc/ld.so.conf.d/a.conf", "/etc/ld.so.conf.d/b.conf"]
    assert expand(table, "/nothing/*") == []


def test_patterns_of_hostile_images_are_bounded() -> None:
    image, table = made_image({f"l{n}": "-> ." for n in range(20)} | {"etc/ld.so.conf": "include " + "/*" * 12 + "\n"})
    assert configured_folders(image, table) == []


def test_searches_of_hostile_images_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msbtui.image.closure._MOST_PLACES", 500)
    with pytest.raises(TargetError, match="too many places"):
        closure({"app/run": program(*(f"lib{n}.so" for n in range(30)), runpath=tuple(f"/{n}" for n in range(30)))})


def test_a_file_that_was_read_and_is_not_elf_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents gathered from a stream keep a digest of every file, but the text of few."""
    files: dict[str, Entry] = {"app/run": program("libx.so"), "usr/local/lib/libx.so": "INPUT(libx.so.1)"}
    image, table = made_image(GLIBC, files)
    monkeypatch.setattr(image.layers[1].contents, "text", lambda entry, limit=0: None)
    assert [missing.name for missing in needed_libraries(image, table, ["app/run"]).missing] == ["libx.so"]
