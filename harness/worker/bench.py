"""The bench: what all trials of a cell share, made once."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.core import tables, variations
from harness.core.job import Job
from harness.core.recipe import Recipe
from harness.core.schema import LABEL_COLUMNS
from harness.worker import data, dropping, features, models, reference
from harness.worker.adapters import adapted, taken
from harness.worker.batch_log import split_rows
from harness.worker.class_weights import weighted
from harness.worker.metric_modules import MetricModules
from harness.worker.metric_modules import load as load_metrics
from harness.worker.objective import Objective
from harness.worker.reference import ModelReference
from harness.worker.tasks import objective_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What all trials of a cell share.

    Attributes:
        job: of kind `try`.
        objective: of the task.
        base: the recipe that all start from.
        max_length: truncation length in tokens.
        tokenizer: of the model.
        dry: the model in double precision, without dropout.
        reference: of the model.
        wet: the same weights in double precision, with the checkpoint's dropout.
        raw: the chosen training examples as the source has them.
        train: the same, tokenized; more than any variation needs.
        evaluation: examples to evaluate, tokenized.
        metrics: of the data set.
    """

    job: Job
    objective: Objective
    base: Recipe
    max_length: int
    tokenizer: Any
    dry: Any
    reference: ModelReference
    wet: Any
    raw: Any
    train: Any
    evaluation: Any
    metrics: MetricModules

    @classmethod
    def of(cls, job: Job) -> "Bench":
        """Load what a job names.

        Raises:
            SourceError: the data cannot be trained on, or the checkpoint cannot be loaded.
        """
        base, scratch = job.recipe, Path(job.scratch)
        schema = job.schema
        objective = objective_of(schema)
        tokenizer = models.checked_tokenizer(job)
        max_length = base.max_length or variations.LONGEST
        function = features.tokenizing(job, tokenizer, max_length)
        chosen = {
            name: data.sample(
                data.load(job.data_files[name], schema, scratch), size, base.subset_seed
            )
            for name, size in (("train", variations.ROWS), ("evaluation", variations.EVALUATED))
        }
        torch.manual_seed(base.seed)
        wet, _ = models.load(job.model, objective)
        models.pad_as(wet, tokenizer)
        wet = adapted(wet, objective, base.peft)
        dry = copy.deepcopy(wet)
        dropping.dry(dry)
        dry.double()
        train = data.tokenize(chosen["train"], function)
        label = tables.label_column(chosen["train"].column_names, "the raw split", schema)
        labels = objective.labels_of(chosen["train"], label, train)
        return cls(
            job=job,
            objective=weighted(objective, base, labels),
            base=base,
            max_length=max_length,
            tokenizer=tokenizer,
            dry=dry,
            reference=reference.of(dry),
            wet=wet.double(),
            raw=chosen["train"],
            train=train,
            evaluation=data.tokenize(chosen["evaluation"], function),
            metrics=load_metrics(job.metrics, job.f1_average, schema),
        )

    @property
    def evaluated(self) -> tuple[int, ...]:
        """Names of the evaluated rows, as a watch gives them, in the data set's order."""
        labels = self.objective.labels_of(self.evaluation, self.label, self.evaluation)
        if self.base.withholds_labels:
            labels = [-1] * len(labels)
        return tuple(split_rows(self.evaluation, self.dry, labels).tolist())

    @property
    def label(self) -> str:
        """The column of the labels in the source's rows."""
        return tables.label_column(self.raw.column_names, "the raw split", self.job.schema)

    def example(self, split: Any, index: int) -> dict[str, torch.Tensor]:
        """One tokenized example as a batch by itself, unpadded, with its label as `labels`."""
        row = split[index]
        columns = {*taken(self.dry)} & {*split.column_names}
        batch = {name: torch.tensor([row[name]]) for name in sorted(columns - {*LABEL_COLUMNS})}
        alone = split.select([index])
        (label,) = self.objective.labels_of(alone, self.label, alone)
        labels = torch.tensor([label])
        return {**batch, "labels": labels.double() if labels.is_floating_point() else labels}
