"""Cost: a run does no more than it must, told by counting rather than by a clock."""

import pytest

from harness import tolerance
from harness.trial import Trials


class Cost:
    """Operators and processes."""

    def test_update_is_fused(self, trials: Trials) -> None:
        """A fused update takes a few operators, however many parameters there are."""
        _, *later = trials["counted"].update_operations  # the first makes the moments
        assert later
        assert max(later) <= tolerance.UPDATE_OPERATIONS

    def test_loops_cost_alike(self, trials: Trials) -> None:
        """A step of the cell's loop takes hardly more operators than another loop's."""
        ours = trials["counted"].operations
        theirs = trials["other loop, counted"].operations
        assert max(ours) <= tolerance.OPERATIONS * max(theirs)

    def test_workers_read_the_examples(self, trials: Trials) -> None:
        """With `dataloader_num_workers=1`, another process reads the examples."""
        if "with a worker" not in trials:
            pytest.skip("the other loops build their DataLoader themselves")
        assert trials["with a worker"].workers == 1
