"""The provenance that a real BuildKit writes, in an engine with the containerd store and in what it saves.

What it says of lines is compared with what the history says of them: two ways to one answer.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from image_samples import described, digest, tar_of

from msbtui.analysis.lines import match_lines
from msbtui.session import Session
from msbtui.session.model import Options

pytestmark = pytest.mark.engine
HOST = os.environ.get("ENGINE_MODERN")
TAG = "msbtui-test-provenance"
SMALL = "FROM scratch\n"
STAGES = """# only the real one has this
ARG NAME=tool
ARG BASE=scratch

FROM $BASE AS base
COPY one /etc/one
ENV A=b
WORKDIR /srv

FROM scratch AS beside
COPY two /beside

FROM base AS run
ARG NAME
# a comment
COPY --chmod=755 \\
  # in between
  two \\
  /usr/bin/$NAME
COPY --from=beside /beside ./
COPY <<one <<two /texts/
1
one
two: $NAME
two
ADD sub /sub/
COPY --link one /linked
WORKDIR /srv
LABEL name=$NAME
CMD ["/usr/bin/tool"]

FROM base
COPY two /last
"""
RUNS = """FROM debian:bookworm-slim AS build
RUN <<EOT
set -e
echo 1 > /1
EOT
RUN --mount=type=bind,target=/context cat /context/one > /2 && \\
    rm /1

