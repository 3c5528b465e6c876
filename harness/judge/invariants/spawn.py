"""Spawn: tokenizing in several spawned processes neither recurses nor differs."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.judge.cell import Cell
from harness.judge.distance import compare


class Spawn:
    """`num_proc` under the `spawn` start method, as on macOS and Windows."""

    def test_spawned_tokenizing_agrees(
        self, cell: Cell, compare_processes: Callable[[Cell], Mapping[str, Any]]
    ) -> None:
        """Several spawned processes give, row by row, what one process gives."""
        if cell.recipe.num_proc is None:
            pytest.skip("the recipe tokenizes in one process")
        comparison = compare_processes(cell)
        compare("processes", [comparison["processes"]], [cell.recipe.num_proc])
        compare("several give what one gives", [comparison["equal"]], [True])
