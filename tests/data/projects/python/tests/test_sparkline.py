import unittest

from sparkboard import page, readings, sparkline


class Sparkline(unittest.TestCase):
    def test_the_highest_value_lies_at_the_top(self) -> None:
        (_, low), (_, high) = sparkline.points([1.0, 2.0])
        assert (low, high) == (sparkline.HEIGHT - sparkline.MARGIN, sparkline.MARGIN)

    def test_a_flat_series_is_drawn(self) -> None:
        assert sparkline.png([5.0, 5.0, 5.0]).startswith(b"\x89PNG")


class Page(unittest.TestCase):
    def test_names_are_escaped(self) -> None:
        gauge = readings.Gauge("<b>", "cm", ("a", "b"), (1.0, 2.0))
        assert "&lt;b&gt;" in page.render([gauge])
