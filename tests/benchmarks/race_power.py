"""How often a race is right: of like environments, and of one whose steps take 3 % longer.

    python -m tests.benchmarks.race_power --gates 20 --slowdown 0.03

A gate races one cell of every loop, and fails if any of them costs more, twice. So a clean gate
here is a match of each loop against itself. A slowed one is a match of the Trainer alone against
one that idles that share of every step: the other loops would only add chances to find it. Prints
each match, then how many gates failed, with the exact 95 % interval of Clopper and Pearson.
"""

import argparse
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from scipy.stats import binomtest

from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.gate.paired_cell import Match
from harness.judge.gate.throughput import Timed
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings

SLOW = '''"""Every training step takes longer."""
import time
import torch

take = torch.optim.AdamW.step

def step(self, *arguments, **keywords):
    """Step, then idle for a share of the time since the step before."""
    result = take(self, *arguments, **keywords)
    now = time.perf_counter()
    end = now + {share} * (now - getattr(self, "_stepped", now))
    while time.perf_counter() < end:
        pass
    self._stepped = time.perf_counter()
    return result

torch.optim.AdamW.step = step
'''


@dataclass(slots=True)
class Slowed:
    """A runner whose timed children have a fault."""

    runner: Runner
    fault: Path

    @property
    def timed(self) -> Timed:
        """As `Runner.timed`."""
        return partial(self.runner.timed, fault=self.fault)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def gate(base: Runner, candidate: Runner | Slowed, cells: Sequence[Cell]) -> bool:
    """Whether any cell regressed."""
    findings = []
    for cell in cells:
        match = Match(
            base=base,
            candidate=candidate,  # type: ignore[arg-type] # a race asks for no more
            cell=cell,
            name=cell.recipe.loop,
            margin=0.0,
            say=say,
        )
        findings.append(match.race())
        say(f"  {cell.recipe.loop}: {findings[-1].standing}: {findings[-1].message}")
    return any(finding.standing == "regressed" for finding in findings)


def main() -> None:
    """Race, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gates", type=int, default=20)
    parser.add_argument("--slowdown", type=float, default=0.03)
    options = parser.parse_args()
    recipe = catalog.tiny(Recipe(dataset="glue/mrpc", max_length=128))
    cells = [
        Cell.of(name=loop, recipe=replace(recipe, loop=loop), scale="tiny", device="cpu")
        for loop in ("trainer", "pytorch", "accelerate")
    ]
    with TemporaryDirectory() as name:
        fault = Path(name, "slow.py")
        fault.write_text(SLOW.format(share=options.slowdown), encoding="utf-8")
        runner = Runner(settings=Settings(store=Path(name, "store")), session=uuid.uuid4().hex)
        sides: Mapping[str, tuple[Runner | Slowed, Sequence[Cell]]] = {
            "clean": (runner, cells),
            f"slower by {options.slowdown:.1%}": (Slowed(runner, fault), cells[:1]),
        }
        failed = dict.fromkeys(sides, 0)
        for index in range(1, options.gates + 1):
            for kind, (candidate, raced) in sides.items():
                say(f"gate {index}, {kind}")
                failed[kind] += gate(runner, candidate, raced)
                ends = binomtest(failed[kind], index).proportion_ci()
                say(
                    f"{kind}: {failed[kind]} of {index} gates failed "
                    f"[{ends.low:.2f}, {ends.high:.2f}]"
                )
        runner.close()


if __name__ == "__main__":
    main()
