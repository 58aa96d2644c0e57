"""A session for tests of rows and of the app: a real Dockerfile, graph and table; image, matches and findings are given.

What is faked is the *input* of the panes (what an engine and the analysis would give), never a pane.
"""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from msbtui.analysis.account import account
from msbtui.analysis.model import Base, Finding, HiddenBy, LineMatch, Provenance, WasteReport
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.errors import Cancelled, UsageError
from msbtui.image.model import HistoryItem, Image, ImageConfig, Kind, Layer, LayerIndex
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.session.model import AnalysisReady, Failed, GraphReady, ImageFound, LayerReady, NoImage, Progress
from msbtui.split.model import Check, LeftOut, Plan, Rung, Size, Step

MB = 1_000_000

DOCKERFILE = """\
FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN go build -o /out/app ./cmd/app

FROM debian:12-slim
RUN apt-get update && apt-get install -y \\
      build-essential curl ca-certificates
RUN curl -sSL https://example.org/tool.tgz | tar xz -C /opt
RUN /opt/tool/install.sh && rm -rf /opt/tool
COPY --from=build /out/app /usr/local/bin/app
RUN chmod 0755 /usr/local/bin/app
ENTRYPOINT ["app"]
"""

LAYERS: list[list[tuple[str, Kind, int]]] = [
    [
        ("bin", Kind.DIRECTORY, 0),
        ("bin/sh", Kind.FILE, 1 * MB),
        ("usr/lib/libc.so.6", Kind.FILE, 73 * MB),
        ("etc/passwd", Kind.FILE, 900),
    ],
    [
        ("usr/lib/gcc/x86_64-linux-gnu/12/cc1", Kind.FILE, 31 * MB),
        ("usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", Kind.FILE, 33 * MB),
        ("usr/lib/gcc/x86_64-linux-gnu/12/lto1", Kind.FILE, 30 * MB),
        ("usr/lib/x86_64-linux-gnu/libcurl.so.4", Kind.FILE, 53 * MB),
        ("usr/lib/x86_64-linux-gnu/libcurl.so", Kind.SYMLINK, 0),
        ("usr/include/curl/curl.h", Kind.FILE, 17 * MB),
        ("usr/share/doc/curl/copyright", Kind.FILE, 9 * MB),
        ("etc/passwd", Kind.FILE, 950),
        ("var/cache/apt/pkgcache.bin", Kind.FILE, 37 * MB),
    ],
    [("opt/tool/install.sh", Kind.FILE, 2000), ("opt/tool/data.bin", Kind.FILE, 64 * MB)],
    [("usr/local/lib/tool.so", Kind.FILE, 5_200_000), ("opt/tool", Kind.WHITEOUT, 0)],
    [("usr/local/bin/app", Kind.FILE, 38 * MB)],
    [("usr/local/bin/app", Kind.FILE, 38 * MB)],
]

HISTORY = (
    "/bin/sh -c #(nop) ADD file:5f0a in / ",
    "RUN /bin/sh -c apt-get update && apt-get install -y build-essential curl ca-certificates # buildkit",
    "RUN /bin/sh -c curl -sSL https://example.org/tool.tgz | tar xz -C /opt # buildkit",
    "RUN /bin/sh -c /opt/tool/install.sh && rm -rf /opt/tool # buildkit",
    "COPY /out/app /usr/local/bin/app # buildkit",
    "RUN /bin/sh -c chmod 0755 /usr/local/bin/app # buildkit",
)
LINES = (None, 7, 9, 10, 11, 12)


def index_of(entries: list[tuple[str, Kind, int]]) -> LayerIndex:
    """Give a layer's index."""
    index = LayerIndex()
    for at, (path, kind, size) in enumerate(entries):
        index.paths.append(path)
        index.kinds.append(kind)
        index.sizes.append(size)
        index.modes.append(0o644)
        for column in (index.uids, index.gids, index.mtimes, index.offsets):
            column.append(0)
        if kind == Kind.SYMLINK:
            index.links[at] = "libcurl.so.4"
    return index


