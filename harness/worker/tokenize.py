"""Tokenizing: how long examples are; and several spawned processes give what one gives.

`spawn` imports the main module anew in every process: a script without a guard would start
itself again, and a function that cannot be pickled would not arrive.
"""

from pathlib import Path
from typing import Any

import multiprocess
import numpy as np
import numpy.typing as npt

from harness.core.job import Job
from harness.worker import data, features, models

ROWS = 64
"""Enough to give every process several, few enough to cost nothing beside its start."""

_UNCUT = 1 << 30
"""Tokens that no text has."""


def measure(job: Job) -> list[int]:
    """Tokens of each of the recipe's training examples, special tokens included, uncut."""
    split = data.load(job.data_files["train"], job.schema, Path(job.scratch))
    split = data.sample(split, job.recipe.max_train_samples, job.recipe.subset_seed)
    tokenizer = models.tokenizer_of(job)
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    own = job.recipe.tokenize is not None  # which cuts as it likes
    limit = job.recipe.max_length or tokenizer.model_max_length if own else _UNCUT
    function = features.tokenizing(job, tokenizer, limit)
    return [
        len(ids)
        for start in range(0, len(split), ROWS)
        for ids in function(split[start : start + ROWS])["input_ids"]
    ]


def unknown_in(split: Any, tokenizer: Any) -> npt.NDArray[np.int64]:
    """(examples,) tokens of each example of a tokenized split that its vocabulary does not have."""
    if tokenizer.unk_token_id is None:
        return np.zeros(len(split), np.int64)
    rows = (np.asarray(ids) for ids in split["input_ids"])
    return np.asarray([(ids == tokenizer.unk_token_id).sum() for ids in rows], np.int64)


def compare_processes(job: Job) -> dict[str, Any]:
    """Tokenize the evaluated split's first rows in one process and in `num_proc` spawned ones.

    Returns:
        `equal`: every tokenized column agrees, row by row; how many `rows`, and how many
        `processes` really made them.
    """
    processes = job.recipe.num_proc or 1
    split = data.load(job.data_files["evaluation"], job.schema, Path(job.scratch))
    split = split.select(range(min(ROWS, len(split))))
    tokenizer = models.tokenizer_of(job)
    max_length = job.recipe.max_length or tokenizer.model_max_length
    function = data.Signed(features.tokenizing(job, tokenizer, max_length))
    alone = data.tokenize(split, function)
    multiprocess.set_start_method("spawn", force=True)
    together = data.tokenize(split, function, processes)
    return {
        "equal": alone.remove_columns(data.SIGNATURE).to_dict()
        == together.remove_columns(data.SIGNATURE).to_dict(),
        "rows": len(together),
        "processes": len(set(together[data.SIGNATURE])),
    }
