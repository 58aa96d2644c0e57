"""Compare this project's reading of Dockerfiles with BuildKit's on many made ones, and show what differs.

    python tests/oracle/compare.py --count 20000 --seed 1
    python tests/oracle/compare.py --count 2000 --seed 2 --faults 20      # each made file, and 20 more with faults put in by dice
    python tests/oracle/compare.py --count 0 --values 50000 --seed 3      # sound files with one value put together by dice

Disagreements are grouped by cause, the most frequent first, each with a Dockerfile made as small as its cause allows.
Ends with status 1 where there is a disagreement (those about warnings, places of errors and the graphs of rejected
files are counted and shown, and do not count as one).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from random import Random

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "support")]

import hypothesis  # noqa: E402
from buildkit_oracle import Oracle, Request, build  # noqa: E402
from dockerfile_gen import faulty, requests, value_requests  # noqa: E402
from oracle_compare import REPORT_ONLY, Difference, differences, shrink, warning_differences  # noqa: E402

_BATCH = 200
_EVERYTHING = list(hypothesis.HealthCheck)


def made(count: int, seed: int) -> list[Request]:
    """Give `count` requests; the same for the same seed and code, of whose constants Hypothesis makes use too."""
    found: list[Request] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, phases=[hypothesis.Phase.generate], suppress_health_check=_EVERYTHING
    )
    @hypothesis.given(requests())
    def take(request: Request) -> None:
        found.append(request)

    take()
    return found


def all_differences(request: Request, answer: dict[str, object]) -> list[Difference]:
    found = differences(request, answer)
    if not any(each.kind == "raises" for each in found):
        found += warning_differences(request, answer)
    return found


def smallest(oracle: Oracle, request: Request, cause: str) -> Request:
    """Give the smallest request found that still disagrees for the same cause."""

    def holds(candidates: list[bytes]) -> list[bool]:
        tried = [request.with_text(each) for each in candidates]
        answers = oracle.ask(tried)
        return [
            cause in {each.cause for each in all_differences(one, answer)} for one, answer in zip(tried, answers, strict=True)
        ]

    for plain in (Request(request.dockerfile), Request(request.dockerfile, build_contexts=request.build_contexts), request):
        (answer,) = oracle.ask([plain])
        if cause in {each.cause for each in all_differences(plain, answer)}:
            request = plain
            break
    return request.with_text(shrink(request.dockerfile, holds))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="how many Dockerfiles")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=0, help="so many faulty copies of each besides")
    parser.add_argument("--values", type=int, default=0, help="so many files with one odd value besides")
    parser.add_argument("--show", type=int, default=40, help="how many groups to show, each with its smallest example")
    parser.add_argument("--warnings", action="store_true", help="show the groups about warnings, places and rejected files too")
    parser.add_argument("--json", type=Path, help="write the smallest examples there as JSON")
    options = parser.parse_args()

    start = time.monotonic()
    groups: dict[str, list[tuple[Request, Difference]]] = defaultdict(list)
    accepted = drift = unanswered = 0
    with Oracle(build()) as oracle:
        found = made(options.count, options.seed) if options.count else []
        dice = Random(options.seed)
        found += [each.with_text(faulty(each.dockerfile, dice)) for each in found for _ in range(options.faults)]
        found += value_requests(options.values, dice)
        print(f"{len(found)} Dockerfiles made in {time.monotonic() - start:.0f} s", flush=True)
        for at in range(0, len(found), _BATCH):
            batch = found[at : at + _BATCH]
            for request, answer in zip(batch, oracle.ask(batch), strict=True):
                if answer.get("panic") or answer["endless"]:
                    unanswered += 1
                    continue
                accepted += bool(answer["ok"])
                drift += steps_differ(request, answer)
                for difference in all_differences(request, answer):
                    groups[difference.cause].append((request, difference))
        print(f"{accepted} accepted by BuildKit, {len(found) - accepted - unanswered} rejected, {time.monotonic() - start:.0f} s")
        if unanswered:
            print(f"{unanswered} times BuildKit has no answer: it panics, or goes on without end")
        if drift:
            print(f"{drift} times the oracle's steps and the exported Dockerfile2LLB differ: states.go is out of date")
        counts: dict[str, int] = defaultdict(int)
        for group in groups.values():
            counts[group[0][1].kind] += len(group)
        print("by kind:", dict(sorted(counts.items(), key=lambda item: -item[1])))
        hard = [cause for cause, group in groups.items() if group[0][1].kind not in REPORT_ONLY]
        shown = sorted(groups if options.warnings else hard, key=lambda cause: -len(groups[cause]))[: options.show]
        examples = [show(oracle, cause, groups[cause]) for cause in shown]
    if options.json:
        options.json.write_text(json.dumps(examples, indent=1, ensure_ascii=False), "utf-8")
    print(f"{sum(len(groups[cause]) for cause in hard)} disagreements of {len(hard)} causes, {time.monotonic() - start:.0f} s")
    return 1 if hard or drift else 0


def steps_differ(request: Request, answer: dict[str, object]) -> bool:
    """Say whether the exported function judges otherwise than the steps that the oracle went through."""
    if request.build_contexts or str(answer.get("error", "")).startswith("invalid context name"):
        return False
    return bool(answer["exported"]) == bool(answer["ok"])


def show(oracle: Oracle, cause: str, group: list[tuple[Request, Difference]]) -> dict[str, object]:
    """Print one group, and give its smallest example."""
    request = min((smallest(oracle, each, cause) for each, _ in group[:2]), key=lambda each: len(each.dockerfile))
    (answer,) = oracle.ask([request])
    difference = next((each for each in all_differences(request, answer) if each.cause == cause), group[0][1])
    print(f"\n--- {len(group)} x {cause}")
    inputs = {name: value for name, value in json.loads(request.line()).items() if value and name != "dockerfile"}
    print(f"    Dockerfile: {request.dockerfile!r}" + (f"   with {inputs}" if inputs else ""))
    print(
        f"    BuildKit: {difference.expected or answer.get('error') or 'accepts'}\n    here:     {difference.found or 'accepts'}",
        flush=True,
    )
    dockerfile = request.dockerfile.decode("utf-8", "surrogateescape")
    return {
        "cause": cause,
        "count": len(group),
        "dockerfile": dockerfile,
        **inputs,
        "buildkit": difference.expected,
        "here": difference.found,
    }


if __name__ == "__main__":
    sys.exit(main())
