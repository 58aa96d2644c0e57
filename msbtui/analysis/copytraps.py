"""Traps of COPY: what lands elsewhere, or with another owner, than its author thinks.

The facts: BuildKit, solver/llbsolver/file/backend.go, docopy; Dockerfile reference, COPY.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msbtui.analysis.model import Provenance
from msbtui.analysis.situation import Situation, situations, stages_down
from msbtui.dockerfile.model import Dockerfile, Instruction, Problem, Stage, StageGraph
from msbtui.dockerfile.recognise import absolute, program
from msbtui.image.model import Image, Kind
from msbtui.image.table import FileTable
from msbtui.regex import regex
from msbtui.text import size

_MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/local/man", "/var/run", "/var/lock")
"""Symlinks of Debian and its kin (Debian policy 9.1, merged /usr)."""
_LEADS = {"/usr/local/man": "/usr/local/share/man", "/var/run": "/run", "/var/lock": "/run/lock"}
_DEBIAN_KIN = regex(r"(^|/)(debian|ubuntu|buildpack-deps|python|node|golang|ruby|rust|php|openjdk|eclipse-temurin|gcc|nginx)\b")
_WELL_KNOWN = frozenset({"root", "nobody", "nogroup", "daemon", "bin", "www-data"})
_MAKERS = frozenset({"useradd", "adduser", "groupadd", "addgroup"})
_NAMED = 4
"""Files that a message names."""


class CopyTraps:
    """Finds the traps of one Dockerfile's COPYs; with the image's files where they are known."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        graph: StageGraph,
        image: Image | None,
        table: FileTable | None,
        provenance: Provenance | None,
    ) -> None:
        self.dockerfile = dockerfile
        self.graph = graph
        self.image = image
        self.table = table if image is not None and provenance is not None and table is not None and table.layers else None
        self.layers: dict[int, int] = {}
        for match in provenance.matches if provenance is not None else ():
            if match.instruction is not None and match.exact and self.table is not None and match.layer < self.table.layers:
                self.layers.setdefault(match.instruction, match.layer)
        assert graph.target_index is not None
        self.target = graph.stages[graph.target_index]
        self.chain = {stage.index for stage in stages_down(graph, self.target)}
        self.run_through = {stage.index: list(situations(dockerfile, graph, stage)) for stage in graph.stages if stage.reachable}

    def trap(self, instruction: Instruction, rule: str, message: str, hint: str) -> Problem:
        """Give a trap at an instruction's first line."""
        return Problem(message, instruction.span.first_line, 0, hint, rule)

    # -- COPY ---------------------------------------------------------------------------------------------------------

    def copy_traps(self, stage: Stage, now: Situation) -> Iterator[Problem]:
        """Give the traps of one COPY or ADD of a stage."""
        instruction = now.instruction
        sources = [now.expanded(word, self.dockerfile.escape) for word in instruction.words[:-1]]
        written = instruction.words[-1]
        target = now.path(written)
        source = self.source_stage(instruction)
        if not any(flag.name == "parents" for flag in instruction.flags):
            yield from self._flattens(instruction, sources, target)
        if instruction.flag("from") is not None:
            yield from self._libraries(instruction, sources, target)
            yield from self._relative(instruction, sources, source)
            yield from self._root_owner(instruction, sources, target, source)
        yield from self._names(stage, now)
        yield from self._through_link(stage, instruction, sources, written, target)

    def source_stage(self, instruction: Instruction) -> Stage | None:
        """Give the stage that `--from` names, or None where it names an image, a context, or is not there."""
        name = instruction.flag("from")
        if name is None:
            return None
        index = instruction.stage if instruction.stage is not None else 0
        earlier = self.graph.stages[:index]
        found = next((stage for stage in reversed(earlier) if stage.name == name.lower()), None)
        if found is None and name.isdigit() and int(name) < index:
            found = self.graph.stages[int(name)]
        return found

    def _flattens(self, instruction: Instruction, sources: list[str], target: str) -> Iterator[Problem]:
        for source in sources:
            if not re.search(r"(^|/)\*$", source) or "://" in source:
                continue
            evidence = ""
            layer = self.layers.get(instruction.index)
            if layer is not None and self.table is not None:
                names = sorted(self._landed(layer, target))
                below = {name.split("/")[0] for name in names}
                evidence = f"; in the image {target} got {_listed(sorted(below))}" if below else ""
            folder = source[:-1]
            yield self.trap(
                instruction,
                "CopyWildcardFlattens",
                f"`{source}` matches directories too, and COPY puts what is in them straight into {target}: "
                f"their own names are lost{evidence}",
                f"copy the directory itself: `{folder or './'}` instead of `{source}`",
            )

    def _landed(self, layer: int, target: str) -> Iterator[str]:
        """Give the paths below `target` of files that a layer holds, relative to it."""
        assert self.table is not None
        index = self.table.index(layer)
        prefix = target.strip("/") + "/" if target != "/" else ""
        for entry, path in enumerate(index.paths):
            if path.startswith(prefix) and index.kinds[entry] not in (Kind.DIRECTORY, Kind.WHITEOUT, Kind.OPAQUE):
                yield path[len(prefix) :]

    def _libraries(self, instruction: Instruction, sources: list[str], target: str) -> Iterator[Problem]:
        suspects = [source for source in sources if re.search(r"\.so[^/]*$", source) and re.search(r"[*?\[]", source)]
        if not suspects:
            return
        layer = self.layers.get(instruction.index)
        evidence = ""
        if layer is not None:
            copies = list(self._same_files(layer, target))
            if not copies:
                return
            spare = sum(bytes_ for _, bytes_ in copies)
            evidence = f": {_listed([name for name, _ in copies])} {'is' if len(copies) == 1 else 'are'} {size(spare)} of copies"
        yield self.trap(
            instruction,
            "CopyFollowsSymlinks",
            f"`{suspects[0]}` matches symlinks, and COPY puts a whole copy of the library in the place of each{evidence}",
            "copy the directory that holds them, or the one real file, and let `RUN ldconfig` make the links",
        )

    def _same_files(self, layer: int, target: str) -> Iterator[tuple[str, int]]:
        """Give the names and bytes of libraries that have the content of another one of their layer, first ones left out."""
        assert self.table is not None and self.image is not None
        index, contents = self.table.index(layer), self.image.layers[layer].contents
        prefix = target.strip("/")
        seen: dict[str, str] = {}
        for entry, path in sorted(enumerate(index.paths), key=lambda one: (-len(one[1]), one[1])):
            if index.kinds[entry] != Kind.FILE or ".so" not in path or not path.startswith(prefix) or not index.sizes[entry]:
                continue
            digest = contents.digest(entry)
            if digest is None:
                continue
            if digest in seen:
                yield path.rpartition("/")[2], index.sizes[entry]
            seen.setdefault(digest, path)

    def _relative(self, instruction: Instruction, sources: list[str], source: Stage | None) -> Iterator[Problem]:
        if source is None:
            return
        through = self.run_through.get(source.index) or list(situations(self.dockerfile, self.graph, source))
        workdir = _workdir_after(through)
        if workdir == "/":
            return
        for word in sources:
            if word.startswith(("/", "$")) or posixpath.normpath(word) == ".":
                continue
            meant = posixpath.normpath(posixpath.join(workdir, word))
            yield self.trap(
                instruction,
                "CopyFromRelativeSource",
                f"`{word}` is read from the root of stage {source.name or source.index}, not from its WORKDIR: "
                f"/{posixpath.normpath(word)}, not {meant}",
                f"write the absolute path that is meant: {meant} or /{posixpath.normpath(word)}",
            )

    def _root_owner(self, instruction: Instruction, sources: list[str], target: str, source: Stage | None) -> Iterator[Problem]:
        """COPY of a directory takes its content; the directory itself is made anew as root:root 0755 (moby issue 46529)."""
        if instruction.flag("chown") is not None or len(sources) != 1 or re.search(r"[*?\[]", sources[0]):
            return
        layer = self.layers.get(instruction.index)
        hint = f"set it where it arrives: `COPY --chown=…`, or make {target} before with `RUN install -d -o … -g …`"
        if layer is not None and self.table is not None:
            index, prefix = self.table.index(layer), target.strip("/")
            own = next((entry for entry, path in enumerate(index.paths) if path == prefix), None)
            if own is None or index.kinds[own] != Kind.DIRECTORY or index.uids[own] or index.gids[own]:
                return
            others = [
                path
                for entry, path in enumerate(index.paths)
                if path.startswith(prefix + "/") and index.uids[entry] and index.kinds[entry] < Kind.WHITEOUT
            ]
            direct = [path for path in others if "/" not in path[len(prefix) + 1 :]]
            if direct and len(others) * 2 > sum(path.startswith(prefix + "/") for path in index.paths):
                yield self.trap(
                    instruction,
                    "DirectoryOwnerLost",
                    f"{target} is root's, though what is in it belongs to others ({_listed([f'/{path}' for path in direct])}): "
                    "COPY takes what is in a directory, not the directory's owner and mode",
                    hint,
                )
            return
        if source is None:
            return
        path = posixpath.normpath("/" + sources[0].lstrip("/"))
        owner = self._owner_given(source, path)
        if owner:
            yield self.trap(
                instruction,
                "DirectoryOwnerLost",
                f"stage {source.name or source.index} gives {path} to {owner}, but COPY takes what is in a directory, not its "
                f"owner and mode: {target} will be root's",
                hint,
            )

    def _owner_given(self, stage: Stage, path: str) -> str:
        """Give the owner that a stage's commands give to a directory, or an empty text."""
        owner = ""
        for now in self.run_through.get(stage.index, ()):
            if now.instruction.keyword == "RUN":
                for command in now.commands(self.dockerfile.escape):
                    words = program(command)
                    plain = [word for word in words[1:] if not word.startswith("-")]
                    if words[:1] == ("chown",) and len(plain) > 1:
                        deep = any(re.fullmatch(r"-[a-zA-Z]*R[a-zA-Z]*|--recursive", word) for word in words)
                        for word in plain[1:]:
                            place = absolute(word, command, now.workdir)
                            if place == path or (deep and place is not None and path.startswith(place.rstrip("/") + "/")):
                                owner = plain[0]
            elif now.instruction.keyword == "COPY" and now.instruction.words and now.path(now.instruction.words[-1]) == path:
                owner = now.instruction.flag("chown") or owner
        return "" if owner.split(":")[0] in ("root", "0") else owner

    def _names(self, stage: Stage, now: Situation) -> Iterator[Problem]:
        chown = now.instruction.flag("chown")
        if chown is None or "$" in chown:
            return
        names = [name for name in chown.split(":") if name and not name.isdigit() and name not in _WELL_KNOWN]
        lowest = stages_down(self.graph, stage)[0]
        for name in dict.fromkeys(names):
            made = self._makers(name)
            here = {each.index for each in stages_down(self.graph, stage)}
            if made & here or self._brings_accounts(now, stage):
                continue
            if lowest.base.scratch:
                why = "a stage FROM scratch has no /etc/passwd to look it up in"
            elif made:
                other = self.graph.stages[min(made)]
                why = f"it is made in stage {other.name or other.index}, and names are looked up in the stage that COPY is in"
            else:
                continue
            yield self.trap(
                now.instruction,
                "ChownNameUnknown",
                f"`--chown={chown}`: {name!r} is not known here: {why}",
                "write the numbers, or make the account in this stage before",
            )

    def _makers(self, name: str) -> set[int]:
        """Give the stages whose RUNs make an account or group of this name."""
        found = set()
        for index, through in self.run_through.items():
            for now in through:
                if now.stage != index or now.instruction.keyword != "RUN":
                    continue
                for command in now.commands(self.dockerfile.escape):
                    words = program(command)
                    if words and words[0] in _MAKERS and name in words[1:]:
                        found.add(index)
        return found

    def _brings_accounts(self, now: Situation, stage: Stage) -> bool:
        """Say whether an earlier line of the stage copies /etc/passwd or all of a file system."""
        for before in self.run_through.get(stage.index, ()):
            if before.instruction.index >= now.instruction.index:
                return False
            if before.instruction.keyword in ("COPY", "ADD") and before.instruction.words:
                target = before.path(before.instruction.words[-1])
                if target in ("/", "/etc", "/etc/passwd", "/etc/group"):
                    return True
        return False

    def _through_link(
        self, stage: Stage, instruction: Instruction, sources: list[str], written: str, target: str
    ) -> Iterator[Problem]:
        link, leads = self._link_on_way(stage, instruction, target)
        if not link:
            return
        linked = (instruction.flag("link") or "true").lower() != "false" and any(
            flag.name == "link" for flag in instruction.flags
        )
        whole = target == link and len(sources) == 1 and not re.search(r"[*?\[]", sources[0])
        whole = whole and (not written.endswith("/") or sources[0].endswith("/"))
        if not linked and not whole:
            return
        canonical = target.replace(link, leads, 1)
        what = (
            "--link never follows it and puts a directory in its place"
            if linked
            else "a directory that lands on it fails with `cannot copy to non-directory`, or takes its place with older builders"
        )
        yield self.trap(
            instruction,
            "CopyThroughSymlink",
            f"{link} is a symlink to {leads}: {what}",
            f"name the place that it leads to: {canonical}",
        )

    def _link_on_way(self, stage: Stage, instruction: Instruction, target: str) -> tuple[str, str]:
        """Give the first symlink on a destination's way and where it leads, or two empty texts."""
        layer = self.layers.get(instruction.index)
        if self.table is not None and layer is not None and layer > 0 and stage.index in self.chain:
            table, at = self.table, ""
            for part in target.strip("/").split("/"):
                at = f"{at}/{part}" if at else part
                pid = table.id_of(at)
                leads = None if pid is None else table.link_target(pid, layer - 1)
                if leads is not None:
                    return f"/{at}", posixpath.normpath(posixpath.join("/", posixpath.dirname(at), leads))
            return "", ""
        base = stages_down(self.graph, stage)[0].base.image
        if base is None or not _DEBIAN_KIN.search(base.partition(":")[0]) or "alpine" in base:
            return "", ""
        for link in _MERGED:
            if target == link or target.startswith(link + "/"):
                return link, _LEADS.get(link, "/usr" + link)
        return "", ""


def _workdir_after(through: list[Situation]) -> str:
    at = "/"
    for now in through:
        at = now.workdir
        if now.instruction.keyword == "WORKDIR" and now.instruction.value.strip():
            at = now.path(now.instruction.value.strip().strip("\"'"))
    return at


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more
