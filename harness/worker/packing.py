"""Sequences side by side: several examples in a row, each attending to itself alone.

Encoders that classify by their first position need more than a flattened batch: positions start
again with every example, none may see its neighbour, and the head must read the first position of
each. The library's model does all the work; hooks give it what it needs and take what the head
should read. Labels come first in a batch, for its first tensor tells the Trainer its size.
"""

import inspect
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
import transformers
from torch.nn.functional import scaled_dot_product_attention
from transformers import BatchEncoding

from harness.core.batching import first_fit
from harness.core.collation import SEQUENCES, Collation
from harness.core.errors import UnsupportedError
from harness.core.schema import LABEL_COLUMNS
from harness.worker import compat, features, reference_model
from harness.worker.objective import Objective

ATTENTION = "harness_by_sequence"
"""Name under which attention without padding is registered."""

Heads = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Queries, keys and values, (1, heads, positions, width) each."""


def collator(tokens: Any, strategy: Collation, max_length: int, objective: Objective) -> Any:
    """Features in, a batch out, as a strategy lays it out.

    Raises:
        UnsupportedError: the task is not one whose sequences can be laid side by side.
    """
    if strategy.layout == "padded":
        return features.collator(tokens, strategy, max_length, objective)
    if objective.head != "SequenceClassification":
        raise UnsupportedError(
            f"collation={strategy.name!r} lays no rows of a {objective.task} side by side",
            fix="use a collation that pads",
        )
    return SequenceCollator(tokens, flat=strategy.layout == "flat")


class SequenceCollator:
    """Features in, rows of several sequences out."""

    def __init__(self, tokenizer: Any, *, flat: bool) -> None:
        """Pack into rows as wide as the longest example, or put all into one flat row."""
        self.tokenizer, self.flat = tokenizer, flat

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> BatchEncoding:
        """The batch of some tokenized examples.

        Returns:
            `labels` (examples,) if there are any; `input_ids`, `position_ids`, `sequences` and,
            if the examples have them, `token_type_ids`, (rows, width) int64.
        """
        lengths = np.asarray([len(feature["input_ids"]) for feature in features])
        rows = np.zeros_like(lengths) if self.flat else first_fit(lengths[None])[0]
        order = np.argsort(rows, kind="stable")
        filled = np.bincount(rows, weights=lengths).astype(np.int64)
        shape = (len(filled), int(filled.max()))
        kept = np.arange(shape[1]) < filled[:, None]

        def laid(values: Sequence[Any], padding: int) -> torch.Tensor:
            grid = np.full(shape, padding, np.int64)
            grid[kept] = np.concatenate([np.asarray(values[index]) for index in order])
            return torch.from_numpy(grid)

        batch: dict[str, torch.Tensor] = {}
        for name in LABEL_COLUMNS:
            if name in features[0]:
                batch["labels"] = torch.tensor([feature[name] for feature in features])
        for name, padding in (
            ("input_ids", self.tokenizer.pad_token_id),
            ("token_type_ids", self.tokenizer.pad_token_type_id),
        ):
            if name in features[0]:
                batch[name] = laid([feature[name] for feature in features], padding)
        batch["position_ids"] = laid([np.arange(length) for length in lengths], 0)
        batch[SEQUENCES] = laid([np.full(n, index) for index, n in enumerate(lengths)], -1)
        return BatchEncoding(batch)


def isolate(model: Any, strategy: Collation) -> ExitStack:
    """Have a classifier read what a strategy's collator makes; nothing to do if that is padded.

    Args:
        model: a `…ForSequenceClassification` of an encoder.
        strategy: how its batches are laid out.

    Returns:
        What makes the model read padded batches again, once it is closed.

    Raises:
        UnsupportedError: the judged version cannot keep sequences of a row apart.
    """
    undo = ExitStack()
    if strategy.layout == "padded":
        return undo
    if not reference_model.is_written(model):
        raise UnsupportedError(
            f"{type(model).__name__} cannot keep sequences of a row apart",
            why="the harness knows where positions begin and what the head reads of "
            f"{' and '.join(reference_model.FAMILIES)} alone",
            fix="use a collation that pads",
        )
    if "position_ids" not in inspect.signature(model.base_model.forward).parameters:
        raise UnsupportedError(
            f"{type(model).__name__} cannot keep sequences of a row apart",
            why=f"transformers {transformers.__version__} gives it no position_ids",
            fix="use transformers 5, or a collation that pads",
        )
    flat = strategy.layout == "flat"
    taken = inspect.signature(model.forward).parameters.values()
    if flat and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        raise UnsupportedError(
            f"{type(model).__name__} cannot do without padding",
            why=f"transformers {transformers.__version__} does not tell its attention where "
            "sequences begin",
            fix="use transformers 5, or collation='packed'",
        )
    encoder = getattr(model.base_model, "encoder", None) or model.base_model.transformer
    firsts: list[torch.Tensor] = []

    def prepare(_: Any, args: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        given = dict(given)
        sequences = given.pop(SEQUENCES)
        firsts[:] = [_first_positions(sequences)]
        if flat:
            lengths = torch.bincount(sequences[0])
            given["cu_seq_lens_q"] = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        else:
            together = sequences[:, :, None] == sequences[:, None, :]
            given["attention_mask"] = compat.block_mask(together, model.dtype)
        return args, given

    def take_first(_: Any, __: Any, output: Any) -> Any:
        hidden = output[0]
        output.last_hidden_state = hidden.reshape(-1, hidden.shape[-1])[firsts[0], None]
        return output

    if flat:
        undo.callback(model.set_attn_implementation, _attend_by_sequence(model))
    undo.callback(model.register_forward_pre_hook(prepare, with_kwargs=True).remove)
    undo.callback(encoder.register_forward_hook(take_first).remove)
    return undo


def kernel(model: Any, strategy: Collation) -> str:
    """The name of what computes a strategy's attention."""
    if strategy.layout == "flat":
        on_cpu = next(model.parameters()).device.type == "cpu"
        return "sdpa, a call a sequence" if on_cpu else "sdpa, jagged"
    kernel = str(model.config._attn_implementation)  # noqa: SLF001 - it has no public name
    return f"{kernel}, block mask" if strategy.layout == "packed" else kernel


