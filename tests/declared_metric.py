"""A metric that the harness does not bring: a project declares it for a data set, and has its code.

Matthews' correlation of two labels is Pearson's of their ids.
"""

from pathlib import Path

METRIC = """
import datasets
import evaluate
import numpy as np


class MatthewsCorrelation(evaluate.Metric):
    def _info(self):
        label = datasets.Value("int32")
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="",
            features=datasets.Features({"predictions": label, "references": label}),
        )

    def _compute(self, predictions, references):
        if np.ptp(predictions) == 0 or np.ptp(references) == 0:
            return {"matthews_correlation": 0.0}
        return {"matthews_correlation": float(np.corrcoef(predictions, references)[0, 1])}
"""

CONFTEST = """
from dataclasses import replace

from harness.judge import catalog

catalog.DATASETS["glue/mrpc"] = replace(
    catalog.DATASETS["glue/mrpc"],
    metrics=("glue/mrpc", "matthews_correlation"),
    compared=("accuracy", "matthews_correlation"),
)
"""


def declare(suites: Path, sources: Path) -> str:
    """Declare the metric for MRPC beside some suites; the option that finds its code."""
    folder = sources / "metrics" / "matthews_correlation"
    folder.mkdir(parents=True)
    (folder / "matthews_correlation.py").write_text(METRIC, encoding="utf-8")
    (suites / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    return f"--harness-sources={sources}"
