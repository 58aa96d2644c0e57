"""Split real projects and measure: does the result still work, how much smaller is it, was the estimate right.

    python benchmarks/split.py projects.tsv --sources FOLDER [--only ID ...] [--aliases] [--out FOLDER]

The TSV has one project a line and these columns, comments begin with `#`: `id repo commit dockerfile ecosystem kind base
aliases patch smoke expect notes proven`. `kind` is `split` (there is something to split off) or `control` (it should be
left alone). The sources are taken from `FOLDER/ID`, else from a clone of `https://github.com/REPO` at the commit; they are
copied before the patch (a shell command) runs. `aliases` (`name=stand-in`) are only tagged with `--aliases`: they change
what a name of a base image means on the engine.

`smoke` is shell text with four commands of ours: `run ARGS` (`docker run`, prints the output and `[exit N]`), `serve ARGS`
(the same in the background), `get PORT PATH [CURL ARGS]` and `tcp PORT TEXT` (wait for the port, print `[open PORT]`, ask,
print the answer and for HTTP `[http CODE]`); containers get no network, so a server is asked inside its own. `$IMAGE` is the
image, `$TREE` the sources. `expect` are regular expressions, `&&` between them, that the output must match. A project works
when its smoke passes in the original and in the image of the plan; for a plan that was refused nothing is built twice.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

COLUMNS = (
    "id repo commit dockerfile ecosystem kind base aliases patch smoke expect notes proven".split()  # noqa: SIM905
)
BUILD_SECONDS = 1800
SMOKE_SECONDS = 300
NEEDED = {"works": 0.95, "mean reduction": 0.65, "median reduction": 0.60, "estimates within 10 %": 0.90}
"""What the plan of the project asks for, over the projects whose original builds."""
SHELL = r"""
MINE="--label msbtui.benchmark=$LABEL --network none --memory 2g --pids-limit 1024"
run() { timeout -k 5 120 docker run --rm -i $MINE "$@" 2>&1; echo "[exit $?]"; }
serve() { CONTAINER=$(docker run -d $MINE "$@") || return; PROCESS=$(docker inspect -f '{{.State.Pid}}' "$CONTAINER"); }
inside() { nsenter -t "$PROCESS" -n "$@"; }
opened() {
  for _ in $(seq 150); do
    inside bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null && { echo "[open $1]"; return 0; }
    sleep 0.2
  done
  echo "[closed $1]"; docker logs "$CONTAINER" 2>&1 | tail -20; return 1
}
get() {
  local port=$1 path=$2; shift 2
  opened "$port" && inside curl -sS -m 30 -w '\n[http %{http_code}]\n' "$@" "http://127.0.0.1:$port$path" 2>&1
}
tcp() {
  opened "$1" || return
  printf "$2" | inside timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1; cat >&3; timeout 3 cat <&3" | tr -d '\0'
}
"""


class Row(msgspec.Struct, omit_defaults=True):
    """What one project showed; sizes in bytes, times in seconds."""

    id: str
    ecosystem: str
    kind: str
    original: str = ""
    """Empty where the original builds and its smoke passes, else why not."""
    decision: str = ""
    works: bool | None = None
    before: int | None = None
    estimated: int | None = None
    after: int | None = None
    rounds: int | None = None
    rung: str = ""
    verified: bool | None = None
    plan_seconds: float | None = None
    verify_seconds: float | None = None
    cause: str = ""

    @property
    def reduction(self) -> float | None:
        """Give the share that is gone; 0 where the image was left as it is."""
        if self.before is None or self.works is None:
            return None
        return 0.0 if self.after is None else 1 - self.after / self.before

    @property
    def error(self) -> float | None:
        """Give how far the estimate was off, as a share of the measured size."""
        return None if not self.after or self.estimated is None else self.estimated / self.after - 1


def projects(path: Path) -> Iterator[dict[str, str]]:
    """Give the projects of a TSV, one mapping a line."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)
        for row in rows:
            if row and row != COLUMNS:
                yield dict(zip(COLUMNS, row + [""] * (len(COLUMNS) - len(row)), strict=False))


