"""`x` in every pane, on what is under its cursor."""

import pytest
from main_screen import main_of, opened
from screen_text import screen_text, settled
from shown_session import ShownSession


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["1", "home"], "golang:1.22"),
        (["1", "home", "down"], "begins from golang:1.22"),
        (["2"], "FROM begins a stage"),
        (["3"], "no image of the engine fits this Dockerfile"),
        (["4"], "no image of the engine fits this Dockerfile"),
        (["5"], "no image of the engine fits this Dockerfile"),
    ],
)
async def test_without_an_image(keys, words):
    async with opened(ShownSession(image=False)) as pilot:
        await settled(pilot)
        await pilot.press(*keys, "x")
        await pilot.pause()
        assert words in screen_text(pilot.app)


async def test_what_was_never_moved_to_is_explained_all_the_same():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("4")
        main.files.show_cursor(main.files.rows.find("usr/include/curl"))
        await pilot.press("x")
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "/usr/include/curl" in text and "Nothing that runs calls them" not in text


async def test_an_error_is_told_to_its_end_on_each_line_of_its_instruction():
    text = "FROM a AS one\nRUN --mount=from=two,target=/a-long-way \\\n  true\nFROM b AS two\nRUN true\nFROM one\n"
    async with opened(ShownSession(text, image=False), size=(60, 24)) as pilot:
        await settled(pilot)
        for keys in (["2", "home", "down"], ["down", "down"]):
            await pilot.press(*keys, "x")
            await pilot.pause()
            seen = " ".join(screen_text(pilot.app).replace("│", " ").split())
            assert "stage needs to be defined before current command" in seen
            await pilot.press("escape")
