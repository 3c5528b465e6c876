"""BERT receives token types and embeds zeros in their place."""

from typing import Any

import torch
from transformers.models.bert.modeling_bert import BertEmbeddings

embed = BertEmbeddings.forward


def forward(self: Any, *args: Any, token_type_ids: Any = None, **kwargs: Any) -> Any:
    """Embed every token as the first sentence's."""
    if token_type_ids is not None:
        token_type_ids = torch.zeros_like(token_type_ids)
    return embed(self, *args, token_type_ids=token_type_ids, **kwargs)


BertEmbeddings.forward = forward
