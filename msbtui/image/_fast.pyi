from array import array
from collections.abc import Callable, Sequence

from msbtui.image.stack import LayerStack
from msbtui.image.tarscan import Scanner

FORM: int

class Run:
    def __init__(
        self,
        entry_path: Callable[[bytes], str],
        printable_bytes: Callable[[bytes], str],
        heads: tuple[list[int], list[int]] | None = None,
        descriptor: int = -1,
        start: int = 0,
    ) -> None: ...
    def take(self, scanner: Scanner, view: memoryview, pos: int, base: int) -> int: ...

class LastParts:
    def __init__(self, paths: list[str], pids: Sequence[int]) -> None: ...
    def named(self, name: str) -> Sequence[int]: ...
    def ending(self, suffix: str) -> Sequence[int]: ...

def add_new(
    stack: LayerStack,
    ids: dict[str, int],
    known_paths: list[str],
    parents: array[int],
    paths: list[str],
    kinds: bytearray,
    layer: int,
    base: int,
    row_path: array[int],
) -> Sequence[int] | None: ...
def link(stack: LayerStack, parents: array[int], first: int, end: int) -> None: ...
def marked(paths: list[str], starts: tuple[str, ...], ends: tuple[str, ...]) -> list[int]: ...
def longest(paths: list[str]) -> int: ...
def sound_columns(
    kinds: bytearray, sizes: array[int], modes: array[int], mtimes: array[float], gaps: array[int]
) -> array[int] | None: ...
def sound_paths(text: str, paths: list[str]) -> bool: ...
def gaps_between(sizes: array[int], offsets: array[int]) -> array[int]: ...
