"""Records: what a worker observed, completed by the judging tower with what it had handed over."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from harness.core.job import Job
from harness.core.observed import Observed
from harness.core.record import Record
from harness.core.schema import Schema
from harness.core.trial import ObservedTrials, Trials
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from tests.conftest import Fault


def names(kind: type) -> set[str]:
    """The fields of a dataclass."""
    return {field.name for field in fields(kind)}


@pytest.mark.parametrize("kind", [Observed, ObservedTrials])
def test_a_worker_writes_nothing_that_it_was_handed(kind: type) -> None:
    """No field of a job comes back, nor one that a job had to carry for a record alone."""
    assert not names(kind) & names(Job)
    handed = (names(Record) | names(Trials)) - names(Observed) - names(ObservedTrials)
    metrics = {"metric_names", "compared_metrics"}
    only_noted = {"version", "scale", "inputs", "environment", "ceiling", "made", *metrics}
    assert handed - names(Job) - names(Schema) == only_noted


def test_a_worker_cannot_say_where_its_record_comes_from(
    runner: Runner, small_cell: Cell, small_record: Record, fault: Fault
) -> None:
    """What it writes beside what it observed is replaced: a record says what the tower knows."""
    forging = fault(
        "import json\n"
        "from harness.core.observed import Observed\n"
        "write = Observed.write\n"
        "def forge(self, folder):\n"
        "    write(self, folder)\n"
        "    path = folder / 'record.json'\n"
        "    forged = {'environment': {}, 'inputs': {}, 'scale': ''}\n"
        "    path.write_text(json.dumps(json.loads(path.read_text()) | forged))\n"
        "Observed.write = forge\n"
    )
    forged = runner.run_faulty(small_cell, forging)
    assert (forged.recipe, forged.scale) == (small_cell.recipe, "tiny")
    assert forged.environment == small_record.environment == runner.environment()
    assert forged.inputs == small_record.inputs
    assert set(forged.inputs["digests"]) == {"data", "schema", "model", "metrics"}


def test_records_of_the_version_before_are_read(small_record: Record, tmp_path: Path) -> None:
    """They name their collation alone; baselines and the history go on with them."""
    small_record.write(tmp_path)
    path = tmp_path / "record.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    for name in ("collation", "metric_names", "compared_metrics", "f1_average"):
        del values[name]
    path.write_text(json.dumps(values | {"version": 2, "majority": 0.5}), encoding="utf-8")
    before = Record.read(tmp_path)
    assert (before.version, before.collation) == (2, small_record.collation)
    assert before.series == small_record.series
