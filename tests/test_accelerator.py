"""NVML, asked through a stand-in for the driver's library: there is no GPU here."""

import ctypes
from typing import Any

import pytest

from harness import accelerator
from harness.accelerator import Sampler


class Driver:
    """Answers as NVML does, for two devices."""

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802 - NVML's names
        """Two devices."""
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:  # noqa: N802
        """A handle is any pointer."""
        handle._obj.value = index + 1
        return 0

    def nvmlDeviceGetName(self, handle: Any, name: Any, size: int) -> int:  # noqa: N802
        """A name."""
        assert size >= 96
        name.value = f"GPU {handle.value - 1}".encode()
        return 0

    def nvmlSystemGetDriverVersion(self, version: Any, size: int) -> int:  # noqa: N802
        """A version."""
        assert size >= 80
        version.value = b"580.1"
        return 0

    def nvmlDeviceGetUtilizationRates(self, handle: Any, rates: Any) -> int:  # noqa: N802
        """Per cent."""
        assert handle.value == 1
        rates._obj.gpu = 93
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:  # noqa: N802
        """Bytes."""
        assert handle.value == 1
        assert ctypes.sizeof(memory._obj) == 24
        memory._obj.used = 5 << 30
        return 0

    def nvmlDeviceGetPowerUsage(self, handle: Any, power: Any) -> int:  # noqa: N802
        """Milliwatts."""
        assert handle.value == 1
        power._obj.value = 312_500
        return 0


def test_devices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and driver version are part of the environment."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert accelerator.describe(Driver()) == {"devices": ["GPU 0", "GPU 1"], "driver": "580.1"}


@pytest.mark.parametrize(
    ("visible", "indices"),
    [(None, [0, 1]), ("", []), ("-1", []), ("1", [1]), ("1,0", [1, 0]), ("0,7,1", [0])],
)
def test_visible_devices_are_cudas(visible: str | None, indices: list[int]) -> None:
    """CUDA_VISIBLE_DEVICES chooses and orders, and ends at the first invalid index."""
    assert accelerator.visible_indices(2, visible) == indices


def test_hidden_devices_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose devices are hidden has no accelerator."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert accelerator.describe(Driver()) == {}


def test_samples_have_units() -> None:
    """Per cent, bytes and watts; at least one sample even of a short block."""
    with Sampler(interval=0.001, nvml=Driver()) as sampler:
        pass
    first = sampler.samples[0]
    assert first["utilization"] == 93.0
    assert first["memory"] == 5 << 30
    assert first["power"] == 312.5
    assert first["seconds"] >= 0


def test_a_disabled_sampler_is_silent() -> None:
    """On the CPU nothing is asked and no thread runs."""
    with Sampler(enabled=False) as sampler:
        pass
    assert sampler.samples == []
