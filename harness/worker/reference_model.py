"""The encoders of the catalog, written again from their papers' formulas.

BERT (Devlin et al. 2019, on Vaswani et al. 2017) and DistilBERT (Sanh et al. 2019), as sequence
classifiers without dropout, in matrix products, exponentials and error functions only. Whatever
changes in a library's modelling, attention, normalization or activation code parts from these.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

Tensor = torch.Tensor
Weights = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Where a family's checkpoints keep the parts of a layer, below `layers.INDEX.`."""

    prefix: str
    layers: str
    query: str
    key: str
    value: str
    attended: str
    attended_norm: str
    up: str
    down: str
    norm: str
    pooler: str


FAMILIES = {
    "bert": Names(
        prefix="bert.",
        layers="bert.encoder.layer",
        query="attention.self.query",
        key="attention.self.key",
        value="attention.self.value",
        attended="attention.output.dense",
        attended_norm="attention.output.LayerNorm",
        up="intermediate.dense",
        down="output.dense",
        norm="output.LayerNorm",
        pooler="bert.pooler.dense",
    ),
    "distilbert": Names(
        prefix="distilbert.",
        layers="distilbert.transformer.layer",
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        attended="attention.out_lin",
        attended_norm="sa_layer_norm",
        up="ffn.lin1",
        down="ffn.lin2",
        norm="output_layer_norm",
        pooler="pre_classifier",
    ),
}


def is_written(model: Any) -> bool:
    """Whether formulas are written for a model: for classifiers of sequences, of some families."""
    kind = type(model).__name__
    return model.config.model_type in FAMILIES and kind.endswith("ForSequenceClassification")


class Encoder:
    """A classifier's function of its weights."""

    def __init__(self, config: Any) -> None:
        """Read what the formulas need from a checkpoint's configuration.

        Raises:
            KeyError: a family that is not written down here.
        """
        self.names = FAMILIES[config.model_type]
        self.heads = int(config.num_attention_heads)
        self.layers = int(config.num_hidden_layers)
        self.epsilon = float(getattr(config, "layer_norm_eps", 1e-12))
        self.squash = torch.tanh if config.model_type == "bert" else _relu

    def stages(self, weights: Weights, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What every stage computes.

        Args:
            weights: tensors by their names in the state dict.
            batch: `input_ids`, `attention_mask` and, for BERT, `token_type_ids`, (rows, width).

        Returns:
            `embeddings` and `layer.INDEX`, (rows, width, features), and `logits`, (rows, labels).
        """
        stages = {"embeddings": self._embed(weights, batch)}
        hidden = stages["embeddings"]
        hide = (batch["attention_mask"] == 0)[:, None, None, :]
        for index in range(self.layers):
            hidden = self._layer(weights, f"{self.names.layers}.{index}.", hidden, hide)
            stages[f"layer.{index}"] = hidden
        pooled = self.squash(_linear(weights, self.names.pooler, hidden[:, 0]))
        stages["logits"] = _linear(weights, "classifier", pooled)
        return stages

    def logits(self, weights: Weights, batch: Mapping[str, Tensor]) -> Tensor:
        """Logits, (rows, labels); see `stages`."""
        return self.stages(weights, batch)["logits"]

    def _embed(self, weights: Weights, batch: Mapping[str, Tensor]) -> Tensor:
        """Sum of token, position and token type embeddings, normalized."""
        ids, table = batch["input_ids"], f"{self.names.prefix}embeddings."
        embedded = weights[f"{table}word_embeddings.weight"][ids]
        embedded = embedded + weights[f"{table}position_embeddings.weight"][: ids.shape[1]]
        types = f"{table}token_type_embeddings.weight"
        if types in weights:
            embedded = embedded + weights[types][batch.get("token_type_ids", torch.zeros_like(ids))]
        return self._normalize(weights, f"{table}LayerNorm", embedded)

    def _layer(self, weights: Weights, at: str, hidden: Tensor, hide: Tensor) -> Tensor:
        """Self-attention and feed-forward, each added and normalized."""
        names = self.names
        rows, width, features = hidden.shape

        def heads(name: str) -> Tensor:
            split = _linear(weights, at + name, hidden).reshape(rows, width, self.heads, -1)
            return split.transpose(1, 2)

        query, key, value = heads(names.query), heads(names.key), heads(names.value)
        scores = query @ key.transpose(-1, -2) / math.sqrt(features // self.heads)
        attention = _softmax(torch.where(hide, -math.inf, scores))
        mixed = (attention @ value).transpose(1, 2).reshape(rows, width, features)
        attended = _linear(weights, at + names.attended, mixed)
        hidden = self._normalize(weights, at + names.attended_norm, hidden + attended)
        spread = _gelu(_linear(weights, at + names.up, hidden))
        return self._normalize(
            weights, at + names.norm, hidden + _linear(weights, at + names.down, spread)
        )

    def _normalize(self, weights: Weights, at: str, values: Tensor) -> Tensor:
        """LayerNorm (Ba et al. 2016)."""
        centred = values - values.mean(dim=-1, keepdim=True)
        deviation = (centred.square().mean(dim=-1, keepdim=True) + self.epsilon).sqrt()
        return centred / deviation * weights[f"{at}.weight"] + weights[f"{at}.bias"]


def _linear(weights: Weights, at: str, values: Tensor) -> Tensor:
    """X Wᵀ + b."""
    return values @ weights[f"{at}.weight"].T + weights[f"{at}.bias"]


def _softmax(scores: Tensor) -> Tensor:
    """exp(x) / sum(exp(x)) over the last dimension."""
    powers = (scores - scores.max(dim=-1, keepdim=True).values).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def _gelu(values: Tensor) -> Tensor:
    """X Φ(x) (Hendrycks and Gimpel 2016)."""
    return values * 0.5 * (1 + torch.erf(values / math.sqrt(2)))


def _relu(values: Tensor) -> Tensor:
    """max(x, 0)."""
    return values.clamp(min=0)
