"""Tests of a suite that this session does not run: skipped with the reason, one for each cell."""

from collections.abc import Generator
from functools import cache, partial

import pytest

from harness.core.errors import HarnessError
from harness.judge.cell import Cell, base_of
from harness.judge.invariants.reliance import unobservable
from harness.judge.plugin.benchmark_groups import untimed
from harness.judge.plugin.nightly_runs import nights_of
from harness.judge.plugin.notes import REASON
from harness.judge.plugin.state import (
    SETTINGS,
    cell_of,
    full_by_mark,
    night_of,
    suite_of,
)
from harness.judge.suite.base import Suite


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around -k and -m
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Skip what a suite opts out of and what the command does not select, with the reason.

    A cell that is not selected is one skipped test, not one for every invariant.
    """
    _mark(config, items)
    yield
    shown: set[tuple[object, Cell | None]] = set()
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        cell = (getattr(item, "cls", None), cell_of(item))
        unwanted = REASON.read(dict(item.user_properties)) is not None
        (left if unwanted and cell in shown else kept).append(item)
        if unwanted:
            shown.add(cell)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
    if night_of(config) and not config.option.collectonly and not _spread(config):
        items[:] = _ordered(config, items)


def _spread(config: pytest.Config) -> bool:
    """Whether pytest-xdist spreads tests over processes, which must agree on their order."""
    return hasattr(config, "workerinput") or bool(config.getoption("numprocesses", default=None))


def _ordered(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """Tests in the order of their cells' ranks; the others stay in front."""
    nights, ranks = nights_of(config), dict[pytest.Item, tuple[float, str]]()
    unselected = cache(partial(_unselected, config))
    try:
        for item in items:
            cell, suite = cell_of(item), getattr(item, "cls", None)
            if cell is not None and suite is not None and not unselected(cell):
                ranks[item] = nights.rank(item.path.parent, suite, cell)
    except HarnessError as error:
        raise pytest.UsageError(error.text) from None
    return sorted(items, key=lambda item: ranks.get(item, (-2.0, "")))


def _mark(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of suites."""
    unselected = cache(partial(_unselected, config))  # of each cell, not of each of its tests
    for item in items:
        suite = suite_of(getattr(item, "cls", None))
        if suite is None or not isinstance(item, pytest.Function):
            continue
        if "trials" in item.fixturenames:
            item.add_marker(pytest.mark.trials)
        reason = suite.opt_out.get(item.originalname)
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"opted out: {reason}"))
        cell = cell_of(item)
        reason = None if cell is None else _unobservable(item, cell)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
        reason = None if cell is None else unselected(cell)
        if not reason and "tonight" in item.fixturenames and not night_of(config):
            reason = "several seeds beside what was accepted: ask for them with -m nightly"
        if not reason and "rank_of" in item.fixturenames:
            reason = untimed(config, item)
        if reason:
            REASON.add(item, reason)
            item.add_marker(pytest.mark.skip(reason=reason))


def _unobservable(item: pytest.Function, cell: Cell) -> str:
    """Why an inherited test of a cell cannot be judged; empty if it can, or is the suite's own."""
    if not hasattr(Suite, item.originalname):
        return ""
    tried = "trials" in item.fixturenames
    return unobservable(item.originalname, base_of(cell).recipe if tried else cell.recipe)


def _unselected(config: pytest.Config, cell: Cell) -> str:
    """Why a full cell is not trained; empty if it is."""
    if cell.scale == "tiny" and cell.device == "cpu":
        return ""
    settings = config.stash[SETTINGS]
    if settings.scale is None and not full_by_mark(config):
        return "full scale: ask for it with -m gpu, or with --harness-scale full"
    if cell.device == "cuda":
        from harness.core import nvml

        if not nvml.describe():
            return (
                "no accelerator: the NVIDIA driver shows no device; --harness-device cpu "
                "--harness-scale full trains on the CPU"
            )
    return ""
