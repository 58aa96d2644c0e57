"""Traps of multi-stage Dockerfiles: lines that build, and leave something else in the image than their author thinks.

The facts are BuildKit's (frontend/dockerfile/dockerfile2llb/convert.go, dispatchCopy; solver/llbsolver/file/backend.go) and the
reference manual's (Dockerfile reference, COPY). They are found in the text; where the image is known, its files prove or clear
them and are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.copytraps import CopyTraps
from msbtui.analysis.model import Provenance
from msbtui.analysis.situation import Situation, mentions
from msbtui.dockerfile.model import Dockerfile, Instruction, Problem, Stage, StageGraph
from msbtui.dockerfile.recognise import absolute, program
from msbtui.image.model import Image, Kind
from msbtui.image.table import FileTable
from msbtui.text import size

_RUNTIME_ENV = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "GEM_HOME", "GEM_PATH", "NODE_PATH", "JAVA_HOME")


def find_traps(
    dockerfile: Dockerfile,
    graph: StageGraph,
    image: Image | None = None,
    table: FileTable | None = None,
    provenance: Provenance | None = None,
) -> tuple[Problem, ...]:
    """Give the traps as warnings at their lines, in order of lines. With the image what it shows counts; never raises."""
    if graph.target_index is None or not 0 <= graph.target_index < len(graph.stages):
        return ()
    finder = _Finder(dockerfile, graph, image, table, provenance)
    found = {(trap.line, trap.rule, trap.message): trap for trap in finder.run()}
    return tuple(found[key] for key in sorted(found))


class _Finder(CopyTraps):
    def run(self) -> Iterator[Problem]:
        for stage in self.graph.stages:
            for now in self.run_through.get(stage.index, ()):
                if now.stage == stage.index and now.instruction.keyword in ("COPY", "ADD") and len(now.instruction.words) > 1:
                    yield from self.copy_traps(stage, now)
        yield from self._lost_settings()
        yield from self._chown_after_copy()

    # -- what does not cross stages -----------------------------------------------------------------------------------

    def _copied_from(self) -> Iterator[tuple[Stage, Instruction, Situation]]:
        for now in self.run_through.get(self.target.index, ()):
            if now.instruction.keyword == "COPY":
                source = self.source_stage(now.instruction)
                if source is not None and source.index not in self.chain:
                    yield source, now.instruction, now

    def _lost_settings(self) -> Iterator[Problem]:
        through = self.run_through.get(self.target.index, [])
        here_env = _env_after(through)
        if self.image is not None and self.layers:
            here_env |= dict(item.partition("=")[::2] for item in self.image.config.env)
        arguments = {name for now in through for name in now.variables}
        reading = [now for now in through if now.instruction.keyword in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")]
        told: set[str] = set()
        copies: dict[int, list[tuple[Instruction, Situation]]] = {}
        for source, instruction, now in self._copied_from():
            copies.setdefault(source.index, []).append((instruction, now))
        for index, group in copies.items():
            source = self.graph.stages[index]
            there = self.run_through.get(index, [])
            for name, value in _env_after(there).items():
                if name in told:
                    continue
                user = next((now.instruction for now in reading if mentions(now.instruction.source, name)), None)
                lost = name not in here_env and name not in arguments
                if lost and user is not None and name not in ("PATH", "HOME"):
                    told.add(name)
                    yield self.trap(
                        user,
                        "EnvLostBetweenStages",
                        f"${name} is set in stage {source.name or source.index} only: ENV does not come along with COPY --from",
                        f"repeat it in this stage: ENV {name}=…",
                    )
                    continue
                if name in _RUNTIME_ENV:
                    at = self._needs_path(group, value, here_env.get(name, ""))
                    if at is not None:
                        told.add(name)
                        instruction, folder = at
                        yield self.trap(
                            instruction,
                            "EnvLostBetweenStages",
                            f"stage {source.name or source.index} finds {folder} by its ENV {name}, which does not come along: "
                            f"this stage's {name} does not name it",
                            f"repeat it in this stage: ENV {name}=" + (f"{folder}:$PATH" if name == "PATH" else folder),
                        )
            yield from self._lost_user(source, there, through, group[0][0])

    def _needs_path(self, group: list[tuple[Instruction, Situation]], value: str, here: str) -> tuple[Instruction, str] | None:
        """Give the COPY that brings a directory which the variable names there and not here."""
        known = here.split(":")
        for folder in value.split(":"):
            if not folder.startswith("/") or folder in known or folder.startswith(("/usr/local/bin", "/usr/bin")):
                continue
            for instruction, now in group:
                target = now.path(instruction.words[-1])
                if target != "/" and (folder == target or folder.startswith(target + "/")):
                    return instruction, folder
        return None

    def _lost_user(
        self, source: Stage, there: list[Situation], through: list[Situation], first: Instruction
    ) -> Iterator[Problem]:
        user = _user_after(there)
        if user.split(":")[0] in ("", "root", "0") or any(now.instruction.keyword == "USER" for now in through):
            return
        if self.image is not None and self.layers and self.image.config.user:
            return
        # A stage that is only built in runs as root often enough; one that ran as somebody else meant it.
        yield self.trap(
            first,
            "UserLostBetweenStages",
            f"stage {source.name or source.index} runs as {user}; USER does not come along with COPY --from, so that the "
            "container runs as root",
            f"make the account in this stage, and set USER {user} after it",
        )

    # -- chown after COPY ---------------------------------------------------------------------------------------------

    def _chown_after_copy(self) -> Iterator[Problem]:
        places: list[tuple[str, int]] = []
        for now in self.run_through.get(self.target.index, ()):
            instruction = now.instruction
            if instruction.keyword in ("COPY", "ADD") and len(instruction.words) > 1:
                places.append((now.path(instruction.words[-1]), instruction.span.first_line))
            if instruction.keyword != "RUN":
                continue
            for command in now.commands(self.dockerfile.escape):
                words = program(command)
                if words[:1] not in (("chown",), ("chmod",), ("chgrp",)) or command.nested:
                    continue
                if not any(re.fullmatch(r"-[a-zA-Z]*R[a-zA-Z]*|--recursive", word) for word in words[1:]):
                    continue
                plain = [word for word in words[1:] if not word.startswith("-")][1:]
                roots = [path for word in plain if (path := absolute(word, command, now.workdir)) is not None]
                hit = next(
                    (
                        (place, line)
                        for place, line in places
                        if any(_within(place, root) or _within(root, place) for root in roots)
                    ),
                    None,
                )
                if hit is None:
                    continue
                held, cost = self.layers.get(instruction.index), ""
                if held is not None and self.table is not None:
                    again = self._rewritten(held)
                    if not again:
                        continue
                    cost = f": {size(again)} are in the image twice"
                flag = "--chmod" if words[0] == "chmod" else "--chown"
                yield self.trap(
                    instruction,
                    "ChownAfterCopy",
                    f"`{words[0]} -R` stores what line {hit[1]} copied a second time, whole{cost}",
                    f"set it where it arrives: `COPY {flag}=…`",
                )

    def _rewritten(self, layer: int) -> int:
        """Give the bytes of files that a layer holds again with the same content."""
        assert self.table is not None and self.image is not None
        table, total = self.table, 0
        index, contents = table.index(layer), self.image.layers[layer].contents
        for entry, kind in enumerate(index.kinds):
            if kind != Kind.FILE or not index.sizes[entry]:
                continue
            before = table.live_at(table.path_of(layer, entry), layer - 1) if layer else None
            if before is None or table.index(before[0]).sizes[before[1]] != index.sizes[entry]:
                continue
            digest = contents.digest(entry)
            if digest is not None and digest == self.image.layers[before[0]].contents.digest(before[1]):
                total += index.sizes[entry]
        return total


def _within(path: str, root: str) -> bool:
    return path == root or root == "/" or path.startswith(root + "/")


def _user_after(through: list[Situation]) -> str:
    users = [now.expanded(now.instruction.value.strip()) for now in through if now.instruction.keyword == "USER"]
    return users[-1] if users else ""


def _env_after(through: list[Situation]) -> dict[str, str]:
    """Give the ENV at the end of a stage."""
    from msbtui.analysis.situation import assigned

    env: dict[str, str] = {}
    for now in through:
        env = dict(now.env)
        if now.instruction.keyword == "ENV":
            env |= {name: now.expanded(value) for name, value in assigned(now.instruction) if value is not None}
    return env
