"""Which invariants hold for which families: a table of families, tasks and loops.

`python -m tests.benchmarks.families [--task TASK …] [FAMILY …]` makes a repository with a suite of
all three loops for each family and each of the tasks, judges it as a user would, and prints for
each how many invariants passed, are a known issue, are not observable, are skipped for another
reason, and failed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from harness.core.dataset import TASKS, Task
from harness.core.model import Model
from harness.core.recipe import LOOPS
from tests import task_rows

FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "distilbert": {},
    "roberta": {},
    "xlm-roberta": {},
    "deberta-v2": {
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "max_relative_positions": -1,
    },
    "electra": {},
    "albert": {"type_vocab_size": 2},
    "mpnet": {},
    "modernbert": {},
    "gpt2": {},
    "llama": {},
    "qwen2": {},
    "qwen3": {},
    "t5": {},
}
"""Fields of a configuration that published checkpoints of a family have, beside its defaults."""

LANGUAGE_MODELS: dict[str, dict[str, Any]] = {
    "bert": {"is_decoder": True},
    "roberta": {"is_decoder": True},
    "gpt2": {},
    "llama": {},
    "qwen2": {},
    "qwen3": {},
}
"""Families that predict the next token, and what makes an encoder one that does."""


def judge(
    family: str, folder: Path, *options: str, task: Task = "single_label_classification"
) -> dict[str, Any]:
    """The session's record of a family's suite, in a repository that is made."""
    config = {"model_type": family, **FAMILIES.get(family, {})}
    if task == "causal_lm":
        config |= LANGUAGE_MODELS[family]
    recipe = f"dataset={task_rows.write(folder, task)!r}, model={Model(config=config)!r}"
    suite = f"""
from harness import Dataset, Matrix, Model, Recipe, Suite

class TestTask(Suite):
    recipe = Recipe({recipe}, max_length=128, num_train_epochs=2)
    matrix = Matrix(loop={[*LOOPS]!r})
"""
    (folder / "pyproject.toml").write_text("[project]\nname = 'tasks'\n", encoding="utf-8")
    (folder / "suites").mkdir()
    (folder / "suites" / f"test_{family.replace('-', '_')}.py").write_text(suite, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "suites", "-q", *options]
    ended = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    report = folder / "reports" / "session.json"
    if not report.exists():
        raise RuntimeError(ended.stdout[-2000:] + ended.stderr[-2000:])
    record: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return record


def counted(record: dict[str, Any], loop: str) -> Counter[str]:
    """How many invariants of a loop's cell came out how."""
    counts: Counter[str] = Counter()
    for test, outcome in record["outcomes"].items():
        if not test.endswith(f"-{loop}]"):
            continue
        kind = outcome["outcome"]
        if kind == "skipped":
            observable = not outcome["message"].startswith("not observable")
            kind = "skipped" if observable else "not observable"
        counts["failed" if kind == "error" else kind] += 1
    return counts


def failures(record: dict[str, Any]) -> list[str]:
    """What failed, and how."""
    return [
        f"{test}: {outcome['message']}"
        for test, outcome in record["outcomes"].items()
        if outcome["outcome"] in {"failed", "error"}
    ]


COLUMNS = ("passed", "xfailed", "not observable", "skipped", "failed")


def main(arguments: list[str] | None = None) -> int:
    """Write the table, and below each line what failed; 1 if something did."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="default: all")
    parser.add_argument("--task", action="append", choices=TASKS, help="default: all")
    options = parser.parse_args(arguments)
    head = "".join(f"{name:>15}" for name in COLUMNS)
    sys.stdout.write(f"{'family':<14}{'task':<28}{'loop':<12}{head}\n")
    failed = 0
    for family in options.families or FAMILIES:
        for task in options.task or TASKS:
            if task == "causal_lm" and family not in LANGUAGE_MODELS:
                continue
            with tempfile.TemporaryDirectory() as name:
                record = judge(family, Path(name), task=task)
            for loop in LOOPS:
                counts = counted(record, loop)
                failed += counts["failed"]
                line = "".join(f"{counts[column]:>15}" for column in COLUMNS)
                sys.stdout.write(f"{family:<14}{task:<28}{loop:<12}{line}\n")
            sys.stdout.write("".join(f"  {failure}\n" for failure in failures(record)))
            sys.stdout.flush()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
