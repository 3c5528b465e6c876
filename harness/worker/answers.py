"""Short questions to the judged libraries, answered without training."""

import copy
import inspect
import pkgutil
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers

from harness.core.collation import DYNAMIC, MAX_LENGTH, PLAIN, Collation, multiples_of
from harness.core.errors import UnsupportedError
from harness.core.questions import Questions
from harness.core.trial import RATES, WARMUP, Answers, Padded
from harness.worker import (
    dropping,
    features,
    models,
    packing,
    precision,
    reference_loss,
    reference_model,
)
from harness.worker.adapters import core, tensors
from harness.worker.bench import Bench
from harness.worker.features import Doubled
from harness.worker.objective import Objective
from harness.worker.soundness import gradient, parted

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where an object without a repr of its own lies: another in every process."""

PROBED = 6
"""Examples that are collated in every way."""

PROBES = (DYNAMIC, MAX_LENGTH, multiples_of(8), PLAIN["packed"], PLAIN["padding_free"])
"""Every way that gives a batch another shape."""

SCHEDULED: Mapping[str, Mapping[str, Any]] = {
    "linear": {},
    "cosine": {},
    "cosine_with_restarts": {"num_cycles": 2},
    "polynomial": {"power": 2.0, "lr_end": 0.01},
    "constant": {},
    "constant_with_warmup": {},
    "inverse_sqrt": {},
    "cosine_with_min_lr": {"min_lr_rate": 0.1},
    "warmup_stable_decay": {"num_decay_steps": 4},
}
"""Schedules, with the options that their closed forms are known for."""


CALLS = (
    "accelerate.Accelerator",
    "datasets.Dataset.map",
    "datasets.Dataset.select",
    "datasets.Dataset.shuffle",
    "datasets.load_dataset",
    "evaluate.load",
    "torch.optim.AdamW",
    "torch.utils.data.DataLoader",
    "transformers.DataCollatorWithPadding",
    "transformers.Trainer",
    "transformers.Trainer.train",
    "transformers.TrainingArguments",
    "transformers.get_scheduler",
)
"""Library calls that recipes use."""


def answer(bench: Bench) -> Answers:
    """Answers to all of them, on the device that the cell trains on."""
    bench.dry.to(bench.job.device)
    questions = Questions()
    narrowings = questions.ask("narrowings", lambda: _narrowings(bench), {})
    stages, reference_stages = questions.ask("stages", lambda: _stages(bench), ({}, {}))
    return Answers(
        model_type=bench.dry.config.model_type,
        divides_loss=questions.ask(
            "divides_loss",
            lambda: models.divides_loss(bench.dry, bench.objective, _batch(bench, DYNAMIC)),
            nothing=False,
        ),
        foresight=questions.ask("foresight", lambda: _foresight(bench), None),
        narrowings=narrowings,
        dropout=max(dropping.largest(bench.wet), dropping.declared(Path(bench.job.model))),
        padded=questions.ask("padded", lambda: _padded(bench), {}),
        stages=stages,
        reference_stages=reference_stages,
        schedules=questions.ask("schedules", _schedules, {}),
        chosen=questions.ask("chosen", lambda: _chosen(bench.base.subset_seed), ()),
        cached=questions.ask("cached", lambda: _cached(bench), (0, 0)),
        formatted=questions.ask("formatted", lambda: _formatted(bench), {}),
        signatures=_signatures(),
        errors=questions.errors,
    )


def _schedules() -> dict[str, tuple[float, ...]]:
    """The rates of every schedule."""
    return {name: _rates(name, options) for name, options in SCHEDULED.items()}


def _batch(bench: Bench, strategy: Collation) -> dict[str, torch.Tensor]:
    """Some examples as a strategy collates them."""
    rows = [bench.example(bench.train, index) for index in range(PROBED)]
    examples = [{name: tensor[0].tolist() for name, tensor in row.items()} for row in rows]
    collate = packing.collator(bench.tokenizer, strategy, bench.max_length, bench.objective)
    return _placed(bench, Doubled(collate)(examples))


def _placed(bench: Bench, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A batch on the device that the cell trains on."""
    return {name: tensor.to(bench.job.device) for name, tensor in batch.items()}


def _padded(bench: Bench) -> dict[str, Padded]:
    """Logits, losses and gradients of some examples, alone and under every collation."""
    objective, model = bench.objective, bench.dry.train()
    alone = [_placed(bench, bench.example(bench.train, index)) for index in range(PROBED)]
    logits = [model(**row).logits for row in alone]
    pairs = [*zip(logits, (row["labels"] for row in alone), strict=True)]
    losses = torch.cat([reference_loss.each(objective.task, *pair) for pair in pairs])
    gradients = [gradient(loss, model) for loss in losses]
    rows = [row for pair in pairs for row in _rows(objective, *pair)]
    padded = {"alone": _described(rows, losses, gradients, gradients)}
    for strategy in PROBES:
        model = copy.deepcopy(bench.dry).train()
        try:
            packing.isolate(core(model), strategy)
            batch = _batch(bench, strategy)
        except UnsupportedError:
            continue
        predicted = model(**batch).logits
        losses = reference_loss.each(objective.task, predicted, batch["labels"])
        given = [gradient(loss, model) for loss in losses]
        rows = _rows(objective, predicted, batch["labels"])
        padded[strategy.name] = _described(rows, losses, given, gradients)
    return padded


