"""`with_format("torch")` gives 32-bit integers."""

from typing import Any

import torch
from datasets.formatting.torch_formatter import TorchFormatter

tensorize = TorchFormatter._tensorize  # noqa: SLF001 - the fault


def narrowed(self: Any, value: Any) -> Any:
    """Tensors as ever, integers in half the width."""
    tensor = tensorize(self, value)
    return tensor.int() if getattr(tensor, "dtype", None) == torch.int64 else tensor


TorchFormatter._tensorize = narrowed  # noqa: SLF001 - the fault
