"""The first layer of the encoder attends to padding: the attention mask does not reach it."""

from typing import Any

from transformers.models.bert.modeling_bert import BertEncoder
from transformers.models.distilbert.modeling_distilbert import Transformer


def unmasked(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Take the mask out of a layer's arguments."""
    hidden, _, *others = arguments
    return (hidden, None, *others)


def inject(encoder: Any) -> None:
    """Have the encoder built without a mask for its first layer."""
    build = encoder.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        self.layer[0].register_forward_pre_hook(unmasked)

    encoder.__init__ = init


inject(BertEncoder)
inject(Transformer)
