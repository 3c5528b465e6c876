"""The schema of a data set: its columns, what they are to a training run, and the labels."""

from dataclasses import dataclass

from harness.core.dataset import Task

LABEL_COLUMNS = ("label", "labels", "label_ids")
"""Names that a label column may have, each alone."""

LABEL = {
    "single_label_classification": "label",
    "regression": "label",
    "multi_label_classification": "labels",
    "token_classification": "tags",
    "causal_lm": "",
}
"""The label column of the tables that are written of a user's rows, by task; none if empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """What a data set's tables look like.

    Attributes:
        texts: the text columns, of strings; of a token classification, one of lists of words.
        label_names: in the order of their ids; one of a regression, none of a language model.
        task: what is learnt of them.
    """

    texts: tuple[str, ...]
    label_names: tuple[str, ...]
    task: Task = "single_label_classification"

    @property
    def ids(self) -> str:
        """The label ids and what they mean, as a sentence's part."""
        return f"0 to {len(self.label_names) - 1}: {', '.join(self.label_names)}"
