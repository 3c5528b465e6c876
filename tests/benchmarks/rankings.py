"""Whether two runs of the padding benchmark rank collations alike.

    python -m tests.benchmarks.rankings FIRST/session.json SECOND/session.json

Of every two collations of a group whose intervals do not overlap in the first run, says whether
the second run ranks them the same way. The exit code is 1 if any pair changed places.
"""

import argparse
import json
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

Speedups = dict[str, dict[str, dict[str, float]]]


def speedups(path: Path) -> Speedups:
    """Mean, low and high by group and collation."""
    by_group: Speedups = {}
    session: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for pace in session["paces"]:
        standing = pace["standing"]
        if standing["speedup"] is not None:
            by_group.setdefault(pace["group"], {})[standing["collation"]] = standing["speedup"]
    return by_group


def main() -> int:
    """Compare, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    options = parser.parse_args()
    first, second = speedups(options.first), speedups(options.second)
    apart, changed = 0, []
    for group in first.keys() & second.keys():
        for one, other in combinations(first[group].keys() & second[group].keys(), 2):
            slow, fast = sorted((one, other), key=lambda name: first[group][name]["mean"])
            if first[group][slow]["high"] >= first[group][fast]["low"]:
                continue
            apart += 1
            if second[group][slow]["mean"] >= second[group][fast]["mean"]:
                changed.append(f"{group}: {slow} and {fast}")
    sys.stdout.write("".join(f"changed places: {pair}\n" for pair in changed))
    sys.stdout.write(f"{apart - len(changed)} of {apart} pairs rank alike\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
