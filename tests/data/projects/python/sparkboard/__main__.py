"""python -m sparkboard [--once] [--port N] [--readings CSV]"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import cairo

from sparkboard import page, readings, server, sparkline


def main() -> None:
    parser = argparse.ArgumentParser(prog="sparkboard", description="A page of sparklines.")
    parser.add_argument("--once", action="store_true", help="print a summary of the board and leave")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--readings", type=Path, default=readings.DEFAULT)
    options = parser.parse_args()

    gauges = readings.read(options.readings)
    if not options.once:
        server.serve(gauges, options.port)
    print(f"sparkboard: {len(gauges)} gauges, drawn by cairo {cairo.cairo_version_string()}")
    for gauge in gauges:
        digest = hashlib.sha256(bytes(sparkline.draw(gauge.values).get_data())).hexdigest()[:16]
        print(f"{gauge.name:<12} {gauge.last:7.1f} {gauge.unit:<4} trend {gauge.trend:+6.1f}  picture {digest}")
    html = page.render(gauges)
    print(f"page of {len(html)} characters, {hashlib.sha256(html.encode()).hexdigest()[:16]}")


if __name__ == "__main__":
    main()
