"""Collecting: the cells of suites, as pytest collects them.

Whoever judges without pytest collects first: the asserts of invariants are rewritten, so that they
show their values, only if it is pytest that imports them. That is why suites are imported late.
No plugin is switched off: a repository's own options may be one of its.
"""

import io
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import SpecError
from harness.judge.cell import Cell
from harness.judge.declarations import Thresholds

if TYPE_CHECKING:
    from harness.judge.suite.base import SuiteDeclaration

EXAMPLE = """\
from harness import Recipe, Suite


class TestMrpc(Suite):
    recipe = Recipe(dataset="glue/mrpc", model="bert-base-uncased")
"""
"""The shortest suite, for whoever has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteCell:
    """What a suite says of one of its cells.

    Attributes:
        suite: name of the class.
        thresholds: what the cell must reach.
    """

    suite: str
    thresholds: Thresholds


class _Collector:
    """A pytest plugin that remembers what was collected."""

    def __init__(self, scale: str) -> None:
        """Nothing yet."""
        self.scale = scale
        self.cells: dict[Cell, SuiteCell] = {}
        self.declarations: dict[str, type[SuiteDeclaration]] = {}
        self.errors: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep an error's text."""
        if report.failed:
            self.errors.append(report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep every cell, and every class that declares some."""
        from harness.judge.suite.base import Suite, kind_of

        for item in session.items:
            cell = item.callspec.params.get("cell") if hasattr(item, "callspec") else None
            suite = item.getparent(pytest.Class)
            if suite is None or kind_of(suite.obj) is None:
                continue
            self.declarations[suite.nodeid] = suite.obj
            if not issubclass(suite.obj, Suite):
                continue
            if isinstance(cell, Cell) and cell.scale == self.scale:
                self.cells[cell] = SuiteCell(suite=suite.name, thresholds=suite.obj.thresholds)


def cells(
    arguments: Sequence[str], scale: str = "tiny", options: Sequence[str] = ()
) -> dict[Cell, SuiteCell]:
    """The cells of a scale, of the suites that pytest finds by some arguments and options.

    Raises:
        SpecError: there are none, or pytest could not collect them.
    """
    return _collected(arguments, scale, options).cells


def declarations(arguments: Sequence[str]) -> "list[type[SuiteDeclaration]]":
    """The suites and benchmarks that pytest finds by some arguments.

    Raises:
        SpecError: there are none, or pytest could not collect them.
    """
    return [*_collected(arguments, of_declarations=True).declarations.values()]


def _collected(
    arguments: Sequence[str],
    scale: str = "tiny",
    options: Sequence[str] = (),
    *,
    of_declarations: bool = False,
) -> _Collector:
    """What pytest collects.

    Raises:
        SpecError: it is nothing, or could not be collected.
    """
    collector = _Collector(scale)
    # Of an installed package, pytest would rewrite the modules of the command line too.
    collect = ["--collect-only", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    with tempfile.TemporaryDirectory() as cache, redirect_stdout(io.StringIO()):
        collect += ["-o", f"cache_dir={cache}"]
        code = pytest.main([*collect, *arguments, *options], plugins=[collector])
    if collector.errors:
        raise SpecError("the suites cannot be collected", why="\n".join(collector.errors))
    if not (collector.declarations if of_declarations else collector.cells):
        raise SpecError(
            f"pytest finds no suite in {' '.join(arguments)}",
            why="it says above what it cannot use" if code == pytest.ExitCode.USAGE_ERROR else "",
            fix=f"name files or folders with suites, or write one, such as\n\n{EXAMPLE}",
        )
    return collector
