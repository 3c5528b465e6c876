"""Inputs of cells of the catalog, without a runner."""

from harness.judge.cell import Cell
from harness.judge.runs.inputs import Inputs
from harness.judge.runs.sources import Sources


def inputs_of(sources: Sources, cell: Cell) -> Inputs:
    """What a cell trains on, as some sources have it."""
    return Inputs(
        tables=sources.tables(cell.dataset, cell.scale),
        model=sources.checkpoint(cell.model, cell.scale),
    )
