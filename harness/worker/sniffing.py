"""Sniffing: how a file of delimited columns is written, where nobody says it."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.worker.places import PACKED

MARKS = (",", "\t", ";", "|")
"""What may stand between columns."""

_LOOKED_AT = 1_000_000
"""Bytes of a file's beginning."""

_RECORDS = 200
_CONSISTENT = 0.9
"""Share of the records that have as many columns as most."""

_LONGEST_NAME = 40
"""Characters of a column's name."""


def options_of(file: Path, mark: str | None = None) -> dict[str, Any] | None:
    """Options by which the CSV builder reads a file; None if it has no columns.

    Args:
        file: to look at.
        mark: what its ending says to stand between columns.
    """
    options = encoding_of(file)
    with PACKED.get(file.suffix, open)(file, "rb") as opened:
        content = opened.read(_LOOKED_AT)
    text = content.decode(options.get("encoding", "utf-8-sig"), errors="ignore")
    if len(content) == _LOOKED_AT:
        text = text.rpartition("\n")[0]
    quoted = {sign: _shape(text, sign, csv.QUOTE_MINIMAL) for sign in MARKS}
    best = max(MARKS, key=lambda sign: (sign == mark, *quoted[sign]))
    if quoted[best][1] < 2 or quoted[best][0] < _CONSISTENT:  # noqa: PLR2004 - a table has two
        unquoted = {sign: _shape(text, sign, csv.QUOTE_NONE) for sign in MARKS}
        best = max(MARKS, key=lambda sign: (sign == mark, *unquoted[sign]))
        if unquoted[best][1] < 2 or unquoted[best][0] < _CONSISTENT:  # noqa: PLR2004 - likewise
            return None if mark is None else options
    if _shape(text, best, csv.QUOTE_NONE)[0] > quoted[best][0] or _swallows(text, best):
        options["quoting"] = int(csv.QUOTE_NONE)
    if best != (mark or ","):
        options["delimiter"] = best
    first = next(_records(text, best, options.get("quoting", csv.QUOTE_MINIMAL)), [])
    if not _is_header(first):
        options["column_names"] = [f"column_{number}" for number in range(1, len(first) + 1)]
    return options


def encoding_of(file: Path) -> dict[str, Any]:
    """The option that says a file's encoding; none where it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with PACKED.get(file.suffix, open)(file, "rb") as opened:
        content = opened.read(_LOOKED_AT)
        if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return {"encoding": "utf-16"}
        try:
            while content:
                decoder.decode(content)
                content = opened.read(_LOOKED_AT)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return {"encoding": "latin-1"}
    return {}


def _records(text: str, mark: str, quoting: Any) -> Iterator[list[str]]:
    """A text's records, empty lines left out."""
    lines = io.StringIO(text, newline="")
    return filter(None, csv.reader(lines, delimiter=mark, quoting=quoting))


def _shape(text: str, mark: str, quoting: Any) -> tuple[float, int]:
    """The share of the first records that have as many columns as most, and how many these are."""
    try:
        counts = Counter(
            len(record)
            for _, record in zip(range(_RECORDS), _records(text, mark, quoting), strict=False)
        )
    except csv.Error:
        return 0.0, 0
    if not counts:
        return 0.0, 0
    (columns, records) = counts.most_common(1)[0]
    return (records / counts.total() if columns > 1 else 0.0), columns


def _swallows(text: str, mark: str) -> bool:
    """Whether a quote that is text makes several lines of a table without quotes one."""
    if mark != "\t":
        return False
    return any(
        "\n" in cell and mark in cell
        for record in _records(text, mark, csv.QUOTE_MINIMAL)
        for cell in record
    )


def _is_header(cells: list[str]) -> bool:
    """Whether cells are names of columns: short, all there, all different, and no numbers."""
    bare = [cell.strip() for cell in cells]
    return (
        all(bare)
        and len(set(bare)) == len(bare)
        and all(len(cell) <= _LONGEST_NAME for cell in bare)
        and not any(_is_number(cell) for cell in bare)
        and not any(cell.endswith((".", "!", "?")) for cell in bare)
    )


def _is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