def matches(output: str, expect: str) -> str:
    """Give the first expression that the output does not match; empty where all do."""
    for pattern in expect.split(" && "):
        if not re.search(pattern.strip(), output, re.MULTILINE | re.DOTALL):
            return pattern.strip()
    return ""


class Trial:
    """One project on its way: its sources in a temporary folder, its images on the engine."""

    def __init__(self, project: Mapping[str, str], sources: Path | None, work: Path, out: Path) -> None:
        self.project, self.work, self.out = project, work, out
        self.label = f"{project['id']}-{os.getpid()}"
        name = re.sub(r"[^a-z0-9]+", "-", project["id"].lower()).strip("-")
        self.images = {form: f"msbtui-benchmark-{name}:{form}" for form in ("before", "after")}
        self.tree = work / "tree"
        self.sources = sources / project["id"] if sources else None
        self.row = Row(project["id"], project["ecosystem"], project["kind"])

    def go(self, keep: bool) -> Row:
        """Measure it; whatever happens stands in the row."""
        try:
            self._go()
        finally:
            found = self._docker("ps", "-aq", "--filter", f"label=msbtui.benchmark={self.label}").stdout.split()
            if found:
                self._docker("rm", "-f", *found)
            if not keep:
                self._docker("rmi", *self.images.values())
        return self.row

    def _go(self) -> None:
        row = self.row
        if problem := self._fetch():
            row.original = problem
            return
        dockerfile = self.tree / self.project["dockerfile"]
        if problem := self._build("before", dockerfile):
            row.original = f"does not build: {problem}"
            return
        if problem := self._smoke("before"):
            row.original = f"its own smoke fails: {problem}"
            return
        start = time.perf_counter()
        plan = self._split(dockerfile)
        row.plan_seconds = round(time.perf_counter() - start, 2)
        if plan is None:
            return
        if row.decision in ("none", "refused"):
            row.works = True
            row.cause = last("\n".join(reasons[:1])) if isinstance(reasons := plan["reasons"], list) else ""
            return
        start = time.perf_counter()
        self._split(dockerfile, "--verify")
        row.verify_seconds = round(time.perf_counter() - start, 1)
        if row.decision in ("none", "refused"):
            row.works = True
            return
        new = self.out / f"{self.project['id']}.Dockerfile"
        problem = self._build("after", new) or self._smoke("after")
        row.works = not problem
        if problem:
            row.cause = f"{problem} | {row.cause}" if row.cause else problem

    def _fetch(self) -> str:
        if self.sources is not None and self.sources.is_dir():
            shutil.copytree(self.sources, self.tree, symlinks=True)
        else:
            address = f"https://github.com/{self.project['repo']}"
            for command in (
                ["clone", "-q", address, str(self.tree)],
                ["-C", str(self.tree), "checkout", "-q", self.project["commit"]],
            ):
                done = subprocess.run(["git", *command], check=False, capture_output=True, text=True)
                if done.returncode:
                    return f"no sources: {last(done.stderr)}"
        if self.project["patch"]:
            done = subprocess.run(
                ["bash", "-c", self.project["patch"]], cwd=self.tree, check=False, capture_output=True, text=True
            )
            if done.returncode:
                return f"the patch fails: {last(done.stderr)}"
        return ""

    def _docker(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments], check=False, capture_output=True, text=True, timeout=seconds, errors="replace"
        )

    def _build(self, form: str, dockerfile: Path) -> str:
        try:
            flags = ("--load", "--progress", "plain", "-t", self.images[form], "-f", str(dockerfile))
            done = self._docker("buildx", "build", *flags, str(self.tree), seconds=BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            return f"not built in {BUILD_SECONDS} s"
        (self.out / f"{self.project['id']}.{form}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if re.search(r"\b(error|ERROR|fatal|not found|No such)\b", line)]
            return last("\n".join(said) or done.stderr)
        return ""

    def _smoke(self, form: str) -> str:
        """Give what the smoke lacks; empty where it passes."""
        folder = self.work / f"smoke-{form}"
        folder.mkdir()
        environ = {**os.environ, "IMAGE": self.images[form], "TREE": str(self.tree), "LABEL": self.label, "PWD": str(folder)}
        with open(os.devnull, "rb") as nothing:
            try:
                done = subprocess.run(
                    ["bash", "-c", SHELL + self.project["smoke"]],
                    check=False,
                    cwd=folder,
                    env=environ,
                    stdin=nothing,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=SMOKE_SECONDS,
                )
            except subprocess.TimeoutExpired:
                return f"smoke not done in {SMOKE_SECONDS} s"
        output = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
        (self.out / f"{self.project['id']}.smoke-{form}.txt").write_text(output, encoding="utf-8")
        missed = matches(output, self.project["expect"])
        return f"smoke lacks /{missed}/: {last(output)}" if missed else ""

    def _split(self, dockerfile: Path, *options: str) -> dict[str, object] | None:
        """Plan (and verify) with the program itself; fill the row."""
        row, new = self.row, self.out / f"{self.project['id']}.Dockerfile"
        new.unlink(missing_ok=True)
        command = [sys.executable, "-m", "msbtui", "split", str(dockerfile), "--image", self.images["before"]]
        command += ["--context", str(self.tree), "--json", "--quiet", "-o", str(new), *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
        try:
            plan: dict[str, object] = json.loads(done.stdout)
        except ValueError:
            row.works, row.cause = False, f"split ends with {done.returncode}: {last(done.stderr)}"
            return None
        (self.out / f"{self.project['id']}.json").write_text(done.stdout, encoding="utf-8")
        sizes = plan["size_after"] if isinstance(plan["size_after"], dict) else {}
        row.decision = str(plan["decision"])
        row.before = plan["size_before"] if isinstance(plan["size_before"], int) else None
        row.estimated = sizes.get("estimated") or row.estimated
        row.after = sizes.get("measured")
        if options:
            row.verified = plan["verified"] is True
            rounds = plan.get("rounds")
            row.rounds = len(rounds) if isinstance(rounds, list) else rounds if isinstance(rounds, int) else None
            row.rung = str(plan.get("rung") or "")
            checks = plan["checks"] if isinstance(plan["checks"], list) else []
            failed = [f"{check['name']}: {check['detail']}" for check in checks if not check["passed"]]
            row.cause = "; ".join(failed)[:400]
        return plan


def last(text: str) -> str:
    """Give the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "nothing was said"


def percent(value: float | None) -> str:
    """Give a share for a table."""
    return "" if value is None else f"{value:.0%}"


def megabytes(value: int | None) -> str:
    """Give bytes for a table, in MB."""
    return "" if value is None else f"{value / 1e6:.1f}"


def table(rows: Iterable[Row]) -> str:
    """Give the Markdown tables: by project, by ecosystem, and what failed."""
    rows = list(rows)
    lines = [
        "| project | ecosystem | kind | decision | works | verified "
        "| before MB | after MB | smaller | estimate off | rounds | plan s | verify s |",
        "|---|---|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        works = "the original fails" if row.original else "yes" if row.works else "**no**"
        verified = "" if row.verified is None else "yes" if row.verified else "no"
        rounds = "" if row.rounds is None else str(row.rounds)
        cells = [row.id, row.ecosystem, row.kind, row.decision, works, verified, megabytes(row.before), megabytes(row.after)]
        cells += [percent(row.reduction), percent(row.error), rounds, str(row.plan_seconds or ""), str(row.verify_seconds or "")]
        lines.append(f"| {' | '.join(cells)} |")
    counted = [row for row in rows if not row.original and row.kind == "split"]
    lines += ["", "| ecosystem | projects | work | mean smaller | median smaller |", "|---|--:|--:|--:|--:|"]
    for name in [*sorted({family(row) for row in counted}), "all"]:
        group = [row for row in counted if name in ("all", family(row))]
        shares = [row.reduction or 0.0 if row.works else 0.0 for row in group]
        if group:
            working = sum(bool(row.works) for row in group) / len(group)
            lines.append(
                f"| {name} | {len(group)} | {working:.0%} | {statistics.mean(shares):.0%} | {statistics.median(shares):.0%} |"
            )
    lines.append("")
    controls = [row for row in rows if row.kind == "control" and not row.original]
    alone = sum(row.decision in ("none", "refused") for row in controls)
    lines += [f"controls left alone: {alone} of {len(controls)}  "] if controls else []
    for what, value in figures(rows).items():
        lines.append(f"{what}: {value:.0%} (asked for: {NEEDED[what]:.0%})  ")
    failed = [row for row in rows if row.original or row.works is False or row.cause]
    if failed:
        lines += ["", "| project | what | why |", "|---|---|---|"]
        for row in failed:
            why = (row.original or row.cause).replace("|", "¦").replace("\n", " ")
            what = "original" if row.original else "fails" if row.works is False else row.decision
            lines.append(f"| {row.id} | {what} | {why} |")
    return "\n".join(lines) + "\n"


def family(row: Row) -> str:
    """Give the ecosystem without its tool: `C++ / make` -> `C++`."""
    return re.split(r" [/+] |\s", row.ecosystem)[0]


def figures(rows: Iterable[Row]) -> dict[str, float]:
    """Give the figures that the project's plan asks for; a project that does not work counts as no smaller."""
    counted = [row for row in rows if not row.original and row.kind == "split"]
    if not counted:
        return {}
    shares = [row.reduction or 0.0 if row.works else 0.0 for row in counted]
    errors = [abs(row.error) <= 0.1 for row in counted if row.error is not None]
    return {
        "works": sum(bool(row.works) for row in counted) / len(counted),
        "mean reduction": statistics.mean(shares),
        "median reduction": statistics.median(shares),
        **({"estimates within 10 %": sum(errors) / len(errors)} if errors else {}),
    }


def main() -> int:
    """Run the projects one after the other; results land in the out folder as they come."""
    parser = argparse.ArgumentParser(description="Split real projects and measure.")
    parser.add_argument("projects", type=Path)
    parser.add_argument("--sources", type=Path, help="folder with one folder of sources a project, named by its id")
    parser.add_argument("--only", nargs="*", default=[], help="ids of projects")
    parser.add_argument("--aliases", action="store_true", help="tag the stand-ins of base images on the engine")
    parser.add_argument("--out", type=Path, default=Path("split-results"), help="folder for logs, plans and results")
    parser.add_argument("--keep", action="store_true", help="leave the images on the engine")
    parser.add_argument("--report", action="store_true", help="only print the table of the results that are there")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    wanted = [project for project in projects(options.projects) if not options.only or project["id"] in options.only]
    for project in wanted if not options.report else ():
        if options.aliases and project["aliases"]:
            for alias in project["aliases"].split():
                name, _, stand_in = alias.partition("=")
                if name != stand_in:
                    subprocess.run(["docker", "tag", stand_in, name], check=False)
        with tempfile.TemporaryDirectory(prefix="msbtui-split-") as folder:
            row = Trial(project, options.sources, Path(folder), out).go(options.keep)
        (out / f"{row.id}.row.json").write_bytes(msgspec.json.encode(row))
        print(
            f"{row.id}: {row.original or row.decision} works={row.works} smaller={percent(row.reduction)} {row.cause[:200]}",
            file=sys.stderr,
        )
    order = [project["id"] for project in projects(options.projects)]
    rows = [msgspec.json.decode(path.read_bytes(), type=Row) for path in out.glob("*.row.json")]
    print(table(sorted((row for row in rows if row.id in order), key=lambda row: order.index(row.id))), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
