"""Cost: a run does no more than it must, measured by counting, not by a clock."""

import pytest

from harness.core.trial import Trials
from harness.judge import tolerances
from harness.judge.distance import compare, require


class Cost:
    """Operators and processes."""

    def test_update_is_fused(self, trials: Trials) -> None:
        """A fused update takes a few operators, however many parameters there are."""
        _, *later = trials["counted"].update_operations  # the first makes the moments
        assert later
        limit = tolerances.UPDATE_OPERATIONS
        require("operators of an update", later, lambda n: n <= limit, f"at most {limit}")

    def test_loops_cost_alike(self, trials: Trials) -> None:
        """A step of the cell's loop takes hardly more operators than another loop's."""
        ours = max(trials["counted"].operations)
        limit = tolerances.OPERATIONS * max(trials["other loop, counted"].operations)
        require("operators of a step", [ours], lambda n: n <= limit, f"at most {limit:g}")

    def test_workers_read_the_examples(self, trials: Trials) -> None:
        """With `dataloader_num_workers=1`, another process reads the examples."""
        if "with a worker" not in trials:
            pytest.skip("the other loops build their DataLoader themselves")
        compare("processes that read", [trials["with a worker"].workers], [1])
