"""The parts of a record: steps, batches, evaluations, examples, parameters, checkpoints."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One optimizer step of training.

    Attributes:
        step: 1 for the first.
        epoch: epochs done after the step.
        loss: mean over the terms of the step's examples, the sum of what its micro-batches
            returned; under a budget of tokens, their sum over what a batch has on average.
        logged_loss: what the loop logged for it; some versions round. None if it logged none.
        grad_norm: L2 norm of all gradients before clipping; None where the loop reports none.
        learning_rate: the rate this step was taken with (first parameter group).
        logged: names that the loop logged for this step.
        seconds: wall time since the previous step ended, evaluation and saving excluded.
        examples: rows of the step's batches.
        real_tokens: tokens whose attention mask is 1.
        padded_tokens: all tokens of the step's batches, padding included.
    """

    step: int
    epoch: float
    loss: float
    logged_loss: float | None
    grad_norm: float | None
    learning_rate: float
    logged: tuple[str, ...]
    seconds: float
    examples: int
    real_tokens: int
    padded_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one batch looked like when the model received it.

    Attributes:
        stage: `train`, or the name of the evaluation.
        training: whether the model was in training mode.
        examples: in it; one a row, unless rows hold several.
        shapes: by the names that the model received.
        dtypes: likewise, such as `int64`.
        digest: of the token ids, 16 hexadecimal digits.
        width: tokens a row, padding included.
        longest: most tokens with mask 1 in one row.
        shortest: fewest.
        real_tokens: tokens with mask 1.
        misplaced: positions where "is padding by its id" and "is padding by its mask" disagree.
        leading: rows in which padding comes before a real token.
    """

    stage: str
    training: bool
    examples: int
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]
    digest: str
    width: int
    longest: int
    shortest: int
    real_tokens: int
    misplaced: int
    leading: int

    @property
    def positions(self) -> int:
        """Positions that are computed, padding included."""
        return math.prod(self.shapes["input_ids"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """What one argument of `compute_metrics` was.

    Attributes:
        type: the fully qualified class, such as `numpy.ndarray`.
        dtype: such as `float32`; empty if it has none.
        shape: empty if it has none.
    """

    type: str
    dtype: str = ""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One evaluation. Its arrays are `NAME.predictions`, `NAME.labels` and `NAME.rows`.

    Attributes:
        name: `step-N` during training, `final` and `holdout` after it.
        step: optimizer steps done before it.
        split: rows' origin: `evaluation` or `holdout`.
        metrics: as the loop reports them, prefixes such as `eval_` removed.
        predictions: what `compute_metrics` received.
        label_ids: likewise.
        unpacked: how many parts `compute_metrics` got by unpacking its argument.
        argmax_error: name of the exception that `torch.argmax(predictions)` raised.
    """

    name: str
    step: int
    split: str
    metrics: Mapping[str, float]
    predictions: Value
    label_ids: Value
    unpacked: int
    argmax_error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WordLabels:
    """What an example's words are labelled, and what its tokens are.

    Attributes:
        labels: of the words in the source.
        tokens: how many each word has by itself.
        received: labels of the tokens.
        special: which of the tokens are.
    """

    labels: tuple[int, ...]
    tokens: tuple[int, ...]
    received: tuple[int, ...]
    special: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One tokenized example, beside what its sentences are by themselves.

    Attributes:
        texts: one sentence, or two.
        label: the label id in the source.
        columns: the tokenized columns that have one value a token.
        alone: token ids of each text, tokenized by itself without special tokens.
        decoded: each segment of `input_ids` between special tokens, decoded back.
        frame: the special tokens of `input_ids` in their order, with -1 for each segment between
            them; empty in earlier records.
        word_labels: where its words are labelled.
    """

    texts: tuple[str, ...]
    label: int
    columns: Mapping[str, tuple[int, ...]]
    alone: tuple[tuple[int, ...], ...]
    decoded: tuple[str, ...]
    frame: tuple[int, ...] = ()
    word_labels: WordLabels | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One tensor of the model.

    Attributes:
        name: as in the state dict, without what an adapter wraps its model in.
        shape: its shape.
        dtype: such as `float32`.
        trainable: whether it takes a gradient.
        moved: largest absolute change from before the first step to after the last.
        group: index of its optimizer group, -1 if none.
        adapter: whether an adapter added it to the model.
        deviation: of its values before the first step; 0 in earlier records.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    moved: float
    group: int
    adapter: bool = False
    deviation: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """Weights at one moment: `step` is -1 for the model in memory after training."""

    step: int
    digest: str
