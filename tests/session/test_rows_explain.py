"""What the explanation says of stages, of images from outside, of paths, and where there is no image."""

from shown_session import ready_session

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import Kind
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.explain import explain, explain_path
from msbtui.session.rows.explain_stage import explain_outside, explain_stage
from msbtui.session.rows.selection import Links, Selection
from msbtui.session.rows.stages import StageFacts

TEXT = """\
FROM golang:1.22 AS build
COPY src /src
RUN --mount=from=busybox,source=/bin,target=/b make
FROM scratch AS unused
FROM debian:12 AS run
RUN echo hi
FROM run
COPY --from=build /out/app /app
"""


def text_of(paragraphs):
    return "\n".join(text for text, _ in paragraphs)


def graph_of(text=TEXT):
    return build_graph(parse(text))


def links_of(session):
    costs = Costs(session.table, session.waste, session.base, session.provenance)
    return Links(costs, session.dockerfile, session.graph, session.waste)


def test_a_stage_without_an_image_says_what_it_is_made_from_who_uses_it_and_what_it_does():
    told = text_of(explain_stage(graph_of(), 0))
    for words in (
        "line 1: begins from golang:1.22",
        "line 2: takes src from the build context",
        "line 3: RUN --mount=from takes /bin out of busybox",
        "line 8: COPY --from takes /out/app into stage 3",
        "line 2: COPY src /src",
    ):
        assert words in told
    assert " B\n" not in told and "0 B" not in told


def test_a_stage_that_others_are_built_from_names_them():
    assert "line 7: stage 3 is built FROM it" in text_of(explain_stage(graph_of(), 2))
    assert "line 7: begins from stage 2 run" in text_of(explain_stage(graph_of(), 3))


def test_bytes_are_said_of_shipped_stages_alone():
    facts = StageFacts({2: 70_000_000, 3: 70_000_500}, {6: 1000, 8: 500, 2: 9})
    assert "1.0 kB of layers, 70 MB with what it begins from" in text_of(explain_stage(graph_of(), 2, facts))
    assert "line 8: COPY --from=build /out/app /app  500 B" in text_of(explain_stage(graph_of(), 3, facts))
    assert "9 B" not in text_of(explain_stage(graph_of(), 0, facts))


def test_a_stage_of_very_many_lines_is_cut_and_says_so():
    graph = graph_of("FROM a\n" + "RUN true\n" * 1000)
    told = text_of(explain_stage(graph, 0))
    assert "… and 970 more" in told and told.count("RUN true") == 30


def test_an_image_from_outside_says_whether_it_is_in_the_image():
    assert "None of its layers" in text_of(explain_outside(graph_of(), "image golang:1.22", "golang:1.22"))
    told = text_of(explain_outside(graph_of(), "image debian:12", "debian:12"))
    assert "All its layers are in the image" in told and "line 5: stage 2 run is built FROM it" in told
    told = text_of(explain_outside(graph_of(), "image busybox", "busybox"))
    assert "line 3: RUN --mount=from takes /bin into stage 0 build" in told
    assert "The empty image" in text_of(explain_outside(graph_of(), "scratch 1", "scratch"))


def test_a_path_says_which_layers_have_it_and_what_became_of_it():
    links = links_of(ready_session())
    told = text_of(explain_path("usr/local/bin/app", links, 5))
    assert "layer 4, line 11: 38 MB, hidden by layer 5: shipped, and no container sees it" in told
    assert "layer 5, line 12: 38 MB" in told
    assert "layer 3, line 10: deletes it" in text_of(explain_path("opt/tool", links, 3))
    assert explain_path("no/such", links, 0) == []


def test_a_path_is_explained_by_no_finding_but_its_own():
    links = links_of(ready_session())
    assert "compilers" not in text_of(explain_path("etc/passwd", links, 1))
    assert "A1  compilers" in text_of(explain_path("usr/lib/gcc/x86_64-linux-gnu/12/cc1", links, 1))
    told = text_of(explain_path("usr/lib", links, 1))
    assert "What findings name below it" in told and "Nothing that runs calls them" not in told


def test_a_directory_of_many_layers_is_one_line():
    links = links_of(ready_session(source="", layers=[[("a", Kind.DIRECTORY, 0)]] * 20))
    told = explain_path("a", links, 3)
    assert "the last 8 of 20 layers with an entry for it" in told[1][0] and "\n" not in told[1][0]


def test_without_an_image_it_says_why_there_is_none():
    links = Links(Costs(), parse(TEXT), graph_of())
    for pane in ("layers", "files", "advice"):
        told = text_of(explain(Selection(), pane, links, None, "", why_no_image="no image of the engine fits"))
        assert "no image of the engine fits" in told and "1 Stages" in told
