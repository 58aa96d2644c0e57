"""A session: what it knows when, what stays when a file breaks, and which image it takes for a Dockerfile's."""

from __future__ import annotations

import threading

import pytest

from msbtui.engine.docker import EngineImage, EngineImageDetails
from msbtui.errors import TargetError, UsageError
from msbtui.image.model import HistoryItem, ImageConfig
from msbtui.session import Session
from msbtui.session.demo import demo_session, recording
from msbtui.session.find import ImageWatch, find_image
from msbtui.session.model import AnalysisReady, Failed, GraphReady, ImageFound, LayerReady, NoImage, Options, PlanReady

TEXT = 'FROM debian:bookworm-slim\nRUN make\nCMD ["app"]\n'


class FakeEngine:
    """An engine that has images by id: tags, time, and the commands in their history."""

    name = "a fake engine"

    def __init__(self, **images):
        self.has = images
        self.questions = 0

    def images(self):
        return [EngineImage(ref, tags, created) for ref, (tags, created, _) in self.has.items()]

    def inspect(self, ref):
        self.questions += 1
        for image, (tags, created, commands) in self.has.items():
            if ref == image or ref in tags:
                history = tuple(
                    HistoryItem(
                        created_by=f"{command} # buildkit", comment="buildkit.dockerfile.v0", empty_layer=command[0] == "C"
                    )
                    for command in commands
                )
                ids = tuple(f"sha256:{image}{n}" for n, command in enumerate(commands) if command[0] != "C")
                return EngineImageDetails(image, tags, ImageConfig(), history, ids, "linux/amd64", str(created), 0)
        raise TargetError("no such image", where=ref)


GOOD = ("RUN /bin/sh -c make", 'CMD ["app"]')
OTHER = ("RUN /bin/sh -c npm ci", 'CMD ["node"]')


@pytest.fixture
def session(tmp_path):
    (tmp_path / "Dockerfile").write_text(TEXT)
    session = Session(Options(target=str(tmp_path)), environ={})
    session.open()
    return session


def events_of(session, **options):
    told = []
    session.run(told.append, **options)
    return told


def test_the_dockerfile_is_read_before_any_engine_is_asked(session):
    assert session.graph is not None
    assert session.graph.target_index == 0
    assert session.image is None


def test_results_are_told_in_the_order_in_which_they_come():
    session = demo_session("c")
    told = events_of(session, plan=True)
    kinds = [type(event) for event in told if type(event) in (GraphReady, ImageFound, LayerReady, AnalysisReady, PlanReady)]
    assert kinds == [GraphReady, ImageFound, *[LayerReady] * 8, AnalysisReady, PlanReady]
    assert session.error is None
    assert session.plan is not None
    assert session.provenance.in_sync


def test_a_syntax_error_keeps_the_last_good_graph(session):
    good = session.graph
    session.dockerfile_path.write_text("FROM debian:bookworm-slim\nRNU make\n")
    assert session.reload_dockerfile()
    assert session.graph is good
    assert session.is_stale
    assert session.problems[0].line == 2
    assert session.dockerfile_error.startswith("line 2: ")
    session.dockerfile_path.write_text(TEXT + "EXPOSE 80\n")
    assert session.reload_dockerfile()
    assert not session.is_stale
    assert session.problems == ()
    assert session.dockerfile.instructions[-1].keyword == "EXPOSE"


def test_a_dockerfile_that_is_gone_for_the_moment_changes_nothing(session):
    before = session.dockerfile
    session.dockerfile_path.unlink()
    assert not session.reload_dockerfile()
    assert session.dockerfile is before
    session.dockerfile_path.write_text(TEXT)
    assert not session.reload_dockerfile()


def test_a_changed_line_is_old_and_findings_keep_their_layers(tmp_path):
    source = demo_session("c")
    source.open()
    path = tmp_path / "Dockerfile"
    path.write_text(source.dockerfile.source)
    session = Session(Options(target=f"recorded:{recording('c')}", dockerfile=str(path)), environ={})
    events_of(session)
    assert session.changed_lines == frozenset()
    path.write_text(source.dockerfile.source.replace("RUN make &&", "RUN make -j4 &&"))
    assert session.reload_dockerfile()
    assert session.changed_lines == {9}
    assert session.provenance.verdict == "1 instruction newer than the image"
    assert session.waste.findings[0].line == 3


def test_no_engine_is_no_failure_for_a_dockerfile(session):
    session.environ["DOCKER_HOST"] = "unix:///no/such.sock"
    told = events_of(session, plan=True)
    assert [type(event) for event in told] == [GraphReady, NoImage, PlanReady]
    assert session.error is None
    assert not session.plan.proven


def test_a_missing_image_is_a_failure_where_it_was_named(tmp_path):
    session = Session(Options(target=str(tmp_path / "none.tar")), environ={})
    told = events_of(session)
    assert [type(event) for event in told] == [Failed]
    assert isinstance(session.error, TargetError)


@pytest.mark.parametrize(
    "options",
    [Options(target="recorded:x", image="y"), Options(target="Dockerfile", dockerfile="Dockerfile")],
)
def test_options_that_do_not_fit_together(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text(TEXT)
    target = options.target if options.target == "Dockerfile" else f"recorded:{recording('c')}"
    with pytest.raises(UsageError):
        Session(Options(target=target, image=options.image, dockerfile=options.dockerfile), environ={}).open()


def test_the_image_that_fits_best_is_found(session):
    engine = FakeEngine(a=(("other:1",), 9, OTHER), b=(("app:1",), 1, GOOD), c=(("app:2",), 5, GOOD))
    found = find_image(engine, session.dockerfile, session.graph, threading.Event())
    assert found.name == "app:2"
    assert found.provenance.in_sync


def test_no_image_is_better_than_a_wrong_one(session):
    engine = FakeEngine(a=(("other:1",), 9, OTHER))
    assert find_image(engine, session.dockerfile, session.graph, threading.Event()) is None


def test_a_rebuilt_image_is_noticed_once(session):
    engine = FakeEngine(a=(("app:1",), 1, ("RUN /bin/sh -c make all", 'CMD ["app"]')))
    watch = ImageWatch(engine)

    def better(fit):
        return watch.better(
            session.dockerfile, session.graph, shown="app:1", layers=("sha256:a0",), fit=fit, cancel=threading.Event()
        )

    assert better(0.8) is None
    engine.has["b"] = (("app:1",), 2, GOOD)
    assert better(0.8).id == "b"
    asked = engine.questions
    assert better(0.8) is None
    assert engine.questions == asked


def test_another_image_that_fits_as_well_is_not_offered(session):
    engine = FakeEngine(a=(("app:1",), 1, GOOD), b=(("copy:1",), 2, GOOD))
    found = ImageWatch(engine).better(
        session.dockerfile, session.graph, shown="app:1", layers=("sha256:a0",), fit=1.0, cancel=threading.Event()
    )
    assert found is None


@pytest.mark.parametrize("surplus", [0, 1])
def test_a_dockerfile_is_read_whole_or_not_at_all(tmp_path, monkeypatch, surplus):
    import io
    from types import SimpleNamespace

    from msbtui.session.files import LIMIT, read_dockerfile

    data = b"#" * (LIMIT + surplus)
    (tmp_path / "Dockerfile").write_bytes(data)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    for word in (str(tmp_path), "-"):
        if surplus:
            with pytest.raises(TargetError, match="larger than 16 MiB"):
                read_dockerfile(word)
        else:
            assert read_dockerfile(word)[1] == data
