"""Optimizers: the names that each loop knows."""

from harness.core.errors import unknown

OPTIMIZERS = {"adamw_torch": False, "adamw_torch_fused": True}
"""The optimizers of the loops without a Trainer, and whether each is fused."""

TRAINER_OPTIMIZERS = (
    *OPTIMIZERS,
    *("adafactor", "adagrad", "adalomo", "adamw_8bit", "adamw_anyprecision", "adamw_bnb_8bit"),
    *("adamw_torch_4bit", "adamw_torch_8bit", "adamw_torch_npu_fused", "adamw_torch_xla"),
    *("ademamix", "ademamix_8bit", "apollo_adamw", "apollo_adamw_layerwise"),
    *("galore_adafactor", "galore_adafactor_layerwise", "galore_adamw", "galore_adamw_8bit"),
    *("galore_adamw_8bit_layerwise", "galore_adamw_layerwise", "grokadamw", "lion_32bit"),
    *("lion_8bit", "lomo", "paged_adamw_32bit", "paged_adamw_8bit", "paged_ademamix_32bit"),
    *("paged_ademamix_8bit", "paged_lion_32bit", "paged_lion_8bit", "rmsprop", "rmsprop_bnb"),
    *("rmsprop_bnb_32bit", "rmsprop_bnb_8bit", "schedule_free_adamw", "schedule_free_radam"),
    *("schedule_free_sgd", "sgd", "stable_adamw"),
)
"""Those that the Trainer of the newest release knows; some need a package of their own."""


def check_optimizer(loop: str, name: str) -> None:
    """Refuse an optimizer that a loop does not know.

    Raises:
        SpecError: the message names the nearest.
    """
    valid = TRAINER_OPTIMIZERS if loop == "trainer" else tuple(OPTIMIZERS)
    if name not in valid:
        raise unknown(f"optim of the {loop} loop", name, valid)
