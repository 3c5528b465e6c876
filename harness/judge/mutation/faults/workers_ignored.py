"""`DataLoader` loads in the training process, whatever `num_workers` says."""

from typing import Any

from torch.utils.data import DataLoader

make = DataLoader.__init__
OF_WORKERS = (
    "multiprocessing_context",
    "num_workers",
    "persistent_workers",
    "prefetch_factor",
    "timeout",
)


def init(self: Any, *args: Any, **options: Any) -> None:
    """Make it without workers."""
    kept = {name: value for name, value in options.items() if name not in OF_WORKERS}
    make(self, *args, **kept)


DataLoader.__init__ = init  # type: ignore[method-assign] # the fault
