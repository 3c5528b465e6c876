"""`save_state` writes everything but the log history."""

import dataclasses
from typing import Any

from transformers import TrainerState

save = TrainerState.save_to_json


def save_to_json(self: Any, path: str) -> None:
    """Save a copy whose log is empty."""
    save(dataclasses.replace(self, log_history=[]), path)


TrainerState.save_to_json = save_to_json
