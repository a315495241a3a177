"""`python -m tests.bench`: measures, prints tables, and ends with 1 where a goal was missed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench.cases import CASES, Bench, say
from tests.bench.programs import Peers
from tests.bench.stores import Stores

_ROOT = Path(__file__).parent.parent.parent
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _size(text: str) -> int:
    number = text.upper().removesuffix("IB")
    unit = number[-1] if number[-1] in _UNITS else ""
    return int(float(number.removesuffix(unit)) * _UNITS[unit])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--size", type=_size, default=4 << 30, help="what is copied (default: 4G)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program, in turn (default: 5)")
    parser.add_argument("--only", choices=CASES, action="append", help="this case; may be repeated (default: all)")
    parser.add_argument("--alone", action="store_true", help="without the peers: only imgmove")
    words = parser.parse_args()
    folder = _ROOT / ".venv-bench"
    folder.mkdir(exist_ok=True)
    bench = Bench(words.size, words.rounds, Stores(folder), None if words.alone else Peers(folder))
    reports = []
    for name in words.only or CASES:
        reports.append(CASES[name](bench))
        say(reports[-1])
    missed = [goal for report in reports for goal in report.goals if not goal.is_met]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
