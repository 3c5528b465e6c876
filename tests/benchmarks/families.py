"""Which invariants hold for which families: a table of families and loops.

`python -m tests.benchmarks.families [FAMILY …]` makes a repository of tickets with a suite of all
three loops for each family, judges it as a user would, and prints for each how many invariants
passed, are a known issue, are not observable, are skipped for another reason, and failed.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from harness.core.recipe import LOOPS
from tests import tickets

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


def judge(family: str, folder: Path, *options: str) -> dict[str, Any]:
    """The session's record of a family's suite, in a repository that is made."""
    tickets.write(folder / "data" / "tickets.csv")
    config = {"model_type": family, **FAMILIES.get(family, {})}
    fields = f"\n    matrix = Matrix(loop={[*LOOPS]!r})\n"
    suite = tickets.suite(f"Model(config={config!r})") + fields
    (folder / "pyproject.toml").write_text("[project]\nname = 'tickets'\n", encoding="utf-8")
    (folder / "suites").mkdir()
    (folder / "suites" / f"test_{family.replace('-', '_')}.py").write_text(suite, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pytest", "suites", "-q", *options],
        cwd=folder,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    record: dict[str, Any] = json.loads((folder / "reports" / "session.json").read_text("utf-8"))
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
        counts[kind] += 1
    return counts


COLUMNS = ("passed", "xfailed", "not observable", "skipped", "failed")


def main(families: list[str]) -> int:
    """Write the table, and below it what failed and what was noted; 1 if something failed."""
    head = "".join(f"{name:>15}" for name in COLUMNS)
    sys.stdout.write(f"{'family':<14}{'loop':<12}{head}{'accuracy':>10}\n")
    remarks: list[str] = []
    failures = 0
    for family in families:
        with tempfile.TemporaryDirectory() as name:
            record = judge(family, Path(name))
        for loop in LOOPS:
            counts = counted(record, loop)
            counts["failed"] += counts["error"]
            failures += counts["failed"]
            rows = [row for row in record["cells"] if row["loop"] == loop]
            accuracy = rows[0]["metrics"]["accuracy"] if rows else float("nan")
            line = "".join(f"{counts[column]:>15}" for column in COLUMNS)
            sys.stdout.write(f"{family:<14}{loop:<12}{line}{accuracy:>10.3f}\n")
            sys.stdout.flush()
        remarks += [
            f"{test}: {outcome['message']}"
            for test, outcome in record["outcomes"].items()
            if outcome["outcome"] in {"failed", "error"}
        ]
        remarks += [f"{family}: {note}" for note in record["notes"] if family in note]
        noise = {name: distance for name, distance in record["noise"].items() if distance}
        remarks.append(f"{family}: noise {noise}")
    sys.stdout.write("".join(f"{remark}\n" for remark in remarks))
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [*FAMILIES]))
