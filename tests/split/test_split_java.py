"""Plans for Java programs: classes and jars on the class path, jars named by scripts, packages whose scripts need a directory."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, MEGABYTE, PATH, D, F, L, P, World, dpkg, elf, library, script, sibling, view

from msbtui.image.model import ImageConfig
from msbtui.split.java import java_start
from msbtui.split.words import shell_commands

JAVA = "usr/lib/jvm/java-17-openjdk-amd64"
PACKAGES = {
    **DEBIAN_PACKAGES,
    "openjdk-17-jre-headless": P([f"{JAVA}/bin/java", f"{JAVA}/lib/libjvm.so"], "java", "libc6"),
    "openjdk-17-jdk-headless": P([f"{JAVA}/bin/javac"], "java", "openjdk-17-jre-headless", manual=True),
}
JDK = {
    **DEBIAN,
    f"{JAVA}/bin/java": elf("libjvm.so", "libc.so.6"),
    f"{JAVA}/lib/libjvm.so": library("libjvm.so", "libc.so.6", size=20 * MEGABYTE),
    f"{JAVA}/bin/javac": elf("libc.so.6", size=200 * MEGABYTE),
    "etc/alternatives/java": L(f"/{JAVA}/bin/java"),
    "usr/bin/java": L("/etc/alternatives/java"),
    "usr/share/man/man1/x.1": F("manual"),
    **dpkg(PACKAGES),
}


def world(made: dict[str, object], *words: str, workdir: str = "/app", cmd: tuple[str, ...] | None = None) -> World:
    text = f"FROM openjdk:17\nWORKDIR {workdir}\nCOPY . .\nRUN javac *.java\nCMD {list(cmd or words)}\n".replace("'", '"')
    config = ImageConfig(env=(PATH,), cmd=cmd or words, workdir=workdir)
    return World(
        text, [("RUN /bin/sh -c javac *.java # buildkit", made)], config, base=JDK, siblings=[sibling("debian:bookworm-slim")]
    )  # type: ignore[list-item]


SOURCES = {"app/Main.java": F("class Main"), "app/Other.java": F("class Other"), "app/README.md": F("read me")}


def test_classes_beside_their_sources_are_what_runs():
    runtime = world(
        {**SOURCES, "app/Main.class": F("cafe"), "app/in/Other.class": F("babe")}, "java", "-Xmx1g", "Main", "x"
    ).runtime()
    assert "/app/Main.class" in runtime
    assert "/app/in" in runtime
    assert ".java" not in runtime
    assert "README" not in runtime


def test_the_jar_comes_with_the_jars_beside_it_and_the_classes_it_was_made_of_do_not():
    made = {
        **SOURCES,
        "app/pom.xml": F("<project>"),
        "app/target/app-1.jar": F("PK", size=MEGABYTE),
        "app/target/lib/dep.jar": F("PK"),
        "app/target/classes/Main.class": F("cafe"),
    }
    runtime = world(made, cmd=("/bin/sh", "-c", "java -jar target/*.jar")).runtime()
    assert "/app/target/app-1.jar" in runtime
    assert "/app/target/lib" in runtime
    assert "classes" not in runtime


def test_a_script_that_finds_the_jar_from_its_own_place_is_understood():
    made = {
        "app/pom.xml": F("<project>"),
        "opt/tool/run": script('#!/bin/bash\nJAR="$(dirname "$0")/out/tool.jar"\nexec java -jar $JAR "$@"\n'),
        "opt/tool/out/tool.jar": F("PK", size=MEGABYTE),
        "opt/tool/pom.xml": F("<project>"),
        "opt/tool/out/other.jar": F("PK", size=MEGABYTE),
    }
    plan = world(made, "/opt/tool/run", workdir="/").plan()
    assert "opt/tool/out/tool.jar" in plan.kept
    assert "opt/tool/out/other.jar" not in plan.kept


def test_java_comes_as_its_package_and_its_links_are_not_copied_beside_it():
    runtime = world({**SOURCES, "app/Main.class": F("cafe")}, "java", "Main").runtime()
    assert "        openjdk-17-jre-headless \\\n" in runtime
    assert "/usr/bin/java" not in runtime
    assert "RUN mkdir -p /usr/share/man/man1 \\\n    && apt-get update \\\n" in runtime


@pytest.mark.parametrize(
    ("words", "jar", "main", "places"),
    [
        ("-Xmx1g -jar a.jar x", "a.jar", "", ()),
        ("-Dx=y -cp lib/*:classes pkg.Main -jar b.jar", "", "pkg.Main", ("lib/*", "classes")),
        ("--class-path=a:b Main", "", "Main", ("a", "b")),
        ("--add-opens java.base/java.lang=ALL-UNNAMED -p mods -m x/y.Z", "", "x/y.Z", (".", "mods")),
        ("Main", "", "Main", (".",)),
        ("-jar", "", "", ()),
        ("$JAVA_OPTS ${MORE} -jar a.jar", "a.jar", "", ()),
        ("$OPTS -cp lib/* pkg.Main", "", "pkg.Main", ("lib/*",)),
        ("-cp x $MAIN", "", "$MAIN", ("x",)),
        ("-cp", "", "", (".",)),
    ],
)
def test_the_words_behind_java(words: str, jar: str, main: str, places: tuple[str, ...]):
    found = java_start(tuple(words.split()))
    assert (found.jar, found.main, found.class_path) == (jar, main, places)


@pytest.mark.parametrize(
    "text",
    [
        "D=$(dirname $0)\njava -jar $D/a.jar",
        'D="$(cd "$(dirname "$0")" && pwd)"\njava -jar "$D"/a.jar',
        "export D=`dirname $0`; java -jar ${D}/a.jar",
        'HERE=$(dirname "$(readlink -f "$0")")\njava -jar "$HERE/a.jar"',
    ],
)
def test_a_scripts_own_directory(text: str):
    assert ("java", "-jar", "/opt/x/a.jar") in list(shell_commands(text, {"0": "/opt/x/run"}))


def test_a_directory_above_the_scripts_own():
    found = list(shell_commands('B=$(cd "$(dirname "$0")/.." && pwd)\n$B/lib/go', {"0": "/opt/x/bin/run"}))
    assert ("/opt/x/bin/../lib/go",) in found


def test_patterns_match_as_a_shell_does():
    made = view([("", {**DEBIAN, "app/a-1.jar": F("x"), "app/.b.jar": F("y"), "app/d/c.jar": F("z")})])
    assert made.glob("app/*.jar") == ["app/a-1.jar"]
    assert made.glob("app/*/c.jar") == ["app/d/c.jar"]
    assert made.glob("app/a-[0-9].jar") == ["app/a-1.jar"]
    assert made.glob("app/none/*.jar") == []


def test_what_maven_leaves_beside_its_jar_stays_behind():
    made = {
        "app/pom.xml": F("<project>"),
        "app/target/app-1.jar": F("PK", size=MEGABYTE),
        "app/target/original-app-1.jar": F("PK", size=MEGABYTE),
        "app/target/maven-status/x.lst": F("x"),
        "app/target/surefire-reports/a.txt": F("ok"),
        "app/target/archive-tmp": D(),
        "app/target/app-1.jar.original": F("PK"),
        "app/target/classes/application.properties": F("a=1"),
        "app/.mvn/wrapper/maven-wrapper.properties": F("x=1"),
        "app/dockerfile": F("FROM x"),
        "app/settings.yml": F("a: 1"),
    }
    runtime = world(made, "java", "-jar", "target/app-1.jar").runtime()
    assert "COPY --from=build /app/target/app-1.jar /app/target/app-1.jar\n" in runtime
    assert (
        "# kept from caution: it lies where the program starts\nCOPY --from=build /app/settings.yml /app/settings.yml\n"
        in runtime
    )
    assert not any(
        word in runtime for word in ("original", "maven-status", "surefire", "archive-tmp", "classes", "wrapper", "file")
    )


def test_libraries_beside_a_start_script_in_bin_belong_to_it_wherever_it_starts():
    start = '#!/bin/sh\nHOME_OF_APP=${app_path%/*}/..\nJAVACMD=`which java`\nexec "$JAVACMD" -cp "$HOME_OF_APP/lib/*" Main\n'
    installed = {f"app/build/install/x/{name}": F("PK", size=2 * MEGABYTE) for name in ("lib/x.jar", "lib/dep.jar")}
    made = {
        "app/build.gradle": F("x"),
        "app/src/Main.java": F("class Main"),
        "app/build/install/x/bin/x": script(start),
        "app/build/install/x/conf/x.yml": F("a: 1"),
        "app/build/distributions/x.tar": F("tar", size=4 * MEGABYTE),
        "app/build/libs/x.jar": F("PK", size=2 * MEGABYTE),
        **installed,
    }
    plan = world(made, "/app/build/install/x/bin/x", workdir="/").plan()
    assert {*installed, "app/build/install/x/conf/x.yml"} <= set(plan.kept)
    assert not {"app/build/libs/x.jar", "app/build/distributions/x.tar"} & set(plan.kept)
    # the script looks Java up before it runs it
    assert "        openjdk-17-jre-headless \\\n" in plan.dockerfile
    there = world(made, "build/install/x/bin/x").plan()
    assert installed.keys() <= set(there.kept)
    assert "app/build/distributions/x.tar" not in there.kept


def test_a_source_trees_own_bin_keeps_no_tree():
    made = {
        "opt/t/bin/t": script("#!/bin/sh\nexec java -jar /opt/t/t.jar\n"),
        "opt/t/pom.xml": F("<project>"),
        "opt/t/lib/unused.bin": F("x", size=3 * MEGABYTE),
        "opt/t/t.jar": F("PK", size=3 * MEGABYTE),
    }
    kept = world(made, "/opt/t/bin/t", workdir="/").plan().kept
    assert "opt/t/t.jar" in kept
    assert "opt/t/lib/unused.bin" not in kept


def test_every_directory_of_jars_beside_the_jar_comes_along_but_not_what_the_build_left_beside_a_copy_of_it():
    parts = ("quarkus-run.jar", "lib/boot/b.jar", "lib/main/m.jar", "app/app.jar", "quarkus/q.jar", "quarkus/q.dat")
    made = {f"app/target/quarkus-app/{name}": F("PK" + name, size=2 * MEGABYTE) for name in parts}
    made |= {"app/pom.xml": F("<project>"), "app/target/app-1.jar": F("PK", size=2 * MEGABYTE)}
    kept = world(made, "java", "-jar", "/app/target/quarkus-app/quarkus-run.jar", workdir="/").plan().kept
    assert {path for path in made if "quarkus-app" in path} <= set(kept)
    assert "app/target/app-1.jar" not in kept
    made = {"app/pom.xml": F("<project>"), "app/app.jar": F("PK", size=MEGABYTE), "app/target/a.jar": F("PK", size=2 * MEGABYTE)}
    assert "app/target/a.jar" not in world(made, "java", "-jar", "/app/app.jar", workdir="/").plan().kept
