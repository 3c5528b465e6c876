"""Time whole sessions against a straight script, in interleaved rounds on this machine.

    python -m tests.benchmarks.compare_speed --rounds 3

Each round runs, in an order that alternates: `pytest suites/` with an empty store, first the cells
alone, then the trials and the proofs of collations too, and again, answered from that store; a
straight script that trains the same cells in one warm process; and that script in a fresh process
for every cell. A ratio is of one round; the median over rounds is reported with the smallest and
the largest.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.core.recipe import OUR_FIELDS
from harness.judge.runs.sources import Sources
from harness.judge.suite.base import Suite, cells
from tests.ready import inputs_of
from tests.repositories import ROOT

STRAIGHT = Path(__file__).parent / "straight.py"
OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def suites() -> Iterator[type[Suite]]:
    """The project's own suites."""
    for path in sorted((ROOT / "suites").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Suite) and value is not Suite:
                yield value


def straight_cells() -> list[dict[str, Any]]:
    """Every tiny cell of the suites, in the straight script's words."""
    straight = []
    for suite in suites():
        for cell in cells(suite, ["tiny"], {}, None):
            recipe, dataset = cell.recipe, cell.dataset
            inputs = inputs_of(Sources(hub=False), cell)
            arguments = {n: v for n, v in asdict(recipe).items() if n not in OUR_FIELDS}
            straight.append(
                {
                    "files": {
                        n: [str(f) for f in files] for n, files in inputs.tables.files.items()
                    },
                    "model": str(inputs.model),
                    "metrics": {name: str(path) for name, path in inputs.tables.metrics.items()},
                    "texts": dataset.texts,
                    "labels": len(dataset.label_names),
                    "padding": cell.collation.padding,
                    "threads": 1,
                    "arguments": arguments
                    | {"fp16": False, "use_cpu": True, "dataloader_pin_memory": False},
                    **{
                        name: getattr(recipe, name)
                        for name in (
                            "max_length",
                            "max_train_samples",
                            "max_eval_samples",
                            "max_holdout_samples",
                            "num_proc",
                        )
                    },
                }
            )
    return straight


def seconds(command: list[str]) -> float:
    """Wall time of a command that must succeed."""
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=OFFLINE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def session(folder: Path, store: str, *selected: str) -> float:
    """Wall time of `pytest suites/`, or of what is selected of it, with a store."""
    options = [f"--harness-store={folder / store}", f"--harness-reports={folder / 'reports'}"]
    return seconds([sys.executable, "-m", "pytest", "suites/", "-q", *options, *selected])


def straight(folder: Path, chosen: list[dict[str, Any]]) -> float:
    """Wall time of the straight script on some cells, in one process."""
    path = folder / "cells.json"
    path.write_text(json.dumps(chosen), encoding="utf-8")
    return seconds([sys.executable, str(STRAIGHT), str(path)])


def measure(rounds: int) -> dict[str, list[float]]:
    """Times by name, one a round."""
    everything = straight_cells()
    times: dict[str, list[float]] = {
        name: [] for name in ("cells", "cold", "store", "warm", "fresh")
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn in range(rounds):
            steps = ["session", "warm", "fresh"]
            for step in steps if turn % 2 == 0 else reversed(steps):
                if step == "session":
                    store = f"store-{turn}"
                    of_cells = ("--ignore=suites/test_padding.py", "-m", "not trials")
                    times["cells"].append(session(folder, store, *of_cells))
                    times["cold"].append(times["cells"][-1] + session(folder, store))
                    times["store"].append(session(folder, store))
                elif step == "warm":
                    times["warm"].append(straight(folder, everything))
                else:
                    each = [straight(folder, [cell]) for cell in everything]
                    times["fresh"].append(sum(each))
    return times


def line(name: str, values: list[float], unit: str = "") -> str:
    """Median, smallest and largest."""
    middle = statistics.median(values)
    return f"{name:38} {middle:8.3f}{unit}   [{min(values):.3f}, {max(values):.3f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    times = measure(parser.parse_args().rounds)
    for name, values in times.items():
        sys.stdout.write(line(name, values, " s") + "\n")
    for label, above, below in (
        ("cells, cold / warm straight script", "cells", "warm"),
        ("cells, cold / fresh process a cell", "cells", "fresh"),
        ("cells and trials, cold / fresh process", "cold", "fresh"),
        ("from the store / cells and trials, cold", "store", "cold"),
    ):
        ratios = [a / b for a, b in zip(times[above], times[below], strict=True)]
        sys.stdout.write(line(label, ratios) + "\n")


if __name__ == "__main__":
    main()
