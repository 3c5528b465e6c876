"""The library is about to drop an argument that every recipe passes."""

import warnings
from typing import Any

from transformers import TrainingArguments

finish = TrainingArguments.__post_init__


def warn(self: Any) -> None:
    """Say so, then go on as ever."""
    warnings.warn("`weight_decay` is deprecated, use `decay`", FutureWarning, stacklevel=2)
    finish(self)


TrainingArguments.__post_init__ = warn
