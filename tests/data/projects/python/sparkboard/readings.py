"""Reads the readings and sums them up."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

DEFAULT = Path(__file__).resolve().parent.parent / "data" / "readings.csv"


@dataclass(frozen=True)
class Gauge:
    """One gauge with its readings in the order of their days."""

    name: str
    unit: str
    days: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    @property
    def last(self) -> float:
        return self.values[-1]

    @property
    def trend(self) -> float:
        """The mean of the last seven readings less that of the seven before."""
        week, before = self.values[-7:], self.values[-14:-7]
        return sum(week) / len(week) - sum(before) / len(before) if before else 0.0


def read(path: Path = DEFAULT) -> list[Gauge]:
    """The gauges of a CSV file with the columns gauge, unit, day, value, by name."""
    rows: dict[tuple[str, str], list[tuple[str, float]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["gauge"], row["unit"]), []).append((row["day"], float(row["value"])))
    gauges = []
    for (name, unit), series in sorted(rows.items()):
        days, values = zip(*sorted(series), strict=True)
        gauges.append(Gauge(name, unit, days, values))
    return gauges
