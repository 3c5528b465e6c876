"""What a record must answer once training is over, examined outside the timed loop."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from harness.core import redaction
from harness.core.job import Job
from harness.core.questions import Questions
from harness.core.record_parts import Checkpoint, Parameter
from harness.worker import adapters, command_lines, examples, models, positions
from harness.worker.loops.setup import LoopResult, Setup, step_of
from harness.worker.prepared import Prepared
from harness.worker.probe import adapters_probed, divides_loss, loss_given, reload
from harness.worker.watch import Watch

CHUNK = 7
"""Predictions a batch when metrics are added in batches: divides no usual split evenly."""

BATCHES = 1_000
"""Batches at most: a language model has a prediction a token."""


def examine(job: Job, prepared: Prepared, outcome: LoopResult, watch: Watch) -> dict[str, Any]:
    """The record's fields that are answered after training, by name."""
    setup = prepared.setup
    tokenizer = setup.tokenizer
    loaded = dict(adapters.named(prepared.before.items()))
    prefix = setup.model.base_model_prefix
    questions = Questions()
    return {
        "arguments": redaction.values(setup.arguments.to_dict()),
        "parsed_differently": questions.ask(
            "parsed_differently",
            lambda: command_lines.parsed_differently(setup.arguments, prepared.values),
            {},
        ),
        "signature": adapters.taken(setup.model),
        "columns": {
            "source": tuple(prepared.raw["train"].column_names),
            "tokenized": tuple(setup.splits["train"].column_names),
        },
        "sizes": {name: len(split) for name, split in setup.splits.items()},
        "tokenizer": {
            "cls": tokenizer.cls_token_id,
            "sep": tokenizer.sep_token_id,
            "pad": tokenizer.pad_token_id,
            "unk": tokenizer.unk_token_id,
            "max_length": prepared.max_length,
            "limit": positions.limit(setup.model, tokenizer),
            "gives_token_types": int("token_type_ids" in tokenizer.model_input_names),
            "pads_left": int(tokenizer.padding_side == "left"),
            "pads_with_eos": int(tokenizer.pad_token_id == tokenizer.eos_token_id),
            "has_positions": int(positions.has_table(setup.model)),
            "token_types": int(getattr(setup.model.config, "type_vocab_size", 0)),
        },
        "examples": examples.of(prepared, job.schema),
        "parameters": _parameters(prepared, outcome),
        "newly_initialized": prepared.newly_initialized,
        "held_head": models.held_head(Path(job.model), loaded, prefix),
        "unlike": (
            *models.unlike(Path(job.model), loaded, prefix),
            *models.configured_unlike(Path(job.model), setup.model.config),
        ),
        "strangers": questions.ask("strangers", lambda: _strangers(job, prepared), {}),
        "base_prefix": prefix,
        "model_type": setup.model.config.model_type,
        "divides_loss": questions.ask(
            "divides_loss", lambda: divides_loss(prepared), nothing=False
        ),
        "optimizer": _optimizer(outcome.optimizer),
        "checkpoints": checkpoints(setup),
        "reload": questions.ask("reload", lambda: reload(prepared), {}),
        "adapters": questions.ask("adapters", lambda: adapters_probed(job, prepared), {}),
        "state_log_equal": questions.ask(
            "state_log_equal", lambda: _state_log_equal(setup, outcome), None
        ),
        "files": _files(setup),
        "metric_checks": {
            name: questions.ask(name, check, None)
            for name, check in _metric_checks(setup, watch).items()
        },
        "loss_given": questions.ask("loss_given", lambda: loss_given(prepared), {}),
        "errors": questions.errors,
    }


_SIZES = {
    "train": "max_train_samples",
    "evaluation": "max_eval_samples",
    "holdout": "max_holdout_samples",
}


def _strangers(job: Job, prepared: Prepared) -> dict[str, int]:
    """How many chosen rows of each split the source files, read without `datasets`, do not hold.

    A row that is chosen more often than it is there counts too, and so does a row too few.
    """
    strangers = {}
    for name, chosen in prepared.raw.items():
        files = job.data_files.get(name) or job.data_files["evaluation"]
        columns = [*job.schema.texts, *([prepared.label] if prepared.label else [])]
        tables = [pq.read_table(path, columns=columns) for path in files]
        source = Counter(row for table in tables for row in _rows(_lists(table, columns)))
        rows = Counter(_rows([chosen[column][:] for column in columns]))
        size = getattr(job.recipe, _SIZES[name])
        wanted = source.total() if size is None else min(size, source.total())
        strangers[name] = (rows - source).total() + abs(wanted - rows.total())
    return strangers


