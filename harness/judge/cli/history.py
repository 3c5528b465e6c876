"""`harness history`: every run that the store holds, to read, to filter and to take elsewhere."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from harness.core import redaction
from harness.core.errors import SpecError
from harness.judge.cli.options import DATE, Commands, add_stores, store_of
from harness.judge.reports import files
from harness.judge.store.entry import Entry
from harness.judge.store.index import History

FORMATS = ("table", "json", "csv", "parquet")
SHOWN = ("night", "cell", "device", "seed", "loss", "samples_per_second", "padding")
"""Columns that are printed, beside the metrics that nights compare."""


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser("history", help="every run that the store holds")
    parser.add_argument(
        "cell", nargs="?", default="*", metavar="SUITE", help="or Suite/cell; * stands for anything"
    )
    parser.add_argument("--since", type=DATE, metavar="DATE", help="first night")
    parser.add_argument("--device", default="*", metavar="CLASS", help="such as 'NVIDIA H100*'")
    parser.add_argument(
        "--package",
        type=_requirement,
        metavar="REQUIREMENT",
        help="that the environment satisfies, such as 'transformers>=5'",
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: what is printed")
    add_stores(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print or write the runs."""
    store = store_of(arguments)
    store.fetch()
    cell = arguments.cell if set(arguments.cell) & set("/*") else f"{arguments.cell}/*"
    with History(store.root) as history:
        entries = history.entries(
            cell,
            since=arguments.since or "",
            device=arguments.device,
            package=arguments.package or "",
        )
        for reason in history.damaged.values():
            sys.stderr.write(f"harness: left out: {reason}\n")
    if arguments.format == "parquet":
        if arguments.output is None:
            raise SpecError("Parquet is not printed", fix="name a file with --output")
        files.write(arguments.output.parent, {arguments.output.name: _parquet(entries)})
        return 0
    text = {"table": _table, "json": _json, "csv": _csv}[arguments.format](entries)
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        files.write(arguments.output.parent, {arguments.output.name: text})
    return 0


def _table(entries: Sequence[Entry]) -> str:
    """Aligned columns, the most telling ones."""
    compared = dict.fromkeys(name for entry in entries for name in entry.compared)
    place = SHOWN.index("loss")
    shown = tuple(dict.fromkeys([*SHOWN[:place], *compared, *SHOWN[place:]]))
    columns = [entry.columns() for entry in entries]
    rows = [shown, *(tuple(_short(row.get(name)) for name in shown) for row in columns)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(w.ljust(n) for w, n in zip(r, widths, strict=True)).rstrip() for r in rows)
    return "".join(f"{line}\n" for line in lines)


def _short(value: object) -> str:
    """A value in a few characters."""
    return f"{value:.5g}" if isinstance(value, float) else "" if value is None else str(value)


def _columns(entries: Sequence[Entry]) -> list[str]:
    """Names of all columns: the fields of runs in their order, and any run's metrics among them."""
    metrics = sorted({name for entry in entries for name in entry.metrics})
    names = [field.name for field in fields(Entry) if field.name != "compared"]
    place = names.index("metrics")
    return [*names[:place], *metrics, *names[place + 1 :]]


def _json(entries: Sequence[Entry]) -> str:
    """All columns, as a list of objects."""
    return json.dumps([entry.columns() for entry in entries], indent=1) + "\n"


def _csv(entries: Sequence[Entry]) -> str:
    """All columns, with a heading."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(entries), lineterminator="\n")
    writer.writeheader()
    writer.writerows(entry.columns() for entry in entries)
    return text.getvalue()


def _parquet(entries: Sequence[Entry]) -> bytes:
    """All columns, typed."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds: dict[object, Any] = {str: pa.string(), int: pa.int64()}
    types = {field.name: kinds.get(field.type, pa.float64()) for field in fields(Entry)}
    columns = [(name, types.get(name, pa.float64())) for name in _columns(entries)]
    table = pa.Table.from_pylist(
        redaction.strings([entry.columns() for entry in entries]), schema=pa.schema(columns)
    )
    content = io.BytesIO()
    parquet.write_table(table, content)
    return content.getvalue()


def _requirement(text: str) -> str:
    """A requirement, or argparse says what is wrong."""
    try:
        return str(Requirement(text))
    except InvalidRequirement as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no requirement: {error}") from None
