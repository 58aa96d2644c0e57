"""Provenance that lies beside an image: the Dockerfile, its arguments, which line made which layer."""

from __future__ import annotations

import base64
import json
from importlib.resources import files

import jsonschema
import pytest
from fake_engine import FakeEngine
from fake_registry import FakeRegistry
from hypothesis import given
from hypothesis import strategies as st
from image_samples import Sample, described, digest, tar_of
from layout_files import INDEX, Files

from msbtui.engine import open_image
from msbtui.engine.attestation import read_attestation
from msbtui.engine.manifest import Descriptor
from msbtui.image.cache import LayerCache
from msbtui.report.inspect_html import inspect_html
from msbtui.report.inspect_json import inspect_document
from msbtui.report.inspect_markdown import inspect_markdown
from msbtui.report.inspect_text import inspect_text
from msbtui.session import Session
from msbtui.session.listed import listed_packages
from msbtui.session.model import Options

DOCKERFILE = b"""# only the real one has this: \xff
ARG NAME=tool
FROM debian:12 AS base
COPY one /etc/one
FROM base AS run
COPY \\
   two \\
   /usr/bin/tool
RUN rm /etc/one
CMD ["/usr/bin/tool"]
FROM base
"""
STATEMENT = "application/vnd.in-toto+json"
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {"SPDXID": "SPDXRef-Root", "name": "/run/src/core/sbom"},
        {
            "SPDXID": "SPDXRef-1",
            "name": "libssl3",
            "versionInfo": "3.0.11-1~deb12u2",
            "externalRefs": [
                {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
                {
                    "referenceType": "purl",
                    "referenceLocator": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&upstream=openssl",
                },
            ],
        },
        {
            "SPDXID": "SPDXRef-2",
            "name": "stdlib",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:golang/stdlib@1.22.1"}],
        },
        {"SPDXID": "SPDXRef-3", "name": "base", "primaryPackagePurpose": "CONTAINER", "versionInfo": "1"},
        {"SPDXID": "SPDXRef-4", "name": "evil\u001b[31m\nname", "versionInfo": None},
    ],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": "SPDXRef-Root", "relationshipType": "DESCRIBES"}
    ],
}
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [
        {"type": "library", "name": "musl", "version": "1.2.4-r2", "purl": "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64",
         "components": [{"type": "library", "group": "@scope", "name": "inner", "version": "2",
                         "purl": "pkg:npm/%40scope/inner@2"}]},
        {"type": "operating-system", "name": "alpine", "version": "3.18"},
        {"type": "application", "name": "plain"},
    ],
}  # fmt: skip
SLSA = "https://slsa.dev/provenance/"


def sample():
    layers = [tar_of({"base": b"x"}), tar_of({"etc/one": b"1"}), tar_of({"usr/bin/tool": b"2"}), tar_of({"etc/.wh.one": b""})]
    steps = ["/bin/sh -c #(nop) ADD file:0 in /", "COPY one /etc/one # buildkit", "COPY two /usr/bin/tool # buildkit"]
    history = [{"created_by": step} for step in [*steps, "RUN /bin/sh -c rm /etc/one # buildkit"]]
    return Sample(layers=layers, history=[*history, {"created_by": 'CMD ["/usr/bin/tool"]', "empty_layer": True}])


def buildkit(image, *, lines=None):
    """What BuildKit says of itself in its metadata: where each step stands, and what chain of layers it ended in."""
    lines = lines or {"step1": (4, 4), "step3": (6, 8), "step4": (9, 9), "step0": (3, 3)}
    place = {
        step: {"locations": [{"ranges": [{"start": {"line": first}, "end": {"line": last}}]}]}
        for step, (first, last) in lines.items()
    }
    chain = [{**described(blob), "mediaType": "x"} for blob in image.blobs]
    ends = {"step0:0": 1, "step1:0": 2, "step3:0": 3, "step4:0": 4}
    return {
        "source": {"locations": place, "infos": [{"filename": "Dockerfile", "data": base64.b64encode(DOCKERFILE).decode()}]},
        "layers": {step: [chain[:end]] for step, end in ends.items()},
    }


