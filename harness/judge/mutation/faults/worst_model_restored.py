"""The Trainer takes the worst evaluation for the best: `greater_is_better` is turned around."""

from typing import Any

from transformers import Trainer

judge = Trainer._determine_best_metric  # noqa: SLF001 - the fault


def determine_best_metric(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Judge with the opposite sign."""
    greater = self.args.greater_is_better
    self.args.greater_is_better = not greater
    try:
        return judge(self, *args, **kwargs)
    finally:
        self.args.greater_is_better = greater


Trainer._determine_best_metric = determine_best_metric  # noqa: SLF001 - the fault
