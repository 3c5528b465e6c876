"""Nights that nobody has to wait for: copies of a record, doctored and dated."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.core import digest
from harness.core.record import Record
from harness.judge.finding import Status
from harness.judge.session_record import NAME, SessionRecord
from harness.judge.store.local import Key, Store
from harness.judge.tonight import Tonight

SUITE, CELL = "TestSmall", "bert-base-uncased-dynamic-trainer"


def remember(  # noqa: PLR0913 - each is one thing that may be another on another night
    store: Store,
    record: Record,
    night: str,
    *,
    seed: int = 42,
    accuracy: float = 0.9,
    speed: float = 1.0,
    packages: Mapping[str, str] | None = None,
) -> str:
    """Store a copy of a record as a night's run; returns its path.

    Args:
        store: where.
        record: to copy.
        night: ISO date.
        seed: of the recipe.
        accuracy: of the final evaluation.
        speed: how many times as fast.
        packages: versions that are others.
    """
    installed = {**record.environment["packages"], **(packages or {})}
    final = record.evaluation()
    changed = replace(final, metrics={**final.metrics, "accuracy": accuracy})
    copy = replace(
        record,
        recipe=replace(record.recipe, seed=seed),
        environment={**record.environment, "packages": installed},
        evaluations=tuple(changed if one is final else one for one in record.evaluations),
        steps=tuple(replace(step, seconds=step.seconds / speed) for step in record.steps),
    )
    key = Key(
        label=f"mrpc-{CELL}",
        recipe=digest.of_json([copy.series, seed]),
        environment=digest.of_json(installed),
        attempt=night,
    )
    with store.staging(key) as folder:
        copy.write(folder)
    return key.path


def tell(  # noqa: PLR0913 - each is one thing that may be another on another night
    store: Store,
    night: str,
    paths: Iterable[str],
    *,
    cell: str = CELL,
    when: str = "",
    standing: Status | None = None,
) -> None:
    """Store a session that had some records of a cell; of a night, if it has a standing."""
    tonight = Tonight(
        suite=SUITE,
        cell=cell,
        file="test_small.py",
        device="",
        standing=standing or "same",
        message="",
        records=tuple(paths),
    )
    session = SessionRecord(
        night=night,
        when=when or f"{night}T04:00:00+00:00",
        nights=() if standing is None else (tonight,),
        records={tonight.name: tonight.records},
    )
    name = digest.of_json(session.to_json())[:8]
    with store.seal(f"sessions/{night}/{name}") as folder:
        (folder / NAME).write_text(json.dumps(session.to_json()), encoding="utf-8")