MATERIALS = [
    {"uri": "pkg:docker/debian@12?platform=linux%2Famd64", "digest": {"sha256": "ab"}},
    {"uri": "pkg:docker/docker/dockerfile@1", "digest": {"sha256": "cd"}},
    {"uri": "https://example.com/x.tar", "digest": {"sha256": "ef"}},
    {"uri": "pkg:docker/h.example/a%2Fb@sha256:00?x", "digest": None},
]
ARGS = {"args": {"build-arg:NAME": "axe", "target": "run", "label:x": "y"}}


def predicate(image, version, **more):
    if version == "v0.2":
        metadata = {"https://mobyproject.org/buildkit@v1#metadata": buildkit(image, **more)}
        return {"invocation": {"parameters": ARGS}, "materials": MATERIALS, "metadata": metadata}
    definition = {"externalParameters": {"request": ARGS}, "resolvedDependencies": MATERIALS}
    return {"buildDefinition": definition, "runDetails": {"metadata": {"buildkit_metadata": buildkit(image, **more)}}}


class Attested(Sample):
    """A sample with a provenance beside it, in the place of the one without content."""

    version = "v0.2"
    subject: str | None = ""
    sbom: object = False
    said = None
    documents: tuple[tuple[str, object], ...] = ()
    """More statements: predicate type and predicate."""

    def oci(self):
        made = Files()
        image = {**made.image(self), "platform": {"os": "linux", "architecture": self.architecture}}
        subject = [] if self.subject is None else [{"digest": {"sha256": self.subject or image["digest"][7:]}}]
        said = self.said if self.said is not None else predicate(self, self.version)
        kind = f"{SLSA}{self.version}"
        statement = {"_type": "x", "predicateType": kind, "subject": subject, "predicate": said}
        parts = [made.put(statement, mediaType=STATEMENT, annotations={"in-toto.io/predicate-type": kind})]
        more = [("https://spdx.dev/Document", SPDX)] if self.sbom is True else []
        for kind, said in [*more, *self.documents]:
            statement = said if isinstance(said, bytes) else {"predicateType": kind, "subject": subject, "predicate": said}
            parts.append(made.put(statement, mediaType=STATEMENT, annotations={"in-toto.io/predicate-type": kind}))
        of = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"]}
        beside = made.put({"config": made.put(b"{}"), "layers": parts}, annotations=of)
        index = made.put({"manifests": [image, beside]}, mediaType=INDEX)
        top = json.dumps(
            {"manifests": [{**index, "annotations": {"io.containerd.image.name": f"docker.io/library/{self.tags[0]}"}}]}
        )
        return {**made, "index.json": top.encode(), "oci-layout": b"{}"}


def attested(**changes):
    plain = sample()
    made = Attested(layers=plain.layers, history=plain.history)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def layout(tmp_path, image):
    made = Files(image.oci())
    return made.write(tmp_path / "layout", *json.loads(made.pop("index.json"))["manifests"])


@pytest.mark.parametrize("version", ["v0.2", "v1"])
@pytest.mark.parametrize("sbom", [True, False])
def test_what_the_provenance_holds(tmp_path, cache, version, sbom):
    image = open_image(layout(tmp_path, attested(version=version, sbom=sbom)), cache=cache)
    found = image.attestation
    assert found.dockerfile.encode("utf-8", "surrogateescape") == DOCKERFILE
    assert found.dockerfile_name == "Dockerfile"
    assert found.build_args == {"NAME": "axe"}
    assert found.target == "run"
    assert found.lines == ((3, 3), (4, 4), (6, 8), (9, 9))
    assert found.bases == (("debian:12", "sha256:ab"), ("h.example/a/b@sha256:00", "sha256:"))
    assert found.has_sbom is sbom


