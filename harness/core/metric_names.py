"""Names of metrics: `MODULE`, `MODULE/CONFIGURATION`, or `MODULE_AVERAGE` of those that average."""

AVERAGED = ("f1", "precision", "recall")
"""Modules whose metric is averaged over labels."""

AVERAGES = ("micro", "macro", "weighted")


def average_of(name: str) -> str:
    """The average that a metric's name ends with, as in `f1_macro`; empty if with none."""
    module, _, average = name.rpartition("_")
    return average if module in AVERAGED and average in AVERAGES else ""


def module_of(name: str) -> tuple[str, str]:
    """The module that computes a metric, and its configuration; that is empty if it names none."""
    if average_of(name):
        return name.rpartition("_")[0], ""
    module, _, configuration = name.partition("/")
    return module, configuration
