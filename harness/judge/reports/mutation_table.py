"""The proof of a suite: lines for a terminal, a matrix for programs and spreadsheets."""

import csv
import io
import json
from pathlib import Path

from harness.judge.mutation.mutate import CRASH, Exhibit, Proof
from harness.judge.reports import files


def line(exhibit: Exhibit) -> str:
    """One fault: how long it took, and who noticed."""
    names = ", ".join(name.removeprefix("test_") for name in exhibit.noticed)
    absent = f"nothing to notice: {exhibit.absent}" if exhibit.absent else ""
    return f"{exhibit.seconds:6.1f} s  {exhibit.fault}: {names or absent or 'NOT NOTICED'}"


def sums(proof: Proof) -> list[str]:
    """What the whole proof comes to."""
    total = len(proof.exhibits) - len(proof.absent)
    lines = [
        f"noticed: {total - len(proof.unnoticed)} of {total} faults",
        f"invariants that notice a fault, on average: {proof.mean:.1f}",
        f"clean repeats: {proof.repeats}, {len(proof.alarms)} with a false alarm",
    ]
    if proof.absent:
        names = ", ".join(exhibit.fault for exhibit in proof.absent)
        lines.append(f"nothing to notice, for they break nothing here: {names}")
    lines += [f"NOT NOTICED {e.fault}: {e.what}" for e in proof.unnoticed]
    lines += [f"FALSE ALARM {where}: {', '.join(names)}" for where, names in proof.alarms.items()]
    if proof.idle:
        lines.append(f"noticed nothing: {', '.join(proof.idle)}")
    if proof.unable:
        lines.append(
            "had nothing to notice with, for they skip or fail without a fault in the cells that "
            f"were tried: {', '.join(proof.unable)}"
        )
    return lines


def write(folder: Path, proof: Proof) -> list[Path]:
    """Write `proof.json`, and `proof.csv` with a row a fault and a column an invariant.

    Raises:
        StoreError: the folder cannot be written.
    """
    columns = [CRASH, *proof.invariants]
    matrix = io.StringIO()
    writer = csv.writer(matrix, lineterminator="\n")
    writer.writerow(["fault", "seconds", *columns])
    for exhibit in proof.exhibits:
        marks = ["x" if name in exhibit.noticed else "" for name in columns]
        writer.writerow([exhibit.fault, f"{exhibit.seconds:.1f}", *marks])
    text = json.dumps(proof.as_json(), indent=1) + "\n"
    return files.write(folder, {"proof.json": text, "proof.csv": matrix.getvalue()})