def _rows(objective: Objective, logits: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
    """What an evaluation would keep of each example."""
    return objective.rows(objective.kept(logits.detach(), labels), labels.cpu())


def _described(
    rows: list[torch.Tensor],
    losses: torch.Tensor,
    gradients: list[torch.Tensor],
    expected: list[torch.Tensor],
) -> Padded:
    """Examples under one collation, their gradients beside those unpadded."""
    apart = [parted(ours, theirs) for ours, theirs in zip(gradients, expected, strict=True)]
    return Padded(
        logits=tuple(tuple(row.tolist()) for row in rows),
        losses=tuple(losses.tolist()),
        gradients=tuple(apart),
    )


def _narrowings(bench: Bench) -> dict[str, int]:
    """Which modules compute in less than double precision, whatever the weights are."""
    return precision.narrowings(bench.dry.train(), _batch(bench, DYNAMIC))


@torch.no_grad()
def _foresight(bench: Bench) -> float | None:
    """How far a language model's logits of a text's first half move with the second."""
    if bench.objective.task != "causal_lm":
        return None
    model, moved = bench.dry.eval(), []
    for index in range(PROBED):
        whole = _placed(bench, bench.example(bench.train, index))
        half = (whole["input_ids"].shape[1] + 1) // 2
        first = {name: tensor[:, :half] for name, tensor in whole.items()}
        moved.append((model(**whole).logits[:, :half] - model(**first).logits).flatten())
    return float(torch.cat(moved).abs().max())  # keeps NaN


def _stages(bench: Bench) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each stage gives for a first batch in single precision, and what the formulas give.

    Nothing of formulas that are not written.
    """
    batch = _batch(bench, DYNAMIC)
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    model = bench.dry.eval()
    with torch.no_grad():
        weights = {name: tensor.detach() for name, tensor in tensors(model).items()}
        formulas: dict[str, torch.Tensor] = {}
        if reference_model.is_written(core(model)):
            formulas = reference_model.Encoder(model.config).stages(weights, inputs)
        single = model.float()(**inputs, output_hidden_states=True)
        model.double()
    hidden = _hidden(single)
    ids = batch["input_ids"]
    tokens = models.weights_digest({"tokens": ids})
    return (
        {
            "tokens": tokens,
            **{name: tensor.double().norm().item() for name, tensor in hidden.items()},
        },
        {name: tensor.norm().item() for name, tensor in formulas.items()},
    )


def _hidden(outputs: Any) -> dict[str, torch.Tensor]:
    """What a model gives of itself: `embeddings`, `layer.INDEX` and `logits`."""
    names = ("hidden_states", "encoder_hidden_states", "decoder_hidden_states")
    states = [state for name in names for state in outputs.get(name) or ()]
    stages = {f"layer.{index - 1}" if index else "embeddings": s for index, s in enumerate(states)}
    return {**stages, "logits": outputs["logits"]}


def _rates(name: str, options: Mapping[str, Any]) -> tuple[float, ...]:
    """The rates of a schedule's steps, for a rate of 1."""
    optimizer = torch.optim.AdamW([{"params": [torch.nn.Parameter(torch.zeros(1))]}], lr=1.0)
    accepted = {"num_warmup_steps": WARMUP, "num_training_steps": RATES}
    schedule = transformers.get_scheduler(
        name, optimizer, **accepted, scheduler_specific_kwargs=dict(options)
    )
    rates = []
    for _ in range(RATES):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return tuple(rates)


def _chosen(seed: int) -> tuple[int, ...]:
    """What `shuffle(seed).select(range(10))` picks of a hundred rows."""
    rows = datasets.Dataset.from_dict({"row": list(range(100))})
    return tuple(rows.shuffle(seed=seed).select(range(10))["row"][:])


def _cached(bench: Bench) -> tuple[int, int]:
    """Longest example under a short limit, then under a longer one, if `map` may use its cache.

    Rows are said ten times over, so that there is something to cut.
    """
    columns = {name: [_tenfold(value) for value in bench.raw[name]] for name in bench.raw.features}
    rows = datasets.Dataset.from_dict(columns)
    lengths = []
    for limit in (6, 9):
        function = features.tokenizing(bench.job, bench.tokenizer, limit)
        tokenized = rows.map(function, batched=True, load_from_cache_file=True)
        lengths.append(max(map(len, tokenized["input_ids"][:])))
    return lengths[0], lengths[1]


def _tenfold(value: Any) -> Any:
    """A text, or a list such as words and their labels, ten times over; a label as it is."""
    if isinstance(value, str):
        return " ".join([value] * 10)
    return value * 10 if isinstance(value, list) else value


def _formatted(bench: Bench) -> dict[str, str]:
    """Dtypes of the tokenized columns under `with_format("torch")`."""
    row = bench.train.with_format("torch")[0]
    return {
        name: str(value.dtype)[len("torch.") :]
        for name, value in row.items()
        if torch.is_tensor(value)
    }


def _signatures() -> dict[str, dict[str, str]]:
    """Parameters and defaults of the library calls that recipes use, of those that are there."""
    signatures = {}
    for name in CALLS:
        try:
            parameters = inspect.signature(pkgutil.resolve_name(name)).parameters.values()
        except (AttributeError, ImportError, ValueError):  # a contract that changed, no less
            continue
        signatures[name] = {
            parameter.name: "required"
            if parameter.default is inspect.Parameter.empty
            else _ADDRESS.sub("", repr(parameter.default))
            for parameter in parameters
        }
    return signatures
