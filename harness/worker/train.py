"""Training in the judged environment: from a job to its record.

Everything that all loops share before and after they run is here; what a record must answer
once training is over is examined by `harness.worker.examine`.
"""

import importlib
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from harness.core import tables
from harness.core.errors import RunError
from harness.core.job import Job
from harness.core.nvml import Sampler
from harness.core.observed import Observed
from harness.worker import (
    adapters,
    compat,
    data,
    examine,
    features,
    metric_modules,
    models,
    packing,
    positions,
)
from harness.worker.batch_log import label_codes, labelled, split_rows
from harness.worker.class_weights import weighted
from harness.worker.loops.setup import LoopResult, Setup
from harness.worker.prepared import Prepared
from harness.worker.sampling import lengths_of, longest_first
from harness.worker.tasks import objective_of
from harness.worker.tokenize import unknown_in
from harness.worker.warnings_log import Notices
from harness.worker.watch import Watch


@dataclass(slots=True)
class Timer:
    """Wall seconds by phase."""

    phases: dict[str, float] = field(default_factory=dict)
    _mark: float = field(default_factory=time.perf_counter)

    def lap(self, phase: str) -> None:
        """The time since the last lap belongs to this phase."""
        now = time.perf_counter()
        self.phases[phase] = now - self._mark
        self._mark = now


def train(job: Job, progress: Callable[[int, int], None]) -> Observed:
    """Run a job's recipe and observe everything that its record must answer.

    Args:
        job: of kind `train`.
        progress: called a few times a second with the step and the number of steps.

    Raises:
        SourceError: the data cannot be trained on, or the checkpoint cannot be loaded.
        SpecError: the recipe asks for more tokens than the model can read.
        RunError: the judged environment cannot do what the recipe asks.
    """
    if job.device == "cuda" and not torch.cuda.is_available():
        raise RunError(
            "torch sees no CUDA device",
            why=f"torch {torch.__version__} in {sys.executable}",
            fix="use --harness-device cpu, or judge an interpreter whose torch has CUDA",
        )
    torch.set_num_threads(job.threads)
    timer = Timer()
    with Notices() as notices:
        prepared = prepare(job, timer)
        tokenizer = prepared.setup.tokenizer
        watch = Watch(
            pad_id=tokenizer.pad_token_id,
            pad_is_end=tokenizer.pad_token_id == tokenizer.eos_token_id,
            progress=progress,
            orders=prepared.setup.orders,
        )
        with Sampler(enabled=job.device == "cuda") as sampler:
            outcome = drive(prepared.setup, watch)
        timer.lap("loop")
        findings = examine.examine(job, prepared, outcome, watch)
        timer.lap("examine")
    return Observed(
        steps=watch.steps,
        batches=watch.batches,
        evaluations=tuple(watch.evaluations),
        predicted_shape=outcome.predicted_shape,
        warnings=tuple(notices.texts),
        phases=timer.phases | {f"loop.{name}": value for name, value in outcome.phases.items()},
        peak_memory=peak_memory(job.device),
        device_samples=tuple(sampler.samples),
        arrays=watch.finished_arrays(prepared.known),
        overrides=outcome.overrides,
        **findings,
    )


def drive(setup: Setup, watch: Watch) -> LoopResult:
    """Have a setup's loop run it."""
    loop = importlib.import_module(setup.loop.module)
    outcome: LoopResult = loop.run(setup, watch)
    return outcome


def prepare(job: Job, timer: Timer) -> Prepared:
    """Data, model, collator, arguments and metrics, ready for a loop."""
    scratch = Path(job.scratch)
    schema = job.schema
    raw = {name: data.load(files, schema, scratch) for name, files in job.data_files.items()}
    recipe = job.recipe
    evaluated = raw["evaluation"]
    chosen = {
        "train": data.sample(raw["train"], recipe.max_train_samples, recipe.subset_seed),
        "evaluation": data.sample(evaluated, recipe.max_eval_samples, recipe.subset_seed),
    }
    if "holdout" in raw or recipe.max_holdout_samples is not None:
        held_out = raw.get("holdout", evaluated)
        chosen["holdout"] = data.sample(held_out, recipe.max_holdout_samples, recipe.holdout_seed)
    timer.lap("load data")

    objective = objective_of(schema, recipe.label_smoothing_factor)
    tokenizer = models.checked_tokenizer(job)
    transformers.set_seed(recipe.seed)  # before the head is drawn, as the examples do
    model, newly_initialized = models.load(job.model, objective)
    own_parameters = frozenset(name for name, _ in model.named_parameters())
    model = adapters.adapted(model, objective, recipe.peft)
    models.pad_as(model, tokenizer)
    max_length = positions.length(recipe, model, tokenizer)
    timer.lap("load model")

    function = features.tokenizing(job, tokenizer, max_length)
    tokenized = {
        name: data.tokenize(split, function, recipe.num_proc) for name, split in chosen.items()
    }
    timer.lap("tokenize")

    label = tables.label_column(chosen["train"].column_names, job.data_files["train"][0], schema)
    known = {
        name: objective.labels_of(chosen[name], label, split) for name, split in tokenized.items()
    }
    objective = weighted(objective, recipe, known["train"])

    strategy = job.collation
    packing.isolate(adapters.core(model), strategy)
    values = compat.argument_values(recipe, output_dir=str(scratch / "output"), device=job.device)
    if strategy.grouped and not strategy.budget:
        values |= compat.grouped_by_length()
    metrics = metric_modules.load(job.metrics, job.f1_average, schema)
    setup = Setup(
        recipe=recipe,
        loop=job.loop,
        device=job.device,
        arguments=transformers.TrainingArguments(**values),
        model=model,
        objective=objective,
        tokenizer=tokenizer,
        strategy=strategy,
        collator=packing.collator(tokenizer, strategy, max_length, objective),
        splits=tokenized,
        stream=data.stream(chosen["train"], function) if recipe.streaming else None,
        metrics=metrics,
        saved=scratch / "saved",
        root=job.root,
        orders={
            name: longest_first(split)
            for name, split in tokenized.items()
            if strategy.sorted and name != "train"
        },
    )
    prepared = Prepared(
        setup=setup,
        raw=chosen,
        label=label,
        values=values,
        newly_initialized=newly_initialized,
        max_length=max_length,
        own_parameters=own_parameters,
        before={name: tensor.detach().clone() for name, tensor in model.state_dict().items()},
        known={name: _known(split, known[name], setup) for name, split in tokenized.items()},
    )
    timer.lap("build")
    return prepared


def _known(split: Any, labels: Any, setup: Setup) -> dict[str, Any]:
    """Names of a split's rows, as the watch will name them in batches, and what each row is.

    The labels are the source's: a `map` that moved them would be seen.
    """
    classes, codes = setup.objective.classes(labels), label_codes(labels)
    texts = split_rows(split, setup.model, [-1] * len(labels))
    withheld = setup.recipe.withholds_labels
    return {
        "rows": texts if withheld else labelled(texts, codes),
        "texts": texts,
        "labels": codes,
        **({} if classes is None else {"classes": classes}),
        "lengths": lengths_of(split),
        "unknown": unknown_in(split, setup.tokenizer),
    }


def peak_memory(device: str) -> dict[str, int]:
    """Peak bytes of this process, and of torch's allocator on an accelerator."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = {"host": used if sys.platform == "darwin" else used * 1024}  # kibibytes elsewhere
    if device == "cuda":
        peak["device"] = torch.cuda.max_memory_allocated()
    return peak
