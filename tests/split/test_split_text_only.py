"""Plans from the text alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_plans import plan


def test_go_with_a_named_output():
    found = plan(
        "FROM golang:1.22-bookworm\n"
        "WORKDIR /src\n"
        "COPY . .\n"
        "RUN CGO_ENABLED=0 go build -o /bin/app ./cmd\n"
        "WORKDIR /\n"
        "EXPOSE 80\n"
        'CMD ["/bin/app"]\n'
    )
    assert found.decision == "split"
    assert found.dockerfile.endswith(
        "# runtime stage: only what runs\nFROM debian:bookworm-slim\n\n# TLS needs the certificates\nRUN apt-get update \\\n"
        "    && apt-get install -y --no-install-recommends \\\n        ca-certificates \\\n    && rm -rf /var/lib/apt/lists/*\n\n"
        'COPY --from=build /bin/app /bin/app\n\nEXPOSE 80\nCMD ["/bin/app"]\n'
    )
    assert any("unproven" in reason for reason in found.reasons)
    assert found.size_before is None


def test_make_install_takes_the_prefix_and_asks_the_build_stage_for_packages():
    found = plan(
        "FROM debian:bookworm-slim\n"
        "RUN apt-get update && apt-get install -y gcc libfoo-dev\n"
        "COPY . /src\n"
        "RUN cd /src && ./configure --prefix=/opt/x && make install\n"
        'CMD ["/opt/x/bin/app"]\n'
    )
    assert found.decision == "split"
    assert "FROM build AS runtime-packages\nRUN find /opt/x " in found.dockerfile
    assert "COPY --from=build /opt/x /opt/x\n" in found.dockerfile
    assert "$(cat /tmp/runtime-packages)" in found.dockerfile


def test_python_takes_site_packages_commands_and_the_working_directory():
    found = plan('FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r r.txt\nENV A=1\nCMD ["python", "x.py"]\n')
    assert "FROM python:3.11-slim\n" in found.dockerfile
    for path in ("/usr/local/lib/python3.11/site-packages", "/usr/local/bin", "/app"):
        assert f"COPY --from=build {path} {path}\n" in found.dockerfile
    assert found.dockerfile.endswith('ENV A=1\nCMD ["python", "x.py"]\n')


@pytest.mark.parametrize(
    ("text", "decision", "said"),
    [
        ('FROM debian\nRUN make\nCMD ["make", "run"]\n', "refused", "make run"),
        ("FROM node:20\nWORKDIR /a\nCOPY . .\nCMD npm run dev\n", "refused", "npm run dev"),
        ("FROM debian\nCMD bash\n", "refused", "it starts only `bash`"),
        ('FROM node:20\nCOPY . .\nCMD ["sleep", "infinity"]\n', "refused", "it starts only `sleep infinity`"),
        ("FROM node:20\nCOPY . .\nCMD cd /a && exec npx ng serve\n", "refused", "CMD runs `exec npx ng`"),
        ('FROM debian\nCOPY . .\nENTRYPOINT ["/bin/sh", "-c", "make all && ./x"]\n', "refused", "ENTRYPOINT runs `make all`"),
        ("FROM x/devcontainers/go:1\nRUN make\nCMD x\n", "refused", "its base is x/devcontainers/go:1"),
        ('FROM debian\nRUN make\nCMD ["server"]\n', "none", "`server`"),
        ('FROM python:3.11-slim\nWORKDIR /a\nCOPY . .\nRUN pip install x\nCMD ["python", "x.py"]\n', "none", "small already"),
        ('FROM acme/base\nRUN make install\nCMD ["x"]\n', "none", "acme/base"),
        ("FROM scratch\nCOPY a /a\n", "none", "scratch"),
        ('FROM golang:1-alpine\nRUN go build -o /a\nCMD ["/a"]\n', "none", "Alpine"),
    ],
)
def test_what_the_text_does_not_say_is_not_guessed(text, decision, said):
    found = plan(text)
    assert found.decision == decision
    assert found.dockerfile == ""
    assert said in " ".join(found.reasons)


def test_a_stage_name_that_is_taken_is_not_used_again():
    found = plan(
        "FROM debian AS Build\n"
        "RUN echo\n"
        "FROM golang:1.22-bookworm\n"
        "COPY --from=build /etc/hosts /h\n"
        "RUN go build -o /a\n"
        'CMD ["/a"]\n'
    )
    assert "FROM golang:1.22-bookworm AS builder\n" in found.dockerfile
    assert "COPY --from=builder /a /a\n" in found.dockerfile


def test_windows_line_ends_and_odd_forms_stay():
    text = 'from golang:1.22-bookworm  \r\nRUN go build -o /a # x\r\nCMD ["/a"]'
    found = plan(text)
    assert found.dockerfile.startswith('from golang:1.22-bookworm as build  \r\nRUN go build -o /a # x\r\nCMD ["/a"]\r\n')
    assert "\n" not in found.dockerfile.replace("\r\n", "")


def test_what_is_copied_apart_from_the_sources_comes_along_and_a_copy_of_everything_is_said():
    found = plan(
        "FROM rust:1-bookworm\n"
        "WORKDIR /app\n"
        "COPY Cargo.toml Cargo.lock ./\n"
        "COPY src ./src\n"
        "COPY templates/ templates/\n"
        "COPY Rocket.toml .env ./\n"
        "COPY gone.json /app/gone.json\n"
        "COPY deep/static /srv/static\n"
        "ADD assets.tar.gz /srv\n"
        "COPY --from=tool /bin/x /bin/x\n"
        "RUN cargo build --release && rm gone.json\n"
        'CMD ["./target/release/app"]\n'
    )
    copied = [line.split()[-1] for line in found.dockerfile.splitlines() if line.startswith("COPY --from=build")]
    assert copied == ["/app/.env", "/app/Rocket.toml", "/app/target/release/app", "/app/templates", "/srv/static"]
    assert len(found.reasons) == 1
    whole = plan('FROM rust:1-bookworm\nWORKDIR /app\nCOPY . .\nRUN cargo build\nCMD ["./target/debug/app"]\n')
    assert "`COPY . .` may bring files that the program reads" in whole.reasons[1]


def test_users_that_an_installing_run_makes_are_made_again_and_data_that_it_installs_comes_along():
    found = plan(
        "FROM debian:bookworm\n"
        "RUN apt-get update && apt-get install -y gcc && make && addgroup --system --gid 1883 mq 2>/dev/null && \\\n"
        "    adduser --system --ingroup mq --uid 1883 --home /var/empty mq && install -s mq /usr/sbin/mq && \\\n"
        "    cp -r web /usr/share/mq && cp x /tmp/x\n"
        'CMD ["/usr/sbin/mq"]\n'
    )
    assert (
        "RUN addgroup --system --gid 1883 mq && adduser --system --ingroup mq --uid 1883 --home /var/empty mq\n"
        in found.dockerfile.partition("# runtime stage")[2]
    )
    assert "COPY --from=build /usr/share/mq /usr/share/mq\n" in found.dockerfile
    assert "COPY --from=build /tmp/x" not in found.dockerfile


@pytest.mark.parametrize(
    ("run", "start", "kept"),
    [
        ("make install", '["app", "-d", "-c", "app.conf"]', ["/src/app.conf"]),
        ("make install", '["app", "--config=conf/app.yaml"]', ["/src/conf/app.yaml"]),
        ("make install && cp app.conf /etc/ && rm app.conf", '["app", "-c", "app.conf"]', []),
        ("make install", '["app", "-c", "/etc/app.conf", "--log", "app.log", "http://h/x.json"]', []),
    ],
)
def test_settings_that_the_start_is_given_come_along_from_a_copy_of_everything(run: str, start: str, kept: list[str]):
    found = plan(f"FROM debian:bookworm\nCOPY . /src\nWORKDIR /src\nRUN {run}\nCMD {start}\n")
    copied = re.findall(r"COPY --from=build (/src\S*) ", found.dockerfile)
    assert copied == kept


BASES = [
    "golang:1",
    "debian:bookworm",
    "python:3.11",
    "node:20",
    "ruby:3",
    "gcc",
    "rust:1-alpine",
    "maven:3",
    "eclipse-temurin:17",
    "mcr.microsoft.com/dotnet/sdk:8.0",
    "elixir:1",
    "haskell:9",
    "alpine",
]
FORMS = """
RUN [] | RUN [""] | RUN ["a"] | RUN cd | RUN cd && make install | RUN -o | RUN gcc -o | RUN gcc x -o app
RUN go build -o | RUN go build -o /app . | RUN go install | RUN install -m 755 a /usr/local/bin/a | RUN cp a
RUN cp a /usr/local/bin | RUN rm | RUN mv a | RUN useradd | RUN useradd -m x && make | RUN apt-get install -y
RUN apt-get install -y gcc | RUN "" | RUN $X | RUN "$X" -o y | RUN <<E\\nmake install\\nE | RUN mvn package
RUN dotnet publish -o | RUN dotnet publish -o /out | RUN cabal install --installdir= | RUN python -m venv
RUN virtualenv | RUN pip install x | RUN mix release | COPY . . | COPY ["a", "b"] | COPY . /src | ADD x.tar /
COPY *.json /etc/ | WORKDIR $X | WORKDIR /a | CMD [] | CMD [""] | CMD app | CMD ["app", "--config=/src/x.yml"]
ENTRYPOINT [] | ENTRYPOINT ["/app"] | ENTRYPOINT app $X | ENV A= | ENV A b | ENV PATH=/x:$PATH | ARG X | USER x
HEALTHCHECK NONE | HEALTHCHECK CMD x | CMD ["java", "-jar"] | CMD ["dotnet"] | CMD ["java", "-jar", "/t/a.jar"]
CMD ["dotnet", "a.dll"] | SHELL ["/bin/bash"] | VOLUME /a | EXPOSE 80
"""
FORMS_OF_INSTRUCTIONS = [form.strip().replace("\\n", "\n") for line in FORMS.strip().split("\n") for form in line.split(" | ")]


@given(st.sampled_from(BASES), st.lists(st.sampled_from(FORMS_OF_INSTRUCTIONS), max_size=7))
@settings(max_examples=300, deadline=None)
def test_every_form_of_instruction_has_a_plan_that_a_builder_reads(base: str, lines: list[str]) -> None:
    made = plan("\n".join([f"FROM {base}", *lines, ""]))
    assert (made.decision == "split") is bool(made.dockerfile)
    assert made.reasons


@pytest.mark.parametrize("form", FORMS_OF_INSTRUCTIONS)
def test_each_form_alone_has_a_plan(form: str) -> None:
    for base in ("golang:1", "python:3.11", "maven:3"):
        assert plan(f"FROM {base}\n{form}\n").reasons
