from hypothesis import given
from hypothesis import strategies as st

from msbtui.session.rows.cells import bar, cut, cut_middle, fit, left, right, row_text, row_width, width, wrap

names = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x1F000, exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=40
)


def test_wide_and_combining_characters_count_as_a_terminal_counts_them():
    assert width("abc") == 3
    assert width("日本語") == 6
    assert width("e\u0301") == 1
    assert width("ﾊﾛｰ") == 3


def test_what_is_cut_ends_in_an_ellipsis():
    assert cut("apt-get install", 8) == "apt-get…"
    assert cut("日本語", 4) == "日…"
    assert cut("abc", 3) == "abc"
    assert cut("abc", 0) == ""
    assert cut_middle("/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", 24).endswith("/12/cc1plus")


@given(names, st.integers(0, 30))
def test_every_fitted_text_has_exactly_its_cells(name, cells):
    assert width(left(name, cells)) == cells
    assert width(right(name, cells)) == cells
    assert width(cut(name, cells)) <= cells
    assert width(cut_middle(name, cells)) <= cells


@given(st.lists(st.tuples(names, st.just("text")), max_size=5), st.integers(0, 40))
def test_every_fitted_row_has_exactly_its_cells(parts, cells):
    assert row_width(fit(parts, cells)) == cells


def test_a_row_that_is_cut_says_so_at_the_place():
    assert row_text(fit([("abc", "text"), ("defgh", "dim")], 6)) == "abcde…"
    assert row_text(fit([("abc", "text"), ("defgh", "dim")], 3)) == "ab…"
    assert row_text(fit([("abc", "text"), ("defgh", "dim")], 8)) == "abcdefgh"


def test_a_bar_counts_in_eighths_and_never_hides_a_part():
    assert bar(231, 231, 7) == "███████"
    assert bar(74, 231, 7) == "██▎    "
    assert bar(1, 10**9, 7) == "▏      "
    assert bar(0, 231, 7) == "       "
    assert bar(5, 0, 3) == "   "


@given(st.text(max_size=80), st.integers(1, 20))
def test_wrapping_loses_no_letter(text, cells):
    lines = wrap(text, cells)
    assert "".join(lines).replace(" ", "").replace("\n", "") == text.replace(" ", "").replace("\n", "")
    assert all(width(line) <= max(cells, 2) for line in lines)
