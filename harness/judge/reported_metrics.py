"""Which metrics a module reports, and which judge a task."""

from collections.abc import Iterable, Mapping

from harness.core.dataset import Task, is_reference
from harness.core.metric_names import AVERAGED, AVERAGES

_REPORTED: Mapping[str, tuple[str, ...]] = {
    "seqeval": ("overall_f1", "overall_precision", "overall_recall", "overall_accuracy"),
    "glue/mrpc": ("accuracy", "f1"),
    "glue/qqp": ("accuracy", "f1"),
    "glue/cola": ("matthews_correlation",),
    "glue/stsb": ("pearson", "spearmanr"),
    "glue": ("accuracy",),
}
"""What metric modules report that are not named after it, by module or by its configuration."""

TASK_METRICS: Mapping[Task, tuple[str, ...]] = {
    "single_label_classification": ("accuracy", "f1"),
    "multi_label_classification": ("f1_micro", "f1_macro"),
    "regression": ("pearsonr", "spearmanr", "mse"),
    "token_classification": ("seqeval",),
    "causal_lm": ("perplexity",),
}
"""Metrics of a user's data set that names none, by task; the first is compared.

Of those that it names, all are."""


def reported_by(module: str) -> tuple[str, ...]:
    """Names of the metrics that a module reports: its own, where nothing else is known."""
    if is_reference(module):
        return (module.rpartition(":")[2].rpartition(".")[2],)
    name, _, _ = module.partition("/")
    return _REPORTED.get(module) or _REPORTED.get(name, (name,))


def known_metric_names() -> tuple[str, ...]:
    """Names of the metrics of all tasks, and of the averages that modules have."""
    averaged = [f"{name}_{average}" for name in AVERAGED for average in AVERAGES]
    judged = [module for modules in TASK_METRICS.values() for module in modules]
    return metric_names([*judged, *averaged, *AVERAGED, "mae", "matthews_correlation"])


def metric_names(modules: Iterable[str]) -> tuple[str, ...]:
    """Names of the metrics that modules report, and of the loss, which every loop does."""
    names = [name for module in modules for name in reported_by(module)]
    return tuple(dict.fromkeys([*names, "loss"]))
