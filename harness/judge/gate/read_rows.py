"""Read rows: whether both environments make the same tables of a user's bytes."""

from itertools import zip_longest
from typing import Any

from harness.core.errors import short
from harness.judge.runs.inputs import Tables

_ABSENT = "nothing"


def difference(base: Tables, candidate: Tables) -> str:
    """How the candidate's tables differ from the base's, split by split; empty if they do not."""
    if base.schema != candidate.schema:
        ours, theirs = base.schema, candidate.schema
        what = next(
            name
            for name in ("task", "label_names", "texts")
            if getattr(ours, name) != getattr(theirs, name)
        )
        return f"{what} was {getattr(ours, what)!r}, is {getattr(theirs, what)!r}"
    if base.content == candidate.content:
        return ""
    parts = []
    for split in dict.fromkeys([*base.files, *candidate.files]):
        before, after = _rows(base, split), _rows(candidate, split)
        if before == after:
            continue
        pairs = enumerate(zip_longest(before, after, fillvalue=_ABSENT))
        differing = [(index, one, other) for index, (one, other) in pairs if one != other]
        index, one, other = differing[0]
        counts = f"{len(differing)} of {len(before)} rows"
        if len(before) != len(after):
            counts += f", now {len(after)},"
        parts.append(f"{split}: {counts} differ; row {index} was {short(one)}, is {short(other)}")
    return "; ".join(parts)


def _rows(tables: Tables, split: str) -> list[Any]:
    """The rows of a split, in their order."""
    import pyarrow.parquet as pq  # takes a while, and rows are hardly ever others

    return [row for file in tables.files.get(split, ()) for row in pq.read_table(file).to_pylist()]
