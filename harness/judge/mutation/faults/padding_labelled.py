"""The collator of tokens labels padding 0 instead of -100."""

from transformers import DataCollatorForTokenClassification

TASKS = ("token_classification",)

init = DataCollatorForTokenClassification.__init__


def labelled(self: DataCollatorForTokenClassification, *args: object, **kwargs: object) -> None:
    """Collate as ever, with another label."""
    init(self, *args, **kwargs)
    self.label_pad_token_id = 0


DataCollatorForTokenClassification.__init__ = labelled