FROM debian:bookworm-slim
SHELL ["/bin/bash", "-c"]
RUN true
RUN true
COPY --from=build /2 /2
ARG WORD
RUN echo $WORD > /word
USER nobody
ENTRYPOINT ["/bin/true"]
"""


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    if not HOST:
        pytest.skip("ENGINE_MODERN names no engine with the containerd store")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    (folder / "sub").mkdir()
    for name in ("one", "two", "sub/three"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def docker(*words: str, given: bytes | None = None) -> str:
    """Run the docker CLI; one build at a time on a machine that several test runs share."""
    environ = {**os.environ, "DOCKER_HOST": HOST or ""}
    with (Path(tempfile.gettempdir()) / "msbtui-provenance.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = subprocess.run(["docker", *words], env=environ, input=given, capture_output=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr.decode()[-2000:]
    return result.stdout.decode()


@contextmanager
def built(*words: str, mode: str = "mode=max", given: bytes | None = None, tag: str = TAG) -> Iterator[str]:
    """Build an image with its provenance beside it, and remove it in the end."""
    docker("buildx", "build", "-q", f"--provenance={mode}", "-t", tag, *words, given=given)
    try:
        yield tag
    finally:
        docker("rmi", "-f", tag)


def opened(target: str, **options: object) -> Session:
    session = Session(Options(target=target, **options), environ={**os.environ, "DOCKER_HOST": HOST or ""})  # type: ignore[arg-type]
    session.run(lambda _: None)
    assert session.error is None
    return session


def saved(name: str, path: Path) -> str:
    docker("save", name, "-o", str(path))
    return str(path)


def by_history(session: Session) -> list[int | None]:
    """Give the line of each layer as the history tells it, without the provenance."""
    assert session.image is not None and session.dockerfile is not None and session.graph is not None
    base = session.base.layers if session.base is not None else 0
    found = match_lines(
        session.dockerfile,
        session.graph,
        session.image.history,
        [layer.history_index for layer in session.image.layers],
        build_args=session.options.build_args,
        base_layers=base,
    )
    assert found.in_sync, (found.verdict, found.notes)
    return [match.line for match in found.matches]


def by_provenance(session: Session) -> list[int | None]:
    """Give the first line of each layer as the provenance alone tells it; None for layers of a FROM."""
    assert session.image is not None and session.image.attestation is not None and session.dockerfile is not None
    froms = {one.span.first_line for one in session.dockerfile.instructions if one.keyword == "FROM"}
    spans = session.image.attestation.lines
    assert len(spans) == len(session.image.layers)
    return [None if span is None or span[0] in froms else span[0] for span in spans]


def check(session: Session, text: str, name: str = "Dockerfile") -> list[int | None]:
    """Hold that a session opened with this very Dockerfile, and that both ways to its lines agree; give them."""
    assert session.attested and not session.reconstructed
    assert session.dockerfile is not None and session.image is not None and session.image.attestation is not None
    assert session.dockerfile.source == text
    assert session.dockerfile.path == name
    assert session.image.attestation.mode == "max"
    assert session.image.attestation.notes == ()
    assert session.dockerfile_origin == "from provenance (mode=max)"
    lines = by_provenance(session)
    assert lines == by_history(session) == [session.line(layer) for layer in range(len(lines))]
    return lines


def test_stages_heredocs_arguments_and_a_target(tmp_path: Path, context: Path) -> None:
    (context / "prod.Dockerfile").write_text(STAGES)
    where = ("-f", str(context / "prod.Dockerfile"), "--build-arg=NAME=axe", "--target=run")
    with built(*where, str(context)) as name:
        for target in (f"docker:{name}", saved(name, tmp_path / "saved.tar")):
            session = opened(target)
            assert check(session, STAGES, "prod.Dockerfile") == [6, 8, 16, 20, 21, 26, 27, 28]
            assert session.options.build_args == {"NAME": "axe"}
            assert session.options.stage == "run"
            assert session.image is not None and "usr/bin/axe" in (session.table.paths if session.table else ())


def test_runs_on_a_base(tmp_path: Path, context: Path) -> None:
    (context / "Dockerfile").write_text(RUNS)
    with built("--build-arg=WORD=x", str(context)) as name:
        session = opened(saved(name, tmp_path / "saved.tar"))
        lines = check(session, RUNS)
        assert lines[-4:] == [11, 12, 13, 15]
        assert session.base is not None and session.base.layers == len(lines) - 4
        assert session.base.name == "debian:bookworm-slim"
        attestation = session.image.attestation if session.image is not None else None
        assert attestation is not None and [base for base, _ in attestation.bases] == ["debian:bookworm-slim"]
        assert check(opened(f"docker:{name}"), RUNS) == lines


def test_mode_min_tells_the_base(tmp_path: Path, context: Path) -> None:
    (context / "Dockerfile").write_text(RUNS)
    with built("--build-arg=WORD=y", str(context), mode="mode=min") as name:
        session = opened(saved(name, tmp_path / "saved.tar"))
        assert session.reconstructed and not session.attested
        assert session.image is not None and session.image.attestation is not None
        assert session.image.attestation.mode == "min"
        assert [base for base, _ in session.image.attestation.bases] == ["debian:bookworm-slim"]
        assert session.base is not None and session.base.name in ("debian:bookworm-slim", "")
        assert session.base.name or not session.base.layers


def test_an_inline_dockerfile_and_a_context_from_an_archive(tmp_path: Path) -> None:
    text = "FROM scratch\n\nCOPY <<there /there\nx\nthere\n"
    with built("-", given=text.encode()) as name:
        assert check(opened(f"docker:{name}"), text) == [3]
    text = "FROM scratch AS a\nCOPY one /\nFROM a\nADD one /two\n"
    archive = tar_of({"some/Dockerfile": text.encode(), "one": b"1"})
    with built("-f", "some/Dockerfile", "-", given=archive) as name:
        assert check(opened(saved(name, tmp_path / "saved.tar")), text, "some/Dockerfile") == [2, 4]


def test_a_context_from_a_server(tmp_path: Path) -> None:
    text = "FROM scratch\nCOPY one /\nCOPY one /two\n"
    (tmp_path / "context.tar").write_bytes(tar_of({"Dockerfile": text.encode(), "one": b"1"}))

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with built(f"http://127.0.0.1:{server.server_port}/context.tar") as name:
                assert check(opened(f"docker:{name}"), text) == [2, 3]
        finally:
            server.shutdown()


def test_named_contexts_and_triggers_of_the_base(context: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY one /base\nONBUILD COPY two /triggered\n")
    with built(str(context), mode="false", tag=f"{TAG}-base") as base:
        text = "ARG X=1\nFROM under AS b\nCOPY one /b\nFROM b\nCOPY --from=other sub/three /c\n"
        (context / "Dockerfile").write_text(text)
        named = (f"--build-context=under=docker-image://{base}", f"--build-context=other={context}")
        with built(*named, str(context)) as name:
            session = opened(f"docker:{name}")
            # A trigger has lines of its own text, so that the provenance and the history do not tell the same of it.
            assert session.attested and session.image is not None and session.image.attestation is not None
            assert [session.line(layer) for layer in range(len(session.image.layers))][-2:] == [3, 5]
            assert session.line(0) is None
            assert session.options.build_contexts == {"under": f"docker-image://{base}", "other": "local:other"}
            assert session.provenance is not None and not any("provenance" in note for note in session.provenance.notes)


def test_two_platforms(tmp_path: Path, context: Path) -> None:
    text = "FROM scratch AS s\nCOPY one /one\nFROM s\nARG TARGETARCH\nCOPY two /$TARGETARCH\n"
    (context / "Dockerfile").write_text(text)
    with built("--platform=linux/amd64,linux/arm64", str(context)) as name:
        path = saved(name, tmp_path / "saved.tar")
        for architecture in ("amd64", "arm64"):
            session = opened(path, platform=f"linux/{architecture}")
            assert check(session, text) == [2, 5]
            assert session.table is not None and architecture in session.table.paths


def as_slsa_1(path: str, out: Path) -> None:
    """Write the archive at `path` anew, its provenance in the form of SLSA 1 (provenance/types/types.go has both)."""
    with tarfile.open(path) as tar:
        files = {one.name: tar.extractfile(one).read() for one in tar if one.isfile()}  # type: ignore[union-attr]
    kind = "https://slsa.dev/provenance/"
    documents = {name: json.loads(data) for name, data in files.items() if data[:1] == b"{"}
    (old,) = [name for name, document in documents.items() if document.get("predicateType") == f"{kind}v0.2"]
    statement = documents[old]
    said = statement["predicate"]
    statement["predicateType"] = f"{kind}v1"
    statement["predicate"] = {
        "buildDefinition": {
            "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
            "externalParameters": {"configSource": {"path": "Dockerfile"}, "request": said["invocation"]["parameters"]},
            "internalParameters": {"buildConfig": said["buildConfig"], "builderPlatform": "linux/amd64"},
            "resolvedDependencies": said.get("materials"),
        },
        "runDetails": {
            "builder": {"id": ""},
            "metadata": {"buildkit_metadata": said["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]},
        },
    }
    changed = {old: statement}
    # Every index and manifest that names the one that changed names it anew, up to index.json.
    while changed:
        was, document = changed.popitem()
        data = json.dumps(document).encode()
        del files[was]
        files[f"blobs/sha256/{digest(data)[7:]}" if was.startswith("blobs/") else was] = data
        for other, above in documents.items():
            for one in (*above.get("manifests", ()), *above.get("layers", ())):
                if one["digest"] == f"sha256:{was.rpartition('/')[2]}":
                    one.update(described(data))
                    if "in-toto.io/predicate-type" in one.get("annotations", {}):
                        one["annotations"]["in-toto.io/predicate-type"] = f"{kind}v1"
                    changed[other] = above
    out.write_bytes(tar_of(dict(files)))


def test_slsa_1_says_the_same(tmp_path: Path, context: Path) -> None:
    """BuildKit before 0.21 writes SLSA 0.2 alone; what it wrote is put as 1 has it."""
    (context / "Dockerfile").write_text(STAGES)
    with built("--build-arg=NAME=axe", "--target=run", str(context)) as name:
        path = saved(name, tmp_path / "saved.tar")
    as_slsa_1(path, tmp_path / "v1.tar")
    assert b"slsa.dev/provenance/v0.2" not in (tmp_path / "v1.tar").read_bytes()
    assert check(opened(str(tmp_path / "v1.tar")), STAGES) == [6, 8, 16, 20, 21, 26, 27, 28]