def _rows(columns: list[list[Any]]) -> list[str]:
    """Rows of some columns, each as one text."""
    return [json.dumps(row) for row in zip(*columns, strict=True)]


def _lists(table: Any, columns: list[str]) -> list[list[Any]]:
    """Columns of a table as lists."""
    return [table.column(column).to_pylist() for column in columns]


def _parameters(prepared: Prepared, outcome: LoopResult) -> tuple[Parameter, ...]:
    """Every parameter, how far it moved, and its optimizer group."""
    groups = {
        id(tensor): index
        for index, group in enumerate(outcome.optimizer.param_groups)
        for tensor in group["params"]
    }
    return tuple(
        Parameter(
            name=own,
            shape=tuple(tensor.shape),
            dtype=str(tensor.dtype)[len("torch.") :],
            trainable=tensor.requires_grad,
            moved=(tensor.detach().cpu() - prepared.before[name].cpu()).abs().max().item(),
            group=groups.get(id(tensor), -1),
            adapter=own not in prepared.own_parameters,
            deviation=prepared.before[name].float().std(correction=0).item(),
        )
        for name, tensor in prepared.setup.model.named_parameters()
        if (own := adapters.own_name(name)) is not None
    )


def _optimizer(optimizer: Any) -> dict[str, Any]:
    """The optimizer's class and the plain options of its groups."""
    inner = getattr(optimizer, "optimizer", optimizer)
    groups = [
        {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in group.items()
            if isinstance(value, bool | int | float | str | tuple) or value is None
        }
        for group in optimizer.param_groups
    ]
    return {"class": f"{type(inner).__module__}.{type(inner).__qualname__}", "groups": groups}


def checkpoints(setup: Setup) -> tuple[Checkpoint, ...]:
    """The weights written during training, and those in memory after it."""
    written = [
        Checkpoint(step=step_of(folder), digest=models.weights_digest(saved))
        for folder in setup.checkpoints()
        if (saved := adapters.saved(folder) or models.saved(folder))
    ]
    in_memory = Checkpoint(step=-1, digest=models.weights_digest(adapters.held(setup.model)))
    return (*written, in_memory)


def _state_log_equal(setup: Setup, outcome: LoopResult) -> bool | None:
    """Whether `trainer_state.json` holds the loop's log history; None if it was not saved."""
    if not setup.recipe.save_state:
        return None
    path = Path(setup.arguments.output_dir) / "trainer_state.json"
    if not path.is_file():
        return False
    written = json.loads(path.read_text(encoding="utf-8"))["log_history"]
    return bool(written == json.loads(json.dumps(outcome.log_history)))


def _files(setup: Setup) -> tuple[str, ...]:
    """Names of the files saved at the end."""
    folders = (setup.saved, Path(setup.arguments.output_dir))
    return tuple(
        sorted({path.name for folder in folders for path in folder.glob("*") if path.is_file()})
    )


def _metric_checks(setup: Setup, watch: Watch) -> dict[str, Callable[[], Any]]:
    """The final metrics computed in other ways, each by itself.

    `in_batches`: through `add_batch`; `singular_refused`: the exception that a misspelt
    `prediction=` raised; `weighted_f1`: by scikit-learn, None where it is not installed or the task
    has not one label an example.
    """
    metrics, objective = setup.metrics, setup.objective
    predictions, labels = objective.measured(
        watch.arrays["final.predictions"], watch.arrays["final.labels"]
    )
    single = objective.task == "single_label_classification"
    return {
        "in_batches": lambda: metrics.compute_in_batches(
            predictions, labels, max(CHUNK, len(labels) // BATCHES + 1)
        ),
        "singular_refused": lambda: metrics.refusal_of_singular(predictions, labels),
        "weighted_f1": lambda: _weighted_f1(predictions, labels) if single else None,
    }


def _weighted_f1(predictions: Any, labels: Any) -> float | None:
    """By scikit-learn, if it is installed."""
    try:
        from sklearn.metrics import f1_score
    except ImportError:
        return None
    return float(f1_score(labels, predictions, average="weighted", zero_division=0))
