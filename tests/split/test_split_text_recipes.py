"""Plans from the text alone for .NET, Elixir, Haskell, Java and Alpine: written, and said to be unproven."""

from __future__ import annotations

import pytest
from text_plans import plan


def runtime(text: str) -> str:
    found = plan(text)
    assert found.decision == "split", found.reasons
    return found.dockerfile.partition("# runtime stage")[2]


DOTNET = """FROM mcr.microsoft.com/dotnet/sdk:{tag}
WORKDIR /src
COPY . .
RUN dotnet publish -c Release {out}
ENTRYPOINT ["dotnet", "{program}"]
"""
ELIXIR = """FROM elixir:{tag}
WORKDIR /app
COPY . .
RUN MIX_ENV=prod mix release
CMD ["_build/prod/rel/shop/bin/shop", "start"]
"""
HASKELL = """FROM haskell:{tag}
WORKDIR /src
COPY . .
RUN {run}
CMD ["shop"]
"""
JAVA = """FROM maven:3-eclipse-temurin-17
WORKDIR /src
COPY . .
RUN mvn package
CMD ["java", "-Xmx1g", "-jar", "{jar}"]
"""
GO = """FROM golang:{tag}
RUN apk add --no-cache gcc musl-dev sqlite-dev
WORKDIR /src
COPY . .
RUN {env}go build -o /usr/local/bin/shop .
CMD ["shop"]
"""


@pytest.mark.parametrize(
    ("tag", "out", "program", "base"),
    [
        ("8.0", "-o /app", "/app/Shop.dll", "mcr.microsoft.com/dotnet/aspnet:8.0"),
        ("8.0.404-bookworm-slim", "--output=../app", "/app/Shop.dll", "mcr.microsoft.com/dotnet/aspnet:8.0-bookworm-slim"),
        ("8.0", "", "bin/Release/net8.0/publish/Shop.dll", "mcr.microsoft.com/dotnet/aspnet:8.0"),
    ],
)
def test_dotnet_publishes_onto_the_runtime_of_its_version(tag, out, program, base):
    text = runtime(DOTNET.format(tag=tag, out=out, program=program))
    assert f"FROM {base}\n" in text
    folder = "/app" if out else "/src/bin/Release/net8.0/publish"
    assert f"COPY --from=build {folder} {folder}\n" in text


def test_dotnet_on_alpine_gets_the_languages_that_the_sdk_had():
    text = runtime(DOTNET.format(tag="8.0-alpine3.20", out="-o /app", program="/app/Shop.dll"))
    assert "FROM mcr.microsoft.com/dotnet/aspnet:8.0-alpine3.20\n" in text
    assert "apk add --no-cache \\\n        icu-data-full \\\n        icu-libs \\\n        tzdata\n" in text
    assert "ENV DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=false\n" in text


@pytest.mark.parametrize(
    ("tag", "out", "program"),
    [("8.0", "", "/elsewhere/Shop.dll"), ("8.0", "-o /app", "/other/Shop.dll"), ("latest", "-o /app", "/app/Shop.dll")],
)
def test_dotnet_of_which_the_text_says_too_little_is_none(tag, out, program):
    assert plan(DOTNET.format(tag=tag, out=out, program=program)).decision == "none"


def test_elixir_copies_the_release_onto_the_slim_image_of_the_same_version():
    text = runtime(ELIXIR.format(tag="1.16"))
    assert "FROM elixir:1.16-slim\n" in text
    assert "COPY --from=build /app/_build/prod/rel/shop /app/_build/prod/rel/shop\n" in text
    assert plan(ELIXIR.format(tag="1.16-slim")).decision == "none"
    assert plan(ELIXIR.format(tag="1.16").replace("mix release", "mix compile")).decision == "none"


@pytest.mark.parametrize(
    ("run", "path"),
    [
        ("cabal update && cabal install exe:shop --installdir=/opt/bin --install-method=copy", "/opt/bin/shop"),
        ("stack install", "/root/.local/bin/shop"),
        ("stack build --copy-bins --local-bin-path /usr/local/bin", "/usr/local/bin/shop"),
    ],
)
def test_haskell_copies_the_program_and_asks_for_its_packages(run, path):
    text = plan(HASKELL.format(tag="9.6-bullseye", run=run)).dockerfile
    assert f"COPY --from=build {path} {path}\n" in text
    assert "FROM debian:bullseye-slim\n" in text
    folder = path.rpartition("/")[0]
    assert (f"ENV PATH={folder}:$PATH\n" in text) is (folder != "/usr/local/bin")
    assert "libgmp10 \\\n        netbase \\\n        $(cat /tmp/runtime-packages)" in text


def test_haskell_without_a_release_in_its_tag_is_none():
    found = plan(HASKELL.format(tag="9.6", run="stack install"))
    assert found.decision == "none"
    assert "which Debian release haskell:9.6 stands on cannot be told from the name" in found.reasons[0]


def test_java_copies_the_jar_onto_the_runtime_of_the_same_java():
    text = runtime(JAVA.format(jar="target/shop-1.0.jar"))
    assert "FROM eclipse-temurin:17-jre\n" in text
    assert "COPY --from=build /src/target/shop-1.0.jar /src/target/shop-1.0.jar\n" in text
    assert plan(JAVA.format(jar="target/*.jar")).decision == "none"


def test_alpine_asks_by_soname_on_the_release_that_the_tag_names():
    text = plan(GO.format(tag="1.22-alpine3.19", env="")).dockerfile
    assert "scanelf" in text.partition("AS runtime-packages")[2]
    assert "FROM alpine:3.19\n" in text
    assert (
        "RUN apk add --no-cache \\\n        ca-certificates \\\n        $(cat /tmp/runtime-packages) \\\n"
        "    && rm /tmp/runtime-packages\n"
    ) in text
    assert "apt-get" not in text


def test_alpine_of_an_unknown_release_takes_only_what_is_static():
    assert plan(GO.format(tag="1.22-alpine", env="")).decision == "none"
    assert "FROM alpine:latest\n" in runtime(GO.format(tag="1.22-alpine", env="CGO_ENABLED=0 "))


def test_a_command_that_only_the_toolchains_image_finds_is_found_in_the_new_one():
    text = runtime('FROM golang:1.22-bookworm\nWORKDIR /src\nCOPY . .\nRUN go install ./cmd/shop\nCMD ["shop"]\n')
    assert "COPY --from=build /go/bin /go/bin\n" in text
    assert "ENV PATH=/go/bin:$PATH\n" in text
