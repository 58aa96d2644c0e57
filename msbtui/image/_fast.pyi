from collections.abc import Callable

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
