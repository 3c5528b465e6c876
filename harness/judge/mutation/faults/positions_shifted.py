"""Every token is embedded at the position after its own; the last one's is taken twice."""

from typing import Any

from transformers.models.bert.modeling_bert import BertEmbeddings
from transformers.models.distilbert.modeling_distilbert import Embeddings


def shifted(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Move positions on by one, as far as there are any."""
    positions, *others = arguments
    return ((positions + 1).clamp(max=module.num_embeddings - 1), *others)


def inject(embeddings: Any) -> None:
    """Have the embeddings built with positions that are off by one."""
    build = embeddings.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        self.position_embeddings.register_forward_pre_hook(shifted)

    embeddings.__init__ = init


inject(BertEmbeddings)
inject(Embeddings)