def test_the_provenance_of_an_image_without_a_name_has_no_subject(tmp_path, cache):
    # `docker buildx build -o type=oci` without a tag: what it is about stands in the index alone
    image = open_image(layout(tmp_path, attested(subject=None)), cache=cache)
    assert image.attestation.dockerfile.encode("utf-8", "surrogateescape") == DOCKERFILE
    assert not image.notes


def test_mode_min_holds_no_dockerfile_but_its_bases(tmp_path, cache):
    said = {"materials": MATERIALS, "invocation": {"parameters": {"args": {}}}, "metadata": {}}
    found = open_image(layout(tmp_path, attested(said=said)), cache=cache).attestation
    assert found.dockerfile is None
    assert found.lines == ()
    assert found.bases[0] == ("debian:12", "sha256:ab")


def with_source(**changes):
    said = predicate(sample(), "v0.2")
    said["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]["source"]["infos"][0].update(changes)
    return said


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"subject": "0" * 64}, "it is about another image"),
        ({"said": []}, "it cannot be understood: Expected `object`, got `array`"),
        ({"said": {"metadata": 7}}, "it cannot be understood: Expected `object | null`, got `int` - at `$.metadata`"),
        ({"version": "v9", "said": {"buildDefinition": []}}, "it cannot be understood"),
        ({"said": with_source(data="!!")}, "its Dockerfile is not encoded as base64"),
        ({"said": with_source(data="QUFB" * (100 << 18))}, "blobs/sha256/"),
    ],
    ids=["another image", "list", "number", "v1", "base64", "100 MiB of Dockerfile"],
)
def test_what_is_damaged_or_of_another_image_is_left_out_in_one_line(tmp_path, changes, why):
    opened = session(tmp_path, attested(**changes))
    assert opened.image.attestation.dockerfile is None
    assert not opened.image.attestation.mode
    assert opened.reconstructed
    assert len(opened.image.layers) == 4
    (note,) = [note for note in opened.image.notes if "provenance" in note]
    assert note.startswith(f"its provenance is left out: {why}")
    assert note.isprintable()
    assert why != "blobs/sha256/" or note.endswith(" is larger than 16 MiB")


def test_packages_of_an_sbom_stand_where_the_file_system_tells_none(tmp_path):
    image = attested(documents=(("https://spdx.dev/Document", SPDX), ("https://cyclonedx.org/bom/v1.5", CYCLONEDX)))
    opened = session(tmp_path, image)
    listed = listed_packages(opened)
    assert listed.source == "sbom-attestation"
    assert [(one.name, one.version, one.kind, one.architecture) for one in listed.packages] == [
        ("@scope/inner", "2", "npm", ""),
        ("evil\\x1b[31m\\x0aname", "", "", ""),
        ("libssl3", "3.0.11-1~deb12u2", "deb", "amd64"),
        ("musl", "1.2.4-r2", "apk", "x86_64"),
        ("plain", "", "", ""),
        ("stdlib", "1.22.1", "golang", ""),
    ]
    text = inspect_text(opened)
    assert "Packages (from the SBOM attestation, not verified):" in text
    assert "  libssl3               3.0.11-1~deb12u2  deb     amd64" in text
    assert "Dockerfile from provenance (mode=max), not verified: Dockerfile: " in text
    document = inspect_document(opened)
    jsonschema.validate(document, json.loads((files("msbtui") / "report" / "schemas" / "inspect.json").read_text()))
    assert document["packages"]["how"] == "from the SBOM attestation, not verified"
    assert document["packages"]["list"][2]["name"] == "libssl3"
    assert document["dockerfile"]["origin"] == "from provenance (mode=max)"
    page = inspect_html(opened)
    assert "from the SBOM attestation, not verified" in page
    assert "Dockerfile from provenance (mode=max), not verified" in page
    assert "Dockerfile: from provenance (mode=max), not verified" in inspect_markdown(opened)


