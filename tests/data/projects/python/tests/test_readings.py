import unittest

from sparkboard import readings


class Readings(unittest.TestCase):
    def test_every_gauge_has_its_days_in_order(self) -> None:
        for gauge in readings.read():
            assert list(gauge.days) == sorted(gauge.days)
            assert len(gauge.days) == len(gauge.values)

    def test_the_trend_compares_two_weeks(self) -> None:
        gauge = readings.Gauge("a", "cm", tuple("abcdefghijklmn"), (1.0,) * 7 + (3.0,) * 7)
        assert gauge.trend == 2.0