def _first_positions(sequences: torch.Tensor) -> torch.Tensor:
    """(examples,) where each example begins among all positions, row after row."""
    flat = sequences.reshape(-1)
    before = torch.cat([flat.new_full((1,), -1), flat[:-1]])
    begins = torch.nonzero((flat != before) & (flat >= 0))[:, 0]
    return begins[torch.argsort(flat[begins])]


def _attend_by_sequence(model: Any) -> str:
    """Replace a model's attention by one that is called for each sequence.

    Returns:
        The name of what it had.

    Raises:
        UnsupportedError: the judged version does not let it be replaced.
    """
    try:
        from transformers import AttentionInterface

        before = str(model.config._attn_implementation)  # noqa: SLF001 - it has no public name
        AttentionInterface.register(ATTENTION, by_sequence)
        model.set_attn_implementation(ATTENTION)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnsupportedError(
            f"transformers {transformers.__version__} has no attention without padding",
            why=f"{type(error).__name__}: {error}",
            fix="use collation='packed', or transformers 5",
        ) from error
    return before


def by_sequence(  # noqa: PLR0913 - transformers' protocol
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _: Any,
    *,
    cu_seq_lens_q: torch.Tensor,
    scaling: float | None = None,
    dropout: float = 0.0,
    **__: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of each sequence of one flat row to itself.

    Args:
        module: asks nothing of it.
        query: (1, heads, positions, width).
        key: likewise.
        value: likewise.
        cu_seq_lens_q: (sequences + 1,) where each begins, and where the last ends.
        scaling: of the scores; one over the root of the width if None.
        dropout: probability.

    Returns:
        (1, positions, heads, width), and no weights.
    """
    del module
    attend = _at_once if query.is_cuda else _one_by_one
    return attend((query, key, value), cu_seq_lens_q, dropout, scaling), None


def _one_by_one(
    heads: Heads, bounds: torch.Tensor, dropout: float, scaling: float | None
) -> torch.Tensor:
    """A call for each sequence."""
    lengths = bounds.diff().tolist()
    apart = (torch.split(tensor, lengths, dim=2) for tensor in heads)
    parts = [
        scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=scaling)
        for q, k, v in zip(*apart, strict=True)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2)


def _at_once(
    heads: Heads, bounds: torch.Tensor, dropout: float, scaling: float | None
) -> torch.Tensor:
    """One call of torch's kernel for sequences of any lengths, which takes jagged tensors."""
    lengths = bounds.diff()
    shortest, longest = int(lengths.min()), int(lengths.max())
    query, key, value = (
        torch.nested.nested_tensor_from_jagged(
            tensor[0].transpose(0, 1), bounds, min_seqlen=shortest, max_seqlen=longest
        ).transpose(1, 2)
        for tensor in heads
    )
    attended = scaled_dot_product_attention(query, key, value, dropout_p=dropout, scale=scaling)
    return attended.transpose(1, 2).values()[None]
