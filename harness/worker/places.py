"""Places: where in a user's files a row lies, as a person counts.

`datasets` numbers the rows of all files of a split from 0. A person who is to correct one counts
what a spreadsheet counts: from 1, the header and empty lines among them; and, where a cell has
line breaks, an editor counts something else again. Files are only read for this when there is
something to complain about.
"""

import bz2
import csv
import gzip
import lzma
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PACKED: Mapping[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
"""What opens files that `datasets` unpacks before it reads them, by their endings."""

_DIALECT = ("quotechar", "quoting", "doublequote", "escapechar", "skipinitialspace")
_UNCOUNTED = ("skiprows", "comment", "nrows", "skipfooter", "on_bad_lines", "lineterminator")
"""Options by which rows are left out that we then could not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where the rows of a source's splits lie.

    Attributes:
        source: all of it, as a message names it.
        files: by split; none where nobody knows.
        builder: of `load_dataset`, that reads them.
        options: that it is given.
        root: of the repository, which messages leave out.
        notes: what was decided while they were read.
    """

    source: str
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    builder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    root: str = ""
    notes: tuple[str, ...] = ()

    def of_split(self, split: str) -> str:
        """Where a split lies: its one file, or the source's."""
        files = self.files.get(split, ())
        if len(files) == 1:
            return shown(files[0], self.root)
        return self.source if set(self.files) == {split} else f"{self.source}, split {split}"

    def of_row(self, split: str, index: int, rows: int) -> str:
        """Where a row lies.

        Args:
            split: of the source.
            index: of the row in it, from 0.
            rows: that the split has.
        """
        try:
            numbers = list(self._numbers(split))
        except (OSError, TypeError, ValueError, csv.Error):
            numbers = []
        if len(numbers) == rows:
            return numbers[index]
        return f"{self.of_split(split)}, row {index + 1} of its data (the first is row 1)"

    def _numbers(self, split: str) -> Iterator[str]:
        """Where every row of a split lies, if its files can be counted."""
        for file in self.files.get(split, ()):
            name = shown(file, self.root)
            if self.builder == "csv":
                yield from self._of_table(file, name)
            elif self.builder == "json":
                with self._opened(file) as lines:
                    numbered = enumerate(lines, 1)
                    yield from (f"{name}, line {at}" for at, line in numbered if line.strip())
            elif self.builder == "text":
                with self._opened(file) as lines:
                    yield from (f"{name}, line {at}" for at, _ in enumerate(lines, 1))

    def _of_table(self, file: str, name: str) -> Iterator[str]:
        """The same of a file of delimited columns."""
        if self.options.keys() & set(_UNCOUNTED):
            raise ValueError(file)
        csv.field_size_limit(sys.maxsize)
        dialect = {key: self.options[key] for key in _DIALECT if key in self.options}
        mark = self.options.get("delimiter") or self.options.get("sep") or ","
        named = "names" in self.options or "column_names" in self.options
        headed = self.options.get("header", "infer") == 0 if named else True
        headed = headed and self.options.get("header", "infer") is not None
        note = " (the header is row 1)" if headed else ""
        with self._opened(file) as lines:
            records = csv.reader(lines, delimiter=mark, **dialect)
            first = True
            for row, record in enumerate(records, 1):
                if not record:
                    continue
                if headed and first:
                    first = False
                    continue
                line = f", line {records.line_num}" if records.line_num != row else ""
                yield f"{name}, row {row}{line}{note}"

    def _opened(self, file: str) -> IO[str]:
        """A file's text, unpacked."""
        opener = PACKED.get(Path(file).suffix, open)
        encoding = self.options.get("encoding") or "utf-8"
        opened: IO[str] = opener(file, "rt", encoding=encoding, errors="replace", newline="")
        return opened


def shown(file: str | Path, root: str) -> str:
    """A file as a message names it: from the repository on."""
    path = Path(file)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(file)
