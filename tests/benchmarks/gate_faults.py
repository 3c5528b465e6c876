"""Build every fault into a wheel of the package it breaks, and gate that against the original.

    python -m tests.benchmarks.gate_faults [FAULT ...]

The suite is the cells that `harness prove` asks, in its order, one at a time until the gate says
`regressed`. A line of JSON tells of each fault what the gate said, and what it named. The exit
code is 1 if it let one pass.
"""

import argparse
import ast
import json
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.core.errors import unknown
from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.mutation import faults
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from harness.judge.suite import collect
from tests import uv, wheels

FAULTS = Path(faults.__file__).parent
SUITE = """from harness import Recipe, Suite, Thresholds


class TestFault(Suite):
    recipe = Recipe(**{recipe!r})
    thresholds = Thresholds(accuracy=0.0)
"""
ORDER = ("transformers", "accelerate", "datasets", "evaluate", "sklearn", "numpy", "torch")


def module(fault: Path) -> str:
    """The package that a fault breaks: the highest of those it imports."""
    imported = set()
    for node in ast.walk(ast.parse(fault.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    return next(name for name in ORDER if name in imported)


def suites(folder: Path) -> list[Path]:
    """A suite for each cell that `harness prove` asks."""
    cells = [*collect.cells(["suites"])]
    from harness.judge.mutation.mutate import Prover  # pytest has rewritten the invariants' asserts

    runner = Runner(settings=Settings(store=folder / "unused"), session=uuid.uuid4().hex)
    written = []
    for index, cell in enumerate(Prover(runner, cells, 1).cells):
        values = {
            field.name: getattr(cell.recipe, field.name)
            for field in fields(Recipe)
            if getattr(cell.recipe, field.name) != field.default
        }
        declared = Recipe(**values)
        values["learning_rate"] = declared.learning_rate / catalog.TINY_LEARNING_RATE_FACTOR
        if declared.max_length is not None:
            values["max_length"] = declared.max_length * catalog.TINY_LENGTH_DIVISOR
        path = folder / f"test_{index}.py"
        path.write_text(SUITE.format(recipe=values), encoding="utf-8")
        written.append(path)
    runner.close()
    return written


def gate(suite: Path, wheel: Path, store: Path, folder: Path) -> dict[str, Any]:
    """What the gate says of a wheel."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness.judge.cli", "gate", str(wheel), *uv.links()),
            *("--suites", str(suite), "--correctness-only", "--store", str(store)),
            *("--environments", str(folder / "environments"), "--reports", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    report = folder / "gate.json"
    if not report.is_file():
        return {"verdict": f"exit {done.returncode}", "error": done.stderr[-500:]}
    outcome: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    findings = outcome["findings"]
    named = {f"{f['stage']}: {f['name']}" for f in findings if f["standing"] == "regressed"}
    return {
        "verdict": outcome["verdict"],
        "changes": [change["package"] for change in outcome["changes"]],
        "named": sorted(named),
        "parting": next((f["words"] for f in findings if f["stage"] == "first steps"), ""),
    }


def exhibit(fault: Path, cells: list[Path], store: Path) -> dict[str, Any]:
    """What the gate says of a fault, in the first cell where it says something."""
    started = time.perf_counter()
    with TemporaryDirectory() as name:
        folder = Path(name)
        wheel = wheels.faulty(module(fault), fault, folder)
        for cell in cells:
            outcome = gate(cell, wheel, store, folder)
            if outcome["verdict"] != "pass":
                break
    outcome |= {"cell": cell.stem, "seconds": round(time.perf_counter() - started, 1)}
    package = wheels.distribution_of(module(fault))
    subprocess.run([*uv.UV, "cache", "clean", "--quiet", package], check=True)  # room on the disk
    return {"fault": fault.stem, "package": package} | outcome


def main() -> int:
    """Gate the faults asked for, or all; print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = {path.stem: path for path in FAULTS.glob("*.py") if path.stem != "__init__"}
    parser.add_argument("faults", nargs="*", metavar="FAULT")
    names = parser.parse_args().faults
    for name in names:
        if name not in known:
            parser.error(unknown("fault", name, known).text)
    files = [known[name] for name in names or known]
    files.sort(key=lambda path: (ORDER.index(module(path)), path.stem))
    missed = []
    with TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        cells, store = suites(Path(folder)), Path(folder, "store")
        for outcome in pool.map(lambda fault: exhibit(fault, cells, store), files):
            sys.stdout.write(f"{json.dumps(outcome)}\n")
            sys.stdout.flush()
            if outcome["verdict"] != "regressed":
                missed.append(outcome["fault"])
    counted = [f"{len(files) - len(missed)} of {len(files)} regressed", *missed]
    sys.stdout.write(f"{' '.join(counted)}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
