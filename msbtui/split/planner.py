"""The plan: from Dockerfile, image and findings to a multi-stage Dockerfile with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from msbtui.analysis.model import Base, Provenance, WasteReport
from msbtui.dockerfile.edit import without_loose_end
from msbtui.dockerfile.model import Dockerfile, Stage, StageGraph
from msbtui.image.model import Image, ImageConfig
from msbtui.image.packages import Package, Packages, read_packages
from msbtui.image.table import FileTable
from msbtui.split.accounts import Accounts, new_accounts
from msbtui.split.clearing import clearings
from msbtui.split.compose import Parts, compose
from msbtui.split.copies import plan_copies
from msbtui.split.estimate import size_after
from msbtui.split.explain import explain
from msbtui.split.folders import made_by_author
from msbtui.split.fromfiles import from_files
from msbtui.split.inplace import clean_in_place
from msbtui.split.installs import Dependencies, brought, choose_packages, wished
from msbtui.split.judge import Judge
from msbtui.split.keep import Kept
from msbtui.split.ladder import EVERYTHING, IN_PLACE, SELECTIVE, Wider, widen
from msbtui.split.metadata import plan_metadata
from msbtui.split.model import Plan, Size, Step
from msbtui.split.node import idle_tools, prunes
from msbtui.split.pydists import left_to_base, prune_tools, with_base
from msbtui.split.reach import follow
from msbtui.split.refuse import LEAST_BYTES, objection, too_little, why_too_little
from msbtui.split.removals import removed_from_base, whole_parts
from msbtui.split.runtime import RuntimeBase, choose_base
from msbtui.split.settings import changed_settings
from msbtui.split.siblings import SiblingFacts, names_of
from msbtui.split.starts import only_a_prompt, starts
from msbtui.split.textonly import plan_from_text
from msbtui.split.view import DEFAULT_PATH, View, relative
from msbtui.text import size

Siblings = Callable[[str], SiblingFacts | None]
_LEAST_FIT = 0.5
"""Below this an image says nothing about a Dockerfile."""


def make_plan(
    dockerfile: Dockerfile,
    graph: StageGraph,
    *,
    image: Image | None = None,
    table: FileTable | None = None,
    packages: Packages | None = None,
    base: Base | None = None,
    provenance: Provenance | None = None,
    waste: WasteReport | None = None,
    siblings: Siblings = lambda _: None,
    smokes: Sequence[str] = (),
    rung: str = SELECTIVE,
    extra_paths: Sequence[str] = (),
    extra_packages: Sequence[str] = (),
    extra_users: Sequence[str] = (),
    opened: Mapping[str, str] = {},
    absent: Sequence[str] = (),
    known: Mapping[str, Sequence[str]] = {},
) -> Plan:
    """Plan the split of the target stage; sizes in bytes.

    With `image`, `table`, `packages` and `base` the plan comes from what the image holds; without one of them from the text alone
    (`Plan.proven` is then False). `siblings` gives what the engine knows of another image, None where it has none. `smokes` are
    commands that must still run. `rung` is how much is kept (split/ladder.py); `extra_paths` (as the table has them),
    `extra_packages` and `extra_users` are kept whatever speaks against it: what a check of a built image missed;
    `opened` (path -> when) is what the original was seen to open, kept likewise. `absent` are images that a build could not
    get; `known` are the engine's names of images with the diff ids of their layers.
    Never raises for what an image or Dockerfile holds.
    """
    if graph.target_index is None or graph.target_index >= len(graph.stages):
        reason = graph.errors[0].message if graph.errors else "the Dockerfile has no stage to build"
        return Plan("none", (reason,), "", proven=False)
    dockerfile = without_loose_end(dockerfile)
    stage = graph.stages[graph.target_index]
    if image is None or table is None or packages is None or base is None or not image.layers:
        return plan_from_text(dockerfile, graph, stage)
    if provenance is not None and provenance.fit < _LEAST_FIT:
        plan = plan_from_text(dockerfile, graph, stage)
        return msgspec.structs.replace(
            plan, reasons=(f"{image.name} was not built from this Dockerfile ({provenance.verdict})", *plan.reasons)
        )
    origin = origin_of(graph, stage)
    if origin is None:
        reason = "the final stage starts from scratch: it holds only what was copied or added, and no base with a toolchain"
        layers = f"{table.layers} {'layer' if table.layers == 1 else 'layers'}"
        shown = (f"it has {size(table.size)} in {layers}, {size(table.hidden_bytes)} deleted or replaced later",)
        return Plan("none", (reason,), "", table.size, steps=(Step("no split", reason, shown),))
    if not base.layers:
        return Plan(
            "none",
            ("where the base image ends is not known, so nothing tells the toolchain from the application",),
            "",
            table.size,
        )
    if "rpm" in packages.managers:
        # Nothing here writes dnf's commands: what rpm installed is copied like any other file.
        packages = read_packages(image, table, managers=("dpkg", "apk"))
    view = View(image, table, packages, base.layers)
    view.from_files = from_files(image.layers, packages, base.layers)
    wider = Wider(rung, tuple(extra_paths), tuple(extra_packages), tuple(extra_users), opened)
    names = names_of([layer.diff_id for layer in image.layers[: base.layers]], known)
    planner = _Planner(dockerfile, graph, stage, view, origin, waste, siblings, smokes, wider, names, absent)
    plan = planner.plan()
    if provenance is not None and not provenance.in_sync:
        plan = msgspec.structs.replace(
            plan,
            reasons=(
                *plan.reasons,
                f"the image is not of this text ({provenance.verdict}): build it again before trusting the plan",
            ),
        )
    return plan


def origin_of(graph: StageGraph, stage: Stage) -> str | None:
    """Give the image that a stage's chain of FROMs ends at; None for scratch."""
    for _ in graph.stages:
        if stage.base.stage is None:
            return stage.base.image
        stage = graph.stages[stage.base.stage]
    return stage.base.image


