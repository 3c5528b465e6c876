"""Adaptation: only adapters and the head train, both are saved, and merging changes nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.core.record import Record
from harness.core.record_parts import Parameter
from harness.judge import tolerances
from harness.judge.distance import compare, compare_names, require

_RESTING = {"VERA": ("vera_A", "vera_B"), "ADALORA": ("ranknum",)}
"""Ends of the names of adapters that a method leaves at rest: of others, all train."""

FILES = ("adapter_config.json", "adapter_model.safetensors")


class Adaptation:
    """A model whose own weights rest while adapters train."""

    def test_only_adapters_and_head_train(self, run: Record) -> None:
        """Adapters and the whole new head train and move; what was pretrained rests.

        Biases, and other modules, where the recipe's `bias` or `modules_to_save` says so.
        """
        options = _options(run)
        assert any(parameter.adapter for parameter in run.parameters), "there are no adapters"
        saved_modules = tuple(options.get("modules_to_save") or ())
        resting = _RESTING.get(str(options.get("peft_type", "LORA")), ())
        biases = options.get("bias", "none") != "none"
        for parameter in run.parameters:
            name = parameter.name
            new = name in run.newly_initialized or _within(name, saved_modules)
            if new or (parameter.adapter and not name.endswith(resting)):
                compare(f"{name}: trainable", [parameter.trainable], [True])
                compare(f"{name}: in a group of the optimizer", [parameter.group >= 0], [True])
                moved = [parameter.moved]
                require(f"{name}: moved by", moved, lambda size: size > 0, "more than 0")
            elif not (biases and name.endswith("bias")):
                _compare_resting(parameter)

    def test_saved_adapters_reload(self, run: Record) -> None:
        """Adapters and the whole new head are saved; on the checkpoint again, logits are equal."""
        _options(run)
        if not run.recipe.save_model:
            pytest.skip("the recipe saves no model")
        probed = run.answer("adapters")
        for name in FILES:
            compare(f"{name} is saved", [name in run.files], [True])
        compare("adapters are saved", [probed["saved_adapters"] > 0], [True])
        lost = [name for name in run.newly_initialized if name not in probed["saved"]]
        compare_names("new and not saved", lost, ())
        compare("largest difference of logits", [probed["reload"]], [0.0], 0.0)

    def test_merging_only_rounds(self, run: Record) -> None:
        """Merged into the weights, adapters give the same logits but for rounding."""
        _options(run)
        probed = run.answer("adapters")
        if probed["merged"] is None:
            pytest.skip("adapters of this kind are no part of a weight: they cannot be merged")
        require("logits moved by adapters", [probed["unmerged"]], lambda d: d > 0, "more than 0")
        limit = tolerances.MERGED
        merged = [probed["merged"]]
        require("difference of logits", merged, lambda d: d <= limit, f"at most {limit:g}")


def _options(run: Record) -> Mapping[str, Any]:
    """What the recipe says of adapters; a skip if it adds none."""
    if run.recipe.peft is None:
        pytest.skip("the recipe adds no adapters")
    return run.recipe.peft


def _within(name: str, modules: tuple[str, ...]) -> bool:
    """Whether a parameter is of one of some modules."""
    return any(module in name.split(".") for module in modules)


def _compare_resting(parameter: Parameter) -> None:
    """Hold that a parameter does not train, and has not changed."""
    compare(f"{parameter.name}: trainable", [parameter.trainable], [False])
    compare(f"{parameter.name}: moved by", [parameter.moved], [0.0], 0.0)
