"""`inspect --markdown` and `--html`: complete, readable without scripts, and nothing foreign becomes markup."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files

import jsonschema
import pytest
from check_world import made_session

from msbtui.cli import run
from msbtui.cli.check import FORMATS, render
from msbtui.image.model import ImageConfig
from msbtui.learn import PROJECTS
from msbtui.report.inspect_html import inspect_html
from msbtui.report.inspect_json import inspect_document
from msbtui.report.inspect_markdown import code, escape, inspect_markdown
from msbtui.report.inspect_text import inspect_text
from msbtui.session.check import CheckConfig, run_check
from msbtui.session.demo import demo_session, recording

EVIL = "</style></title><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">'\"&"
VOID = {"meta", "br", "img", "rect", "link", "input", "hr"}


@pytest.fixture(scope="module")
def sessions():
    found = {}
    for project in PROJECTS:
        session = demo_session(project)
        session.run(lambda _: None, plan=True)
        found[project] = session
    return found


@pytest.fixture
def hostile():
    text = f"FROM debian:bookworm-slim\nRUN echo {EVIL}\nRUN rm -rf /a # {EVIL}\nLABEL x={EVIL}\n"
    session = made_session(
        {"base": 1000},
        {f"a/{EVIL}": 5000, "var/lib/apt/lists/x_Packages": 900, f"opt/{EVIL}/x": 4000},
        {".wh.a": 0, f"root/.cache/pip/{EVIL}": 700},
        dockerfile=text,
        history=(f"RUN /bin/sh -c echo {EVIL} # buildkit", f"RUN /bin/sh -c rm -rf /a # {EVIL} # buildkit"),
        config=ImageConfig(env=(f"A={EVIL}",)),
    )
    session.image.name = session.image.source = EVIL
    return session


class Page(HTMLParser):
    """Collects what a browser would see, and that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.text, self.attributes = [], [], set(), [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name) for name, _ in attrs]
        found = dict(attrs)
        if "id" in found:
            assert found["id"] not in self.ids
            self.ids.add(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("project", PROJECTS)
def test_the_page_is_whole(sessions, project):
    session = sessions[project]
    html = inspect_html(session)
    page = Page(html)
    assert page.open == []
    assert {"account", "layers", "dockerfile", "findings", "plan"} <= page.ids
    assert {link.removeprefix("#") for link in page.links} <= page.ids, "every link leads somewhere on the page"
    assert {finding.id for finding in session.waste.findings} <= {one.removeprefix("finding-") for one in page.ids}
    text = "".join(page.text)
    assert session.plan.dockerfile in text
    for instruction in session.dockerfile.instructions:
        assert instruction.source.split("\n")[0] in text
    assert page.tags.count("title") > 5, "rectangles that say what they are"
    assert len(html) < 200_000


@pytest.mark.parametrize("project", PROJECTS)
def test_the_page_loads_nothing(sessions, project):
    html = inspect_html(sessions[project])
    page = Page(html)
    assert not set(page.tags) & {"script", "iframe", "link", "img", "object", "embed", "form"}
    assert not [name for _, name in page.attributes if name.startswith("on") or name in ("src", "action")]
    assert "url(" not in html.replace("url(#hatch)", "")
    assert "default-src 'none'" in html
    assert "prefers-color-scheme: dark" in html and "@media print" in html


def test_areas_of_the_treemap_are_bytes(sessions):
    session = sessions["c"]
    html = inspect_html(session)
    group = re.search(r'<g class="waste"><title>waste: (\S+ MB) .*?<rect class="group" ([^>]*)/>', html, re.DOTALL)
    side = {name: float(value) for name, value in re.findall(r'(\w+)="([\d.]+)"', group[2])}
    assert side["width"] * side["height"] / (1000 * 440) == pytest.approx(session.waste.removable / session.table.size, abs=0.002)


def test_hostile_names_stay_text(hostile):
    page = Page(inspect_html(hostile))
    assert page.open == []
    assert not set(page.tags) & {"script", "img"}
    assert EVIL in "".join(page.text)


def test_hostile_names_in_markdown(hostile):
    text = inspect_markdown(hostile)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert "<" not in outside
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert widths <= {6, 7}, "no name adds a column"


def test_code_spans_cannot_be_left():
    assert code("a`b") == "``a`b``"
    assert code("`` x") == "``` `` x ```"
    assert code("a|b\nc") == "`a\\|b c`"
    assert code("") == "`–`"


def test_texts_become_no_links_mentions_or_markup():
    assert escape("see https://x.y and WWW.z.org @team #12 [a](b) <b> *c* _d_ `e` | f") == (
        "see https&#58;//x.y and WWW&#46;z.org &#64;team &#35;12 &#91;a&#93;(b) "
        "&#60;b&#62; &#42;c&#42; &#95;d&#95; &#96;e&#96; &#124; f"
    )


def test_markdown(sessions):
    text = inspect_markdown(sessions["c"])
    assert text.startswith("### `msbtui-demo-c:before`: 462 MB, ")
    assert "| 1 | 3 | 386 MB |" in text
    assert re.search(r"\| A2 \| 20 MB \| apt cache: still in layer 1 \| 3 \| A \| `msbtui fix --only A2` \|", text)
    assert "in the base" not in text


def test_markdown_fits_a_comment():
    paths = {f"d{number}/{'x' * 200}": 100 for number in range(300)}
    gone = {f".wh.d{number}": 0 for number in range(300)}
    session = made_session({"base": 1}, *[{path: size} for path, size in paths.items()], gone)
    assert len(inspect_markdown(session)) <= 65_536


def test_the_command(tmp_path, capsys):
    target, out = f"recorded:{recording('go')}", tmp_path / "page.html"
    assert run(["inspect", target, "--html", str(out)]) == 0
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == f"wrote {out}\n"
    assert Page(out.read_text()).open == []
    assert run(["inspect", target, "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("### `msbtui-demo-go:before`")
    assert run(["inspect", target, "--markdown", "--json"]) == 2
    assert run(["inspect", target, "--html", str(tmp_path / "no" / "page.html")]) == 4


def test_json_has_the_traps():
    text = "FROM debian AS b\nRUN make\nFROM debian\nCOPY --from=b /src/* /dst/\n"
    document = inspect_document(made_session({"a": 1}, dockerfile=text))
    jsonschema.validate(document, json.loads((files("msbtui") / "report" / "schemas" / "inspect.json").read_text()))
    (trap,) = document["traps"]
    assert trap["rule"] == "CopyWildcardFlattens" and trap["line"] == 4


def test_no_secret_value_is_handed_over():
    key = "-----BEGIN PRIVATE KEY-----\\n\\\nMIIEvQIBADAN\\n\\\nBgkqhkiG9w0B\\n\\\n-----END PRIVATE KEY-----"
    run_line = f"RUN printf '{key}' > /k && curl -H token=hunter2secret x"
    text = f"FROM debian:bookworm-slim\nENV API_TOKEN=hunter2secret\n{run_line}\nCMD x\n"
    history = ("RUN /bin/sh -c curl -H token=hunter2secret x # buildkit",)
    session = made_session({"base": 10}, {"app": 9000}, dockerfile=text, history=history)
    report = run_check(session, CheckConfig(max_layer_size=10, max_size=10, forbid_secrets=True, forbid_confidence="C"))
    pages = [inspect_html(session), inspect_markdown(session), inspect_text(session), json.dumps(inspect_document(session))]
    for page in [*pages, *(render(report, form) for form in FORMATS)]:
        assert "hunter2" not in page and "MIIE" not in page and "Bgkqh" not in page
    assert "API_TOKEN=***" in pages[0]


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_a_browser_shows_it_and_runs_nothing(hostile, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(inspect_html(hostile))
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    dom = Page(done.stdout)
    assert not set(dom.tags) & {"script", "img"}
    assert dom.tags.count("rect") > 5
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title[1].startswith("&lt;/style&gt;"), "the name, not what it would do"


def test_the_figures_of_text_and_markdown_are_those_of_json(sessions):
    for session in sessions.values():
        image, waste = inspect_document(session)["image"], inspect_document(session)["waste"]
        assert 0 < image["efficiency"] < 1
        markdown = inspect_markdown(session)
        assert f"({waste['total'] / image['size']:.0%}) of it waste" in markdown
        assert f"| {image['efficiency']:.1%} |" in markdown
        text = " ".join(inspect_text(session).split())
        for finding in session.waste.findings:
            assert f"→ {' '.join(finding.advice.split())}" in text
