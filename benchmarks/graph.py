"""How fast the stage graph is: `python benchmarks/graph.py` prints the figures of issue and README against their limits.

Whole runs are compared with `python -c 'import click'` on the same machine, in turns, by the processor time that they take,
so that what else runs on it weighs on both. The rest is measured within one process. Exit code 1 where a limit is broken.

Found on two cores of an AMD EPYC with Python 3.11, while other work ran there too:

    import click                                                           40.0 ms
    msbtui graph, 100 lines, of `import click`                             2.25 x   (limit 3 x )
    10,006 lines, 1,000 stages: parsed, resolved, laid out as lanes        0.12 s   (limit 0.5 s )
    10,006 lines, 1,000 stages: parsed, resolved, laid out as boxes        0.22 s   (limit 0.5 s )
    a key in 1,000 stages: path lit and a page of rows drawn               0.40 ms  (limit 16 ms)
    506 lines: a key typed, parsed and resolved anew                       4.63 ms  (limit 10 ms)
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.session.drawing.diagram import make_diagram
from msbtui.session.rows.boxes import draw_layout
from msbtui.session.rows.stages import draw_stage, graph_users, lane_cells, path_keys, stage_rows

TURNS = 21
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPYCACHEPREFIX": tempfile.mkdtemp(prefix="msbtui-bench-")
}
"""Byte code is kept, as it is for everyone who has installed the program; the first run of each makes it."""


def dockerfile(stages: int, lines: int, seed: int = 1) -> str:
    """Give a Dockerfile of many stages that are built from and copy from one another, of about `lines` lines a stage."""
    chance = random.Random(seed)
    out = ["ARG V=1"]
    for stage in range(stages):
        near = range(max(0, stage - 8), stage)
        base = f"s{chance.choice(near)}" if stage and chance.random() < 0.7 else f"image{chance.randrange(6)}:$V"
        out.append(f"FROM {base} AS s{stage}")
        copies = [f"COPY --from=s{chance.choice(near)} /out/f{each} /f{each}" for each in range(chance.randrange(3)) if stage]
        out += [*copies, "COPY src ."]
        out += [f"RUN apt-get update && make step{step} ARG=$V" for step in range(lines - 2 - len(copies))]
    out += ["FROM debian:12", *(f"COPY --from=s{stage} /out /o{stage}" for stage in range(max(0, stages - 4), stages))]
    return "\n".join(out) + "\n"


def processor_seconds(command: list[str]) -> float:
    """Give the processor time of one run, user and system."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=ENVIRON, check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def whole_runs(path: Path) -> tuple[float, float]:
    """Give the median processor times of `import click` and of `msbtui graph`, run in turns."""
    click = [sys.executable, "-c", "import click"]
    graph = [sys.executable, "-m", "msbtui", "graph", str(path)]
    for command in (click, graph):
        processor_seconds(command)
    times = [(processor_seconds(click), processor_seconds(graph)) for _ in range(TURNS)]
    return median(first for first, _ in times), median(second for _, second in times)


def best(deed: Callable[[], object], turns: int = 7) -> float:
    """Give the least seconds of processor time that a deed took."""
    times = []
    for _ in range(turns):
        start = time.process_time()
        deed()
        times.append(time.process_time() - start)
    return min(times)


def main() -> int:
    """Measure, print, and say by the exit code whether all limits hold."""
    broken = 0

    def tell(what: str, found: float, limit: float, unit: str) -> None:
        nonlocal broken
        broken += found > limit
        print(f"{what:<66} {found:8.2f} {unit}  (limit {limit:g} {unit})  {'ok' if found <= limit else 'BROKEN'}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "Dockerfile")
        path.write_text("\n".join(dockerfile(12, 8).split("\n")[:100]) + "\n")
        click, graph = whole_runs(path)
    print(f"{'import click':<66} {click * 1000:8.1f} ms")
    tell("msbtui graph, 100 lines, of `import click`", graph / click, 3, "x ")

    large = dockerfile(1000, 10)

    def lay_out() -> None:
        rows = stage_rows(build_graph(parse(large)))
        lane_cells(rows, 80)

    def draw_all() -> None:
        draw_layout(make_diagram(build_graph(parse(large))))

    lines = large.count("\n")
    tell(f"{lines:,} lines, 1,000 stages: parsed, resolved, laid out as lanes", best(lay_out), 0.5, "s ")
    tell(f"{lines:,} lines, 1,000 stages: parsed, resolved, laid out as boxes", best(draw_all), 0.5, "s ")
    graph_ = build_graph(parse(large))
    rows = stage_rows(graph_)
    lane = lane_cells(rows, 80)
    page = rows[1000:1060]
    users = graph_users(graph_)
    tell(
        "a key in 1,000 stages: path lit and a page of rows drawn",
        1000 * best(lambda: (path_keys(graph_, "stage 500", users), [draw_stage(row, lane, 80, lit=True) for row in page])),
        16,
        "ms",
    )

    middle = dockerfile(50, 10)
    at = middle.index("make step3")
    typed = [middle[:at] + letter + middle[at:] for letter in "abcdefg"]
    turn = iter(typed * 10)
    tell(
        f"{middle.count(chr(10))} lines: a key typed, parsed and resolved anew",
        1000 * best(lambda: stage_rows(build_graph(parse(next(turn)))), 20),
        10,
        "ms",
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
