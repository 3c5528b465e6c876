"""Collating on request: a live child that property-based tests ask.

Hypothesis stays in the judging tower; the collator is the judged environment's own.
"""

from collections.abc import Mapping
from typing import Any

from harness.core.collation import Collation
from harness.worker import models


class Collator:
    """Answers requests with the batch that the library's collator makes of them."""

    def __init__(self, folder: str) -> None:
        """Load the tokenizer of a model's folder."""
        self.tokenizer = models.tokenizer(folder)

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Collate `features` by a resolved `collation` and `max_length`, padding on `padding_side`.

        Returns:
            `batch`: by column `dtype`, `shape` and `values` (nested lists); or `refused`: the
            exception's name and message.
        """
        self.tokenizer.padding_side = request["padding_side"]
        strategy = Collation(**request["collation"])
        collate = models.collator(self.tokenizer, strategy, request["max_length"])
        try:
            batch = collate([dict(feature) for feature in request["features"]])
        except Exception as error:  # noqa: BLE001 - a refusal is an answer, whatever its class
            return {"refused": f"{type(error).__name__}: {error}"}
        return {
            "batch": {
                name: {
                    "dtype": str(tensor.dtype)[len("torch.") :],
                    "shape": list(tensor.shape),
                    "values": tensor.tolist(),
                }
                for name, tensor in batch.items()
            }
        }