class NoContents:
    """Contents of which nothing is known."""

    def digest(self, entry):
        return None

    def elf(self, entry):
        return None

    def text(self, entry, limit=1 << 20):
        return None


def findings() -> tuple[Finding, ...]:
    """Give three findings of the image, greatest first."""
    return (
        Finding(
            "A1",
            "compiler",
            "compilers stay in the final image",
            94 * MB,
            "A",
            1,
            7,
            tuple(path for path, _, _ in LAYERS[1][:3]),
            "build stage",
            explanation="Nothing that runs calls them.",
            entries=((1, 0), (1, 1), (1, 2)),
        ),
        Finding(
            "A2",
            "deleted-later",
            "/opt/tool: added in 2, deleted in 3",
            64 * MB + 2000,
            "A",
            2,
            9,
            ("opt/tool",),
            "delete in the same RUN",
            HiddenBy(3, 10),
            "A later layer can only cover it.",
            ((2, 0), (2, 1)),
        ),
        Finding(
            "A3",
            "metadata-only-copy",
            "chmod rewrites app",
            38 * MB,
            "A",
            4,
            11,
            ("usr/local/bin/app",),
            "COPY --chmod=0755",
            HiddenBy(5, 12),
            "chmod writes the whole file again.",
            ((4, 0),),
        ),
        Finding("C4", "docs", "documentation", 9 * MB, "C", 1, 7, ("usr/share/doc",), "leave it out", entries=((1, 6),)),
    )


