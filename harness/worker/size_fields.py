"""Size fields of a configuration: what is cut, and to what, so that a model of its kind is tiny.

Names are those that transformers' configurations use. Ratios stay valid: heads divide the width,
groups of queries divide the heads, and lists that have a value a layer have one for each that is
left. What no name here covers stays as it is.
"""

from collections.abc import Mapping
from typing import Any

WIDTH, HEADS, LAYERS, POSITIONS = 64, 2, 2, 128

_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim", "pooler_hidden_size", "emb_dim")
_EMBEDDED = ("embedding_size", "word_embed_proj_dim")
_HEADS = (
    *("num_attention_heads", "n_head", "n_heads", "num_heads"),
    *("encoder_attention_heads", "decoder_attention_heads"),
)
_GROUPS = ("num_key_value_heads", "num_kv_heads", "multi_query_group_num")
_OF_A_HEAD = ("head_dim", "d_kv", "kv_channels", "attention_head_size", "d_head", "rotary_dim")
_INNER = (
    *("intermediate_size", "ffn_dim", "d_ff", "hidden_dim", "n_inner", "d_inner"),
    *("encoder_ffn_dim", "decoder_ffn_dim", "ffn_hidden_size"),
)
_LAYERS = (
    *("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers"),
    *("encoder_layers", "decoder_layers", "max_window_layers", "num_encoder_layers"),
)
_MOST = {
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), WIDTH // 2),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "num_selected_experts"), 2),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx"), POSITIONS),
    **dict.fromkeys(("position_buckets", "sliding_window", "local_attention"), POSITIONS // 4),
}
"""Fields that are cut to a number by themselves."""


def cut(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration's fields that are larger than need be, with what they become.

    Args:
        values: of the configuration; a nested one is cut likewise.
    """
    smaller: dict[str, Any] = {}
    smaller |= _narrowed(values)
    layers = _first(values, _LAYERS)
    for name in _LAYERS:
        if _count(values.get(name)) > LAYERS:
            smaller[name] = LAYERS
    for name, most in _MOST.items():
        if _count(values.get(name)) > most:
            smaller[name] = most
    for name, value in values.items():
        if isinstance(value, Mapping):
            nested = cut(value)
            if nested:
                smaller[name] = {**value, **nested}
        elif isinstance(value, list | tuple) and len(value) == layers > LAYERS:
            smaller[name] = _represented(value)
    return smaller


def _narrowed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that go with the width, where that is more than need be."""
    width, heads = _first(values, _WIDTHS), _first(values, _HEADS)
    if width <= WIDTH:
        return {}
    smaller: dict[str, Any] = {name: WIDTH for name in _WIDTHS if _count(values.get(name))}
    smaller |= {
        name: WIDTH if values[name] >= width else WIDTH // 2
        for name in _EMBEDDED
        if _count(values.get(name))
    }
    smaller |= {name: HEADS for name in _HEADS if _count(values.get(name))}
    smaller |= {
        name: HEADS if values[name] == heads else 1 for name in _GROUPS if _count(values.get(name))
    }
    smaller |= {name: WIDTH // HEADS for name in _OF_A_HEAD if _count(values.get(name))}
    return smaller | {name: 2 * WIDTH for name in _INNER if _count(values.get(name)) > 2 * WIDTH}


def _represented(values: list[Any] | tuple[Any, ...]) -> list[Any]:
    """A value for each layer that is left: one of each kind, as far as there is room."""
    kinds = [value for index, value in enumerate(values) if value not in values[:index]]
    return (kinds * LAYERS)[:LAYERS]


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """The first of some fields that is a count; 0 if none is."""
    return next((count for name in names if (count := _count(values.get(name)))), 0)


def _count(value: Any) -> int:
    """A value that is a positive whole number; 0 for any other."""
    return value if type(value) is int and value > 0 else 0