def test_packages_of_the_file_system_win_over_an_sbom(tmp_path):
    image = attested(sbom=True)
    status = b"Package: tool\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
    image.layers[0] = tar_of({"var/lib/dpkg/status": status})
    opened = session(tmp_path, image)
    listed = listed_packages(opened)
    assert (listed.source, [one.name for one in listed.packages]) == ("file-system", ["tool"])
    assert "SBOM" not in inspect_text(opened)


@pytest.mark.parametrize(
    ("kind", "document", "why"),
    [
        ("https://spdx.dev/Document", {}, "it is no SPDX document of version 2"),
        ("https://spdx.dev/Document", b'{"predicateType": "https://spdx.dev/Document"}', "it is about another image"),
        ("https://spdx.dev/Document", b"x" * (17 << 20), "blobs/sha256/"),
        ("https://cyclonedx.org/bom", {"bomFormat": "x"}, "it is no CycloneDX document"),
        ("https://cyclonedx.org/bom", {"bomFormat": "CycloneDX", "components": [7]}, "it cannot be understood"),
        (
            "https://cyclonedx.org/bom",
            b'{"subject": [{"digest": {"sha256": "x"}}], "predicate": {"bomFormat": "CycloneDX", "components": '
            + b'[{"components": ' * 9999
            + b"[]"
            + b"}]" * 9999
            + b"}}",
            "it is nested too deep",
        ),
    ],
    ids=["no spdx", "no subject", "17 MiB", "no cyclonedx", "number", "deep"],
)
def test_an_sbom_that_is_none_is_left_out_in_one_line(tmp_path, kind, document, why):
    opened = session(tmp_path, attested(documents=((kind, document),)))
    (note,) = [note for note in opened.image.notes if "SBOM" in note]
    assert note.startswith(f"its SBOM attestation is left out: {why}")
    assert listed_packages(opened).source == ""
    assert opened.attested


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ({"step1": (4, 99)}, "its Dockerfile has 12 lines, and line 99 is to have made layer 1"),
        ({"step1": (10, 10)}, "line 10 is to have made layer 1, but holds CMD"),
        ({"step1": (2, 2)}, "line 2 is to have made layer 1, but holds ARG"),
        ({"step0": (3, 3), "step1": (9, 9), "step3": (6, 8)}, "line 6 is to have made layer 2, after a later line made the one"),
        ({"step1": (11, 11), "step3": (6, 8)}, "line 11 is to have made layer 1, but is in no stage that the image is made of"),
    ],
)
def test_lines_that_cannot_be_true_are_left_out_in_one_line(tmp_path, lines, why):
    image = attested()
    image.said = predicate(image, "v0.2", lines=lines)
    opened = session(tmp_path, image)
    assert opened.attested
    (note,) = [note for note in opened.provenance.notes if "provenance" in note]
    assert note.startswith(f"the lines in its provenance are left out: {why}")
    assert [opened.line(layer) for layer in range(4)] == [None, 4, 6, 9]


def test_named_contexts_of_the_provenance_are_taken(tmp_path):
    image = attested()
    image.said = predicate(image, "v0.2")
    image.said["invocation"] = {"parameters": {"args": {"context:base::linux/amd64": "docker-image://x:1", "target": "run"}}}
    opened = session(tmp_path, image)
    assert opened.options.build_contexts == {"base": "docker-image://x:1"}
    assert opened.graph.stages[0].named_context
    image.said["invocation"]["parameters"]["args"] = {"context:debian:12": "docker-image://y:2", "target": "run"}
    opened = session(tmp_path / "image", image)
    assert (opened.base.layers, opened.base.name) == (1, "y:2")
    image.said["invocation"]["parameters"]["args"] = {"context:debian:12": "local:z", "target": "run"}
    image.said["materials"] = []
    opened = session(tmp_path / "folder", image)
    assert (opened.base.layers, opened.base.name) == (1, "")