class ShownSession:
    """The attributes and methods of msbtui.session.Session that the app uses, on given results."""

    def __init__(self, source: str = DOCKERFILE, path: Path | None = None, *, image: bool = True, layers=LAYERS) -> None:
        self.lock = threading.RLock()
        self.dockerfile_path = path
        self.problems = ()
        self.is_stale = False
        self.reconstructed = False
        self.dockerfile_origin = ""
        self.changed_lines = frozenset()
        self.dockerfile = self.graph = None
        if source:
            self._take(source)
        self.image_name = ""
        self.image = self.table = self.packages = self.base = self.provenance = self.waste = self.plan = None
        self.with_image = image
        self.given_layers = layers
        self.cancelled = threading.Event()
        self.hold_before_layer: int | None = None
        """`run` waits before this layer until `release` is set or it is cancelled."""
        self.release = threading.Event()
        self.fail_with = ""
        self.switched: list[str] = []
        self.runs = 0
        self.better = None

    def _take(self, source: str) -> None:
        dockerfile = parse(source)
        graph = build_graph(dockerfile)
        self.problems = graph.errors
        if graph.errors and self.graph is not None:
            self.is_stale = True
            return
        self.dockerfile, self.graph, self.is_stale = dockerfile, graph, False

    @property
    def dockerfile_error(self) -> str:
        return f"line {self.problems[0].line}: {self.problems[0].message}" if self.problems else ""

    def reload_dockerfile(self) -> bool:
        before = (self.dockerfile, self.problems)
        self._take(self.dockerfile_path.read_text())
        return (self.dockerfile, self.problems) != before

    def run(self, notify) -> None:
        self.runs += 1
        self.cancelled.clear()
        if self.graph is not None:
            notify(GraphReady())
        if self.fail_with:
            notify(Failed(self.fail_with))
            return
        if not self.with_image:
            notify(NoImage("no image of the engine fits this Dockerfile"))
            return
        history = tuple(HistoryItem(created_by=text) for text in HISTORY)
        with self.lock:
            self.image = Image("app:latest", "sha256:0", "linux/amd64", ImageConfig(), history, [])
            self.table = FileTable()
            self.image_name = "app:latest"
        notify(ImageFound("app:latest", "fits best: in sync"))
        for number, entries in enumerate(self.given_layers):
            notify(Progress("Reading app:latest", number * 100, 600))
            if self.hold_before_layer == number:
                while not self.release.wait(0.005):
                    if self.cancelled.is_set():
                        notify(Failed("cancelled; what was read so far stays"))
                        return
            with self.lock:
                index = index_of(entries)
                item = history[number] if number < len(history) else None
                self.image.layers.append(
                    Layer(number, f"sha256:{number}", index, NoContents(), history=item, history_index=number)
                )
                self.table.add(index)
            notify(LayerReady(number))
        if self.given_layers is LAYERS:
            self.analyse()
        notify(AnalysisReady())

    def analyse(self) -> None:
        with self.lock:
            self.base = Base(1, "the engine's debian:12-slim has the same first layer", "A", "debian:12-slim")
            known = self.dockerfile.instructions if self.dockerfile else ()
            matches = []
            for layer, line in enumerate(LINES):
                item = next((i for i in known if i.span.first_line == line), None)
                matches.append(
                    LineMatch(layer, item.index if item else None, line if item else None, 1 if item else None, item is not None)
                )
            self.provenance = Provenance(tuple(matches), 1.0, "in sync", True)
            self.waste = WasteReport(findings(), 102 * MB + 2950, 94 * MB, 196 * MB + 2000)

    def make_plan(self) -> Plan:
        if self.dockerfile is None:
            raise UsageError("a split needs the Dockerfile")
        self.plan = Plan(
            "split",
            ("The compilers are used by the build alone.",),
            self.dockerfile.source.replace("FROM debian:12-slim\n", "FROM debian:12-slim AS tools\n") + "\nFROM debian:12-slim\n",
            size_before=412 * MB,
            size_after=Size(estimated=120 * MB),
            steps=(Step("FROM debian:12-slim", "the same base", ("os-release: debian 12",)),),
            left_out=(LeftOut("compilers", 94 * MB, "nothing that runs calls them"),),
            rung="selective",
        )
        return self.plan

    def account(self):
        return account(self.image, self.table, read_packages(self.image, self.table), self.base, self.waste)

    def rungs(self):
        """Give two rungs; the plan's own is the chosen one."""
        return tuple(
            Rung(name, what, risk, estimated, name == self.plan.rung)
            for name, what, risk, estimated in (
                ("selective", "what starts", "a file may be missing", 120 * MB),
                ("trees", "whole directories", "little", 150 * MB),
            )
        )

    def choose_rung(self, name):
        """Take another rung's plan."""
        text = self.plan.dockerfile.replace("FROM debian:12-slim\n", f"FROM debian:12-slim\n# {name}\n")
        self.plan = msgspec.structs.replace(self.plan, rung=name, dockerfile=text)
        return self.plan

    def why_not_verified(self):
        """Give why nothing can be built."""
        return "" if self.dockerfile_path else "the Dockerfile is in no folder"

    def verify(self, *, notify):
        """Tell some stages, then wait until `release` or `cancel`, then give a plan with a check."""
        self.cancelled.clear()
        notify(Progress("building the original: RUN make, about 12 s left", 2, 5, unit="steps"))
        notify(Progress("build 1 (selective) failed: ELF closure: /usr/lib/libx.so is missing", 0, unit=""))
        notify(Progress("adding /usr/lib/libx.so", 0, unit=""))
        while not self.release.wait(0.005):
            if self.cancelled.is_set():
                raise Cancelled
        self.plan = msgspec.structs.replace(
            self.plan,
            verified=True,
            size_after=Size(estimated=120 * MB, measured=118 * MB),
            checks=(Check("ELF closure", True, "all libraries are found"),),
        )
        return self.plan

    def refresh_waste(self) -> None:
        """Find nothing new: the findings are given."""

    def better_image(self):
        return self.better

    def cancel(self) -> None:
        self.cancelled.set()

    def switch_image(self, name: str) -> None:
        self.switched.append(name)


def ready_session(**options) -> ShownSession:
    """Give a session whose work is done."""
    session = ShownSession(**options)
    session.run(lambda event: None)
    return session
