"""The rules themselves: what the image has against what the configuration allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msbtui.analysis.model import Finding
from msbtui.engine.masking import mask
from msbtui.session.check.baseline import baseline_size
from msbtui.session.check.config import CheckConfig
from msbtui.session.check.dive import DiveNumbers, dive_numbers
from msbtui.session.check.model import CheckReport, RuleResult, Violation
from msbtui.session.session import Session
from msbtui.session.traps import traps_of
from msbtui.text import size

_MOST_NAMED = 5
"""Findings that one rule on sums names as those to begin with."""
_INSTRUCTION = 80
"""Characters of an instruction that a message shows."""


def run_check(session: Session, config: CheckConfig) -> CheckReport:
    """Give each rule's verdict on the image that the session has read. Raises UsageError for a baseline that is none."""
    if session.image is None or session.table is None or session.base is None or session.waste is None:
        raise RuntimeError("run_check needs a session that has read its image")
    known = session.dockerfile is not None and not session.reconstructed
    return CheckReport(
        image=session.image.name,
        dockerfile=session.dockerfile.path if session.dockerfile is not None and known else "",
        sources=config.sources,
        results=tuple(_Checker(session, config).run()),
    )


class _Checker:
    def __init__(self, session: Session, config: CheckConfig) -> None:
        self.session = session
        self.config = config
        assert session.table is not None and session.base is not None and session.waste is not None
        self.table, self.base, self.waste = session.table, session.base, session.waste
        self.own = [finding for finding in self.waste.findings if not finding.in_base]
        self._last_lines = (
            {one.span.first_line: one.span.last_line for one in session.dockerfile.instructions} if session.dockerfile else {}
        )

    def run(self) -> Iterator[RuleResult]:
        config, table, waste = self.config, self.table, self.waste
        if config.max_size is not None:
            yield self._at_most("max-size", "Size of the image", table.size, config.max_size, self._layers_by_size)
        if config.max_above_base is not None:
            above = sum(map(table.layer_size, range(self.base.layers, table.layers)))
            note = f"base {self.base.name or 'image'}: {self.base.how}" if self.base.layers else "no base image is known"
            title = "Bytes above the base image"
            yield self._at_most("max-above-base", title, above, config.max_above_base, self._layers_by_size, note)
        if config.max_layer_size is not None:
            yield self._layer_sizes(config.max_layer_size)
        if config.max_waste is not None:
            yield self._at_most("max-waste", "Wasted bytes", waste.total, config.max_waste, self._greatest)
        if config.max_waste_share is not None:
            share = waste.total / table.size if table.size else 0.0
            limit = config.max_waste_share
            yield self._result(
                "max-waste-share",
                "Share of the image that is waste",
                share <= limit,
                f"{_percent(share)} ({size(waste.total)} of {size(table.size)})",
                f"at most {_percent(limit)}",
                self._greatest,
            )
        if config.min_efficiency is not None:
            found = table.live_bytes / table.size if table.size else 1.0
            yield self._result(
                "min-efficiency",
                "Share of the image that its file system shows",
                found >= config.min_efficiency,
                _percent(found),
                f"at least {_percent(config.min_efficiency)}",
                self._greatest_hidden,
            )
        if config.baseline:
            yield self._growth()
        if config.forbid_kinds:
            kinds = config.forbid_kinds
            yield self._forbidden("forbid-kinds", "Kinds of waste that are forbidden", lambda one: one.kind in kinds)
        if config.forbid_secrets:
            yield self._forbidden("forbid-secrets", "Secrets in the image", lambda one: one.kind == "secret")
        if config.forbid_compilers:
            # Also those that the base brings: an image for production should start from a base without them.
            found_in = [one for one in self.waste.findings if one.kind == "compiler"]
            yield self._forbidden("forbid-compilers", "Compilers and build tools", lambda _: True, found_in)
        if config.forbid_traps:
            yield self._traps()
        if config.dive:
            yield from self._dive(dive_numbers(table))

    # -- one rule each ------------------------------------------------------------------------------------------------

    def _at_most(
        self, rule: str, title: str, found: int, limit: int, why: Callable[[], Iterable[Violation]], note: str = ""
    ) -> RuleResult:
        return self._result(rule, title, found <= limit, size(found), f"at most {size(limit)}", why, note)

    def _result(
        self, rule: str, title: str, passed: bool, found: str, limit: str, why: Callable[[], Iterable[Violation]], note: str = ""
    ) -> RuleResult:
        violations: tuple[Violation, ...] = ()
        if not passed:
            violations = (Violation(f"{title}: {found}, {limit} allowed"), *why())
        return RuleResult(rule, title, passed, found, limit, note, violations)

    def _layer_sizes(self, limit: int) -> RuleResult:
        table = self.table
        sizes = [(table.layer_size(layer), layer) for layer in range(self.base.layers, table.layers)]
        broken = tuple(self._layer(layer) for bytes_, layer in sorted(sizes, key=lambda one: (-one[0], one[1])) if bytes_ > limit)
        return RuleResult(
            "max-layer-size",
            "Size of each layer above the base",
            not broken,
            size(max(sizes)[0]) if sizes else "no layer",
            f"at most {size(limit)}",
            violations=broken,
        )

    def _growth(self) -> RuleResult:
        config, now = self.config, self.table.size
        before = baseline_size(config.baseline, self.session.environ)
        if config.max_growth is not None:
            allowed, limit = before + config.max_growth, f"at most {size(config.max_growth)} more than {size(before)}"
        else:
            share = config.max_growth_share or 0.0
            allowed, limit = int(before * (1 + share)), f"at most {_percent(share)} more than {size(before)}"
        grown = f"{size(now)} ({'+' if now >= before else '−'}{size(abs(now - before))})"
        title = "Growth since the baseline"
        return self._result(
            "max-growth", title, now <= allowed, grown, limit, self._layers_by_size, f"baseline {config.baseline}"
        )

    def _forbidden(
        self, rule: str, title: str, wanted: Callable[[Finding], bool], among: list[Finding] | None = None
    ) -> RuleResult:
        found = [
            one
            for one in (self.own if among is None else among)
            if wanted(one) and one.confidence <= self.config.forbid_confidence and not self._ignored(one)
        ]
        total = self.table.bytes_of({entry for one in found for entry in one.entries}, whole_inodes=True)
        words = f"{len(found)} finding{'s' * (len(found) != 1)}, {size(total)}" if found else "none"
        return RuleResult(rule, title, not found, words, "none", violations=tuple(self._finding(one) for one in found))

    def _ignored(self, one: Finding) -> bool:
        if not self.config.ignore:
            return False
        # A finding's paths name a directory for all that it holds; a pattern may mean what lies in it.
        table = self.table
        deep = tuple(table.paths[table.path_of(*entry)] for entry in one.entries)
        return any(each.holds(one.kind, one.paths) or each.holds(one.kind, deep) for each in self.config.ignore)

    def _traps(self) -> RuleResult:
        found = traps_of(self.session)
        broken = tuple(
            Violation(f"{trap.rule}: {trap.message}", line=trap.line, last_line=self._last_line(trap.line), advice=trap.hint)
            for trap in found
        )
        words = f"{len(found)} trap{'s' * (len(found) != 1)}" if found else "none"
        return RuleResult("forbid-traps", "Traps of multi-stage Dockerfiles", not found, words, "none", violations=broken)

    def _dive(self, numbers: DiveNumbers) -> Iterator[RuleResult]:
        """Dive's comparisons (ci/rules.go), on exact numbers; where dive's own differ, say so and why."""
        for name, limit in self.config.dive:
            if name == "highestWastedBytes":
                ours, theirs = float(numbers.exact_wasted), float(numbers.wasted)
                passed, would, bound = ours <= limit, theirs <= limit, f"at most {size(int(limit))}"
                words, other = size(numbers.exact_wasted), size(numbers.wasted)
            elif name == "lowestEfficiency":
                ours, theirs = numbers.exact_efficiency, numbers.efficiency
                passed, would, bound = ours >= limit, theirs >= limit, f"at least {_percent(limit)}"
                words, other = _percent(ours), _percent(theirs)
            else:
                ours, theirs = numbers.exact_user_share, numbers.user_share
                passed, would, bound = ours <= limit, theirs <= limit, f"at most {_percent(limit)}"
                words, other = _percent(ours), _percent(theirs)
            note = ""
            if words != other or passed != would:
                causes = []
                if numbers.counted_twice:
                    causes.append(f"it counts {size(numbers.counted_twice)} of rewritten files that are still in use")
                if numbers.missed:
                    causes.append(f"it misses {size(numbers.missed)} below deleted directories")
                verdict = "" if passed == would else f" and {'passes' if would else 'fails'}"
                note = f"dive says {other}{verdict}: {' and '.join(causes) or 'it sums by path, not by inode'}"
            titles = {"highestWastedBytes": "Hidden bytes", "lowestEfficiency": "Efficiency"}
            title = titles.get(name, "Hidden bytes against those above the first layer")
            yield self._result(name, title, passed, words, bound, self._greatest_hidden, note)

    # -- where it is broken -------------------------------------------------------------------------------------------

    def _last_line(self, line: int | None) -> int | None:
        return None if line is None else self._last_lines.get(line, line)

    def _finding(self, one: Finding) -> Violation:
        return Violation(one.title, one.bytes, one.line, self._last_line(one.line), one.layer, one.id, one.paths, one.advice)

    def _layer(self, layer: int) -> Violation:
        line = self.session.line(layer)
        held = self.table.layer_size(layer)
        what = " ".join(mask(self.session.instruction(layer)).split())
        what = what if len(what) <= _INSTRUCTION else f"{what[: _INSTRUCTION - 1].rstrip()}…"
        return Violation(f"layer {layer}: {size(held)}, {what}".rstrip(", "), held, line, self._last_line(line), layer)

    def _layers_by_size(self) -> Iterator[Violation]:
        layers = sorted(range(self.base.layers, self.table.layers), key=lambda layer: -self.table.layer_size(layer))
        yield from (self._layer(layer) for layer in layers[:3] if self.table.layer_size(layer))

    def _greatest(self) -> Iterator[Violation]:
        found = [one for one in self.own if one.confidence in "AB" and one.bytes]
        yield from (self._finding(one) for one in found[:_MOST_NAMED])

    def _greatest_hidden(self) -> Iterator[Violation]:
        found = [one for one in self.waste.findings if one.hidden_by is not None and one.bytes]
        yield from (self._finding(one) for one in found[:_MOST_NAMED])


def _percent(share: float) -> str:
    return f"{share:.1%}"
