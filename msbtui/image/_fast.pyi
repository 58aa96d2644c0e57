from collections.abc import Callable, Sequence

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

def marked(paths: list[str], starts: tuple[str, ...], ends: tuple[str, ...]) -> list[int]: ...
def longest(paths: list[str]) -> int: ...
