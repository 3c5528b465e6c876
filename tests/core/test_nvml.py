"""NVML, called through a stand-in for the driver's library: there is no GPU here."""

import ctypes
from typing import Any

import pytest

from harness.core import nvml
from harness.core.nvml import Sampler


class Driver:
    """Answers as NVML does, for two devices."""

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802 - NVML's names
        """Two devices."""
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:  # noqa: N802 - as above
        """A handle is any pointer."""
        handle._obj.value = index + 1
        return 0

    def nvmlDeviceGetUUID(self, handle: Any, text: Any, size: int) -> int:  # noqa: N802 - as above
        """Of GPUs 1 and 2, and of the parts of the second, 20 and 21."""
        assert size >= 96
        kind = "GPU" if handle.value < 20 else "MIG"
        text.value = f"{kind}-ab{handle.value}-9".encode()
        return 0

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: Any, count: Any) -> int:  # noqa: N802 - as above
        """The second is divided."""
        count._obj.value = 3 if handle.value == 2 else 0
        return 0

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: Any, index: int, part: Any) -> int:  # noqa: N802 - as above
        """Into two of the three parts that it could have."""
        assert device.value == 2
        part._obj.value = 20 + index
        return 6 if index == 2 else 0

    def nvmlDeviceGetName(self, handle: Any, name: Any, size: int) -> int:  # noqa: N802 - as above
        """A name."""
        assert size >= 96
        name.value = f"GPU {handle.value - 1}".encode()
        return 0

    def nvmlSystemGetDriverVersion(self, version: Any, size: int) -> int:  # noqa: N802 - as above
        """A version."""
        assert size >= 80
        version.value = b"580.1"
        return 0

    def nvmlDeviceGetUtilizationRates(self, handle: Any, rates: Any) -> int:  # noqa: N802 - as above
        """Per cent."""
        assert handle.value == 1
        rates._obj.gpu = 93
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:  # noqa: N802 - as above
        """Bytes."""
        assert handle.value == 1
        assert ctypes.sizeof(memory._obj) == 24
        memory._obj.used = 5 << 30
        return 0

    def nvmlDeviceGetPowerUsage(self, handle: Any, power: Any) -> int:  # noqa: N802 - as above
        """Milliwatts."""
        assert handle.value == 1
        power._obj.value = 312_500
        return 0


def test_devices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and driver version are part of the environment."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert nvml.describe(Driver()) == {"devices": ["GPU 0", "GPU 1"], "driver": "580.1"}


@pytest.mark.parametrize(
    ("visible", "handles"),
    [
        (None, [1, 2]),
        ("", []),
        ("-1", []),
        ("1", [2]),
        ("1,0", [2, 1]),
        ("0,7,1", [1]),
        ("GPU-ab2-9", [2]),
        ("GPU-ab2, GPU-ab1", [2, 1]),
        ("GPU-ab", []),  # of two: CUDA takes neither
        ("GPU-none,0", []),
        ("MIG-ab21-9", [21]),
        ("MIG-ab2", []),
        ("MIG-ab22-9", []),
        ("MIG-GPU-ab2-9/1/0", [2]),
    ],
)
def test_visible_devices_are_cudas(visible: str | None, handles: list[int]) -> None:
    """CUDA_VISIBLE_DEVICES chooses and orders, by index or identifier, and ends at an invalid."""
    chosen = nvml.visible_handles(Driver(), visible)
    assert [handle.value for handle in chosen] == handles


def test_hidden_devices_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose devices are hidden has no accelerator."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert nvml.describe(Driver()) == {}


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
    """On the CPU nothing is called and no thread runs."""
    with Sampler(enabled=False) as sampler:
        pass
    assert sampler.samples == []
