"""Peft methods: what adapters of each kind change, beside which parameters a model has."""

from collections.abc import Mapping
from typing import Any

from harness.core.trainer_arguments import Effect

PROMPTS = frozenset(
    {
        *("ADAPTION_PROMPT", "CARTRIDGE", "CPT", "MULTITASK_PROMPT_TUNING"),
        *("PREFIX_TUNING", "PROMPT_TUNING", "P_TUNING"),
    }
)
"""Those that put learnt tokens before a row's own."""

DEFAULT = "LORA"


def effects_of(options: Mapping[str, Any]) -> frozenset[Effect]:
    """What adapters change for an invariant that knows nothing of them."""
    prompts = options.get("peft_type", DEFAULT) in PROMPTS
    return frozenset({"parameters", "tokens"} if prompts else {"parameters"})