def test_a_build_of_several_dockerfiles_opens_with_the_top_ones(tmp_path, cache):
    image = attested()
    image.said = predicate(image, "v0.2")
    source = image.said["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]["source"]
    source["infos"].insert(0, {"filename": "other", "data": base64.b64encode(b"FROM x\nRUN y\n").decode()})
    for step in ("step3", "step4"):
        source["locations"][step]["locations"][0]["sourceIndex"] = 1
    found = open_image(layout(tmp_path, image), cache=cache).attestation
    assert found.dockerfile_name == "Dockerfile"
    assert found.lines == (None, None, (6, 8), (9, 9))


def test_all_layers_of_a_base_are_its_from(tmp_path, cache):
    image = attested()
    image.said = predicate(image, "v0.2", lines={"step1": (3, 3), "step3": (6, 8)})
    layers = image.said["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]["layers"]
    for step in ("step0:0", "step4:0"):
        del layers[step]
    assert open_image(layout(tmp_path, image), cache=cache).attestation.lines == ((3, 3), (3, 3), (6, 8), None)


def test_a_chain_that_is_not_how_the_image_begins_made_none_of_its_layers(tmp_path, cache):
    image = attested()
    image.said = predicate(image, "v0.2")
    layers = image.said["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]["layers"]
    one = layers["step4:0"][0]
    for step in ("step1:0", "step3:0"):
        del layers[step]
    layers["step1:0"] = [[one[1]], [one[0], one[3], one[2]], None, []]
    assert open_image(layout(tmp_path, image), cache=cache).attestation.lines == ((3, 3), (9, 9), (9, 9), (9, 9))


def test_layers_that_are_alike_are_told_apart_by_what_is_below_them(tmp_path, cache):
    image = attested()
    image.layers[3] = image.layers[1]
    image.said = predicate(image, "v0.2")
    assert open_image(layout(tmp_path, image), cache=cache).attestation.lines == ((3, 3), (4, 4), (6, 8), (9, 9))


@pytest.mark.parametrize("lines", [{"step1": (0, 0)}, {"step1": (5, 4)}, {"step1": (1, 10**9)}, {"step9": (1, 1)}])
def test_lines_that_are_none_are_left_out(tmp_path, cache, lines):
    image = attested()
    image.said = predicate(image, "v0.2", lines=lines)
    assert open_image(layout(tmp_path, image), cache=cache).attestation.lines == (None,) * 4


def test_an_image_without_one(tmp_path, cache):
    assert open_image(layout(tmp_path, sample()), cache=cache).attestation is None


def test_it_comes_from_a_registry_and_an_engine_too(tmp_path, cache):
    with FakeRegistry(attested()).running() as registry:
        registry.tags["latest"] = attested().oci_id
        image = open_image(registry.name, cache=cache, environ={"HOME": str(tmp_path)})
        assert image.attestation.target == "run"
    with FakeEngine(tmp_path / "s", attested(), layout="oci").running() as engine:
        fresh = LayerCache(tmp_path / "fresh")
        assert open_image("docker:sample", environ=engine.environ, cache=fresh).attestation.target == "run"
        before = engine.exports
        assert open_image("docker:sample", environ=engine.environ, cache=fresh).attestation.target == "run"
        assert engine.exports == before


def test_an_attestation_is_asked_for_where_another_image_has_the_same_layers(tmp_path, cache):
    with FakeEngine(tmp_path / "s", sample(), layout="oci").running() as engine:
        assert open_image("docker:sample", environ=engine.environ, cache=cache).attestation is None
    with FakeEngine(tmp_path / "t", attested(), layout="oci").running() as engine:
        for _ in range(2):
            assert open_image("docker:sample", environ=engine.environ, cache=cache).attestation.target == "run"
            assert engine.exports == 1


def test_an_export_that_ends_with_the_attestation_is_read_to_there(tmp_path, cache):
    with FakeEngine(tmp_path / "s", attested(), layout="oci").running() as engine:
        files = attested().oci()
        said = [name for name, data in files.items() if b"in-toto" in data or b"predicateType" in data]
        assert len(said) == 2
        engine.export = tar_of({name: files[name] for name in [*(name for name in files if name not in said), *said]})
        assert open_image("docker:sample", environ=engine.environ, cache=cache).attestation.target == "run"


def session(tmp_path, image, **options):
    opened = Session(Options(target=layout(tmp_path, image), **options), environ={"HOME": str(tmp_path)})
    opened.run(lambda _: None)
    assert opened.error is None
    return opened


def test_the_session_opens_a_pulled_image_with_its_own_dockerfile(tmp_path):
    opened = session(tmp_path, attested())
    assert opened.attested and not opened.reconstructed
    assert opened.dockerfile.source.encode("utf-8", "surrogateescape") == DOCKERFILE
    assert opened.graph.stages[opened.graph.target_index].name == "run"
    assert [opened.line(layer) for layer in range(4)] == [None, 4, 6, 9]
    assert any("provenance" in note for note in opened.image.notes)


def test_mode_min_names_the_base_that_nothing_else_names(tmp_path):
    image = attested(said={"materials": MATERIALS[:1], "metadata": {}})
    times = ["2024-01-01T00:00:00Z", "2024-03-01T00:00:00Z", "2024-03-01T00:00:01Z", "2024-03-01T00:00:02Z"]
    image.history = [{"created": time, "created_by": f"RUN step {number}"} for number, time in enumerate(times)]
    opened = session(tmp_path, image)
    assert opened.reconstructed
    assert (opened.base.layers, opened.base.name) == (1, "debian:12")
    assert opened.base.how.endswith("; the image's provenance names debian:12")
    image.said = {"materials": [*MATERIALS[:1], MATERIALS[3]], "metadata": {}}
    assert session(tmp_path / "several", image).base.name == ""


def test_lines_of_the_provenance_win_over_what_history_seems_to_say(tmp_path):
    image = attested()
    image.history = [{"created_by": f"step {number}"} for number in range(4)]
    opened = session(tmp_path, image)
    assert [opened.line(layer) for layer in range(4)] == [None, 4, 6, 9]
    assert opened.provenance.matches[2].note == "from the image's provenance"


def test_a_dockerfile_that_was_given_is_kept(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY mine /\n")
    opened = session(tmp_path, attested(), dockerfile=str(tmp_path / "Dockerfile"))
    assert not opened.attested
    assert opened.dockerfile.instructions[1].value == "mine /"


def test_a_dockerfile_that_is_none_falls_back_to_the_history(tmp_path):
    image = attested()
    image.said = predicate(image, "v0.2")
    info = image.said["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]["source"]["infos"][0]
    info["data"] = base64.b64encode(b"NONSENSE\n").decode()
    opened = session(tmp_path, image)
    assert opened.reconstructed and not opened.attested
    assert "the Dockerfile in its provenance is left out: line 1: unknown instruction: NONSENSE" in opened.image.notes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["predicateType", "subject", "digest", "sha256", "predicate", "metadata", "source", "infos", "data", "layers", "ranges"]
    ), inner, max_size=4),
)  # fmt: skip


@given(JSON)
def test_any_statement_is_read_or_left(document):
    statement = json.dumps(document).encode()
    part = {**described(statement), "annotations": {"in-toto.io/predicate-type": f"{SLSA}v1"}}
    manifest = json.dumps({"layers": [part]}).encode()
    of = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "sha256:x"}
    documents = {digest(statement): statement, digest(manifest): manifest}
    found = read_attestation([Descriptor(digest(manifest), annotations=of)], "sha256:x", [], documents.get)
    assert found.dockerfile is None and not found.packages
    assert len(found.notes) == 1 and found.notes[0].isprintable()
    assert read_attestation([Descriptor(digest(manifest), annotations=of)], "sha256:x", [], {}.get) is None