class _Planner:
    def __init__(
        self,
        dockerfile: Dockerfile,
        graph: StageGraph,
        stage: Stage,
        view: View,
        origin: str,
        waste: WasteReport | None,
        siblings: Siblings,
        smokes: Sequence[str],
        wider: Wider,
        names: Sequence[str] = (),
        absent: Sequence[str] = (),
    ) -> None:
        self.names, self.absent = names, absent
        self.dockerfile, self.graph, self.stage, self.view, self.origin = dockerfile, graph, stage, view, origin
        self.waste, self.siblings, self.smokes, self.wider = waste, siblings, smokes, wider

    def plan(self) -> Plan:
        view, before = self.view, self.view.table.size
        if self.wider.rung == IN_PLACE:
            return self._instead("none", "this rung of the ladder keeps the stages as they are")
        prompt = only_a_prompt(view.config)
        programs = self._programs() if prompt else []
        reach = follow(view, starts(view.config, self.smokes), programs)
        if found := objection(view, reach, programs, self.origin, self.dockerfile.path):
            return self._instead("refused", found.reason, found.evidence)
        small = self.wider.rung == SELECTIVE
        pruned, idle = (prunes(view, reach), idle_tools(view, reach)) if small else ([], set())
        tools = prune_tools(view, reach) if small else None
        judge = Judge(view, reach, self.waste, self._places(), [*pruned, *filter(None, [tools])], idle)
        if any(judge.pruned(path) for path in (*self.wider.paths, *self.wider.opened)):
            # a check found that a development package is needed: then none can be told from the others
            pruned, tools = [], None
            judge = Judge(view, reach, self.waste, self._places(), pruned, idle)
        kept = Kept(view, reach, judge)
        kept.gather()
        widen(kept, view, judge, self.wider)
        cleared = clearings(view, judge, kept) if small else []
        words = kept.words | {word for start in starts(view.config, self.smokes) for word in start.words}
        languages = [language for language, path in reach.languages.items() if view.owner(path) is not None]
        own_scripts = any(view.owner(path) is None for path in reach.scripts)
        wanted = choose_packages(
            view,
            kept.owned,
            kept.direct,
            languages,
            words,
            (),
            kept.classes,
            commands=kept.may_start_programs,
            called=kept.called,
            own_scripts=own_scripts,
        )
        if self.wider.rung == EVERYTHING:
            runtime = RuntimeBase(self.origin, "the original's own base", (), self.siblings(self.origin), True, same=True)
        else:
            # packages that the author installs by name are for people who look into the container, and scratch has no manager
            empty = small and not wished(view, words)
            runtime = choose_base(
                view, kept, self.origin, self.siblings, wanted, empty=empty, names=self.names, absent=self.absent
            )
        if runtime.same and runtime.facts is not None and runtime.facts.image.config.onbuild:
            trigger = runtime.facts.image.config.onbuild[0]
            return self._instead(
                "refused", f"{self.origin} runs `{trigger}` in every stage on it (ONBUILD), and no other base is known"
            )
        present = self._present(runtime)
        installs = (
            []
            if runtime.scratch
            else choose_packages(
                view,
                kept.owned,
                kept.direct,
                languages,
                words,
                present,
                kept.classes,
                commands=kept.may_start_programs,
                called=kept.called,
                own_scripts=own_scripts,
            )
        )
        tools = with_base(view, runtime.view, tools) if small and not runtime.scratch else tools
        gone = frozenset[str]().union(*(one.removed for one in (*cleared, *filter(None, [tools]))))
        arriving = brought(view, installs, present)
        names = {package.name for package in arriving} | set(present)
        accounts = new_accounts(view, runtime.view, self.wider.users, kept.paths)
        settings = changed_settings(view, {package.name for package in arriving})
        paths = self._final_paths(kept, runtime, names, accounts)
        paths = {path: why for path, why in paths.items() if path not in settings.links}
        copies = plan_copies(
            view,
            paths,
            runtime.view,
            scratch=runtime.scratch,
            forbidden=lambda path: _firm(judge, path),
            gone=lambda path: judge.pruned(path) or path in gone,
            cautious=kept.cautious,
        )
        if not runtime.scratch:
            users = {account.uid for account in accounts.users}
            copies.made += made_by_author(view, runtime.view, arriving, copies, users)
        runtime_config = self._runtime_config(runtime)
        before_config = facts.image.config if (facts := self.siblings(self.origin)) else None
        folders = {"/" + path.rpartition("/")[0] for path in (*reach.why, *copies.covered) if view.executable(path)}
        metadata = plan_metadata(
            view.config,
            before_config,
            runtime_config,
            self.stage.instructions,
            escape=self.dockerfile.escape,
            needed_folders=folders & set((view.env.get("PATH") or DEFAULT_PATH).split(":")),
            gone=lambda path: not self._arrives(path, copies.covered, runtime),
        )
        parts = Parts(
            view,
            reach,
            judge,
            kept,
            runtime,
            installs,
            arriving,
            accounts,
            copies,
            metadata,
            whole_parts([path for path in removed_from_base(view, runtime.view, names) if not left_to_base(tools, path)], copies),
            runtime_config,
            [*pruned, *filter(None, [tools]), *cleared],
            settings,
        )
        text = compose(self.dockerfile, self.graph, self.stage, parts)
        after = size_after(view, runtime, arriving, copies)
        if after is not None and too_little(before, after):
            found = why_too_little(view, before, after, runtime.ref)
            return self._instead("none", found.reason, found.evidence)
        steps, left_out, caution = explain(parts, self.origin)
        reasons = self._reasons(parts, before, after)
        return Plan(
            "split",
            tuple(reasons),
            text,
            before,
            Size(estimated=after),
            steps=tuple(steps),
            left_out=tuple(left_out),
            caution=tuple(caution),
            kept=tuple(sorted(copies.covered - {path for prune in pruned for path in prune.rewritten})),
            dropped_settings=tuple(f"{item.field}.{item.name}" for item in metadata.dropped),
            rung=self.wider.rung,
            set_aside=_set_aside(kept),
            base="" if runtime.same or runtime.scratch else runtime.ref,
        )

    def _reasons(self, parts: Parts, before: int, after: int | None) -> list[str]:
        reasons = []
        if after is not None:
            reasons.append(f"about {size(before - after)} of {size(before)} ({(before - after) / before:.0%}) are saved")
        reasons.append(parts.runtime.why)
        if parts.kept.missing:
            reasons.append(f"the original itself lacks {parts.kept.missing[0]}")
        if parts.copies.unnameable:
            reasons.append(f"/{parts.copies.unnameable[0]} stays behind: no Dockerfile can hold its name")
        if parts.copies.special:
            reasons.append(
                f"/{parts.copies.special[0]} has setuid, setgid or capabilities: BuildKit keeps them, other builders may not"
            )
        return reasons

    def _instead(self, decision: str, reason: str, evidence: tuple[str, ...] = ()) -> Plan:
        """Give the plan where no split is sound or worth it: a clean-up in the same lines where that gains, else the reason."""
        found = clean_in_place(self.dockerfile, self.stage, self.view, self.waste)
        before, why = self.view.table.size, Step("no split", reason, evidence)
        if found is None or found.saved < LEAST_BYTES or found.saved < before // 20:
            return Plan(decision, (reason,), "", before, steps=(why,))
        return Plan(
            "in-place",
            (
                f"no split: {reason}",
                f"about {size(found.saved)} of {size(before)} go when the same lines clean up after themselves",
            ),
            found.dockerfile,
            before,
            Size(estimated=before - found.saved),
            steps=(why, *found.steps),
            rung=IN_PLACE,
        )

    def _places(self) -> list[str]:
        """Give the directories that the final stage's COPY, ADD and WORKDIR name, as far as they stand in the image."""
        found, workdir = [], "/"
        for instruction in self.stage.instructions:
            if instruction.keyword == "WORKDIR" and "$" not in instruction.value:
                workdir = "/" + relative(instruction.value.strip().strip("\"'"), workdir)
                found.append(workdir)
            elif instruction.keyword in ("COPY", "ADD") and instruction.words and "$" not in instruction.words[-1]:
                found.append("/" + relative(instruction.words[-1], workdir))
        found.append(self.view.workdir)
        places = []
        for name in found:
            path = self.view.real(name.lstrip("/"))
            if path and self.view.is_dir(path):
                places.append(path)
        return places

    def _programs(self) -> list[str]:
        """Give the executables of its own that an image offers: what counts as started where nothing is."""
        view = self.view
        folders = [folder for folder in (view.env.get("PATH") or DEFAULT_PATH).split(":") if folder]
        found = []
        for folder in dict.fromkeys([*folders, view.workdir]):
            real = view.real(relative(folder))
            for path in view.children(real) if real else ():
                at = view.real(path) or path
                # a link into a package, as alternatives make them, is the package's program
                if view.is_new(path) and not view.owned(path) and not view.owned(at) and view.executable(at):
                    elf, text = view.elf(at), view.text(at, 2)
                    if (elf is not None and elf.kind in ("ET_EXEC", "ET_DYN")) or (text == b"#!" and folder in folders):
                        found.append(path)
        return found

    def _present(self, runtime: RuntimeBase) -> frozenset[str]:
        """Give the names of the packages that the runtime base has; where it is not at hand, of what every release has."""
        if runtime.scratch:
            return frozenset()
        if runtime.facts is not None:
            return frozenset(runtime.facts.packages.installed)
        base = self.view.packages.at(self.view.base_layers - 1)
        if runtime.same:
            return frozenset(base)
        return _minimal(base)

    def _runtime_config(self, runtime: RuntimeBase) -> ImageConfig:
        """Give the configuration of the runtime base; where it is not at hand, what an image of its kind has."""
        if runtime.scratch:
            return ImageConfig()
        if runtime.facts is not None:
            return runtime.facts.image.config
        return ImageConfig(env=(f"PATH={DEFAULT_PATH}",), cmd=("bash",))

    def _final_paths(self, kept: Kept, runtime: RuntimeBase, packages: set[str], accounts: Accounts) -> dict[str, str]:
        """Give what is copied: the kept paths, without what packages and accounts bring, with what the runtime base lacks."""
        view, paths = self.view, {}
        for path, why in kept.paths.items():
            owner = view.owner(path)
            if owner is not None and owner.name not in packages and path not in kept.reach.why:
                continue  # the changed settings of a package that is left out
            if (
                path.startswith("etc/ssl/certs/")
                and "ca-certificates" in packages
                and path not in kept.reach.why
                and self._from_package_layer(path)
            ):
                continue
            paths[path] = why
        for account in accounts.users:
            home = account.home.strip("/")
            if account.name in accounts.homes:
                for path in [path for path in paths if path.startswith(home + "/") and _skeleton(view, path, home)]:
                    del paths[path]
                if not any(path.startswith(home + "/") for path in paths):
                    paths.pop(home, None)
        for path in runtime.copied:
            paths[path] = kept.of_base.get(path, "the executable names it")
        if runtime.view is not None and not runtime.same:
            for path, why in kept.of_base.items():
                if (
                    not runtime.view.exists(path)
                    and not (path.startswith("etc/ssl/") and "ca-certificates" in packages)
                    and not path.startswith("etc/alternatives/")
                    and ((maker := view.packages.owner(path, inferred=True)) is None or maker.name not in packages)
                ):
                    paths[path] = why
        return paths

    def _from_package_layer(self, path: str) -> bool:
        at = self.view.entry(path)
        return at is not None and bool(self.view.packages.added(at[0]))

    def _arrives(self, path: str, covered: set[str], runtime: RuntimeBase) -> bool:
        inside = relative(path)
        if runtime.view is not None and runtime.view.exists(inside):
            return True
        return any(item == inside or item.startswith(inside + "/") for item in covered)


def _set_aside(kept: Kept) -> tuple[str, ...]:
    """Give the records of what stays behind as a development dependency."""
    left = kept.left.get("development dependencies", [])
    tools = [path for path in kept.left.get("development packages", []) if path.endswith("/METADATA")]
    return tuple([path for path in left if path.endswith(("/METADATA", "/PKG-INFO", "/package.json", ".gemspec"))] + tools)


def _firm(judge: Judge, path: str) -> bool:
    verdict = judge.verdict(path)
    return verdict is not None and verdict.firm


def _skeleton(view: View, path: str, home: str) -> bool:
    skeleton = f"etc/skel/{path[len(home) + 1 :]}"
    return view.is_file(skeleton) and view.digest(path) is not None and view.digest(path) == view.digest(skeleton)


def _minimal(base: dict[str, Package]) -> frozenset[str]:
    dependencies = Dependencies(base)
    names = {
        name
        for name, package in base.items()
        if package.essential or package.priority == "required" or name in ("apt", "apk-tools", "busybox", "musl")
    }
    return frozenset(names | {other for name in names for other in dependencies.closure(name)})
