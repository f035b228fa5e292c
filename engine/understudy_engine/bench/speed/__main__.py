"""The same where there is no command line of ours: ``python -m understudy_engine.bench.speed --out FOLDER``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .measure import PARTS, SECONDS, SIZES, measure
from .table import lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures speed and exactness on this card.")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for speed.json")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--sizes", default=",".join(SIZES), help="sizes, with commas between")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="begin nothing after that long")
    asked = parser.parse_args()
    data = measure(
        asked.out / "speed.json",
        only=asked.only.split(","),
        sizes=asked.sizes.split(","),
        seconds=asked.seconds,
        tell=_say,
    )
    _say("\n".join(lines(data)))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
