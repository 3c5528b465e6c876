"""NVIDIA accelerators, described through NVML with nothing but the standard library.

Importing torch to learn whether there is a GPU would cost seconds, and would touch CUDA before
the zygote forks.
"""

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

_NAME_BYTES = 96


class _Utilization(ctypes.Structure):
    """`nvmlUtilization_t`: per cent of the last sample period."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    """`nvmlMemory_t`: bytes."""

    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def load_nvml() -> Any:
    """The driver's NVML, initialized; None where there is no NVIDIA driver."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    return library if library.nvmlInit_v2() == 0 else None


def visible_handles(nvml: Any, visible: str | None) -> list[ctypes.c_void_p]:
    """Devices that `CUDA_VISIBLE_DEVICES` leaves; like CUDA, stops at the first invalid one."""
    count = ctypes.c_uint()
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    devices = []
    for index in range(count.value):
        devices.append(ctypes.c_void_p())
        nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(devices[-1]))
    if visible is None:
        return devices
    chosen: list[ctypes.c_void_p] = []
    for name in map(str.strip, visible.split(",")):
        by_index = name.isdecimal() and int(name) < len(devices)
        device = devices[int(name)] if by_index else _identified(nvml, devices, name)
        if device is None:
            break
        chosen.append(device)
    return chosen


def _identified(nvml: Any, devices: list[ctypes.c_void_p], name: str) -> ctypes.c_void_p | None:
    """The device whose identifier begins so: a GPU, or a part of one (MIG); None if not one does.

    Drivers before 470 name a part by its GPU, `MIG-GPU-…/1/0`: then that GPU stands for it.
    """
    if name.startswith("MIG-GPU-"):
        name = name.removeprefix("MIG-").partition("/")[0]
    elif name.startswith("MIG-"):
        devices = [part for device in devices for part in _parts(nvml, device)]
    elif not name.startswith("GPU-"):
        return None
    matching = [device for device in devices if _identifier(nvml, device).startswith(name)]
    return matching[0] if len(matching) == 1 else None


def _identifier(nvml: Any, device: ctypes.c_void_p) -> str:
    """A device's UUID, as `nvidia-smi -L` lists it."""
    identifier = ctypes.create_string_buffer(_NAME_BYTES)
    nvml.nvmlDeviceGetUUID(device, identifier, _NAME_BYTES)
    return identifier.value.decode()


def _parts(nvml: Any, device: ctypes.c_void_p) -> Iterator[ctypes.c_void_p]:
    """Parts that a GPU is divided into (MIG)."""
    most = ctypes.c_uint()
    nvml.nvmlDeviceGetMaxMigDeviceCount(device, ctypes.byref(most))
    for index in range(most.value):
        part = ctypes.c_void_p()
        if nvml.nvmlDeviceGetMigDeviceHandleByIndex(device, index, ctypes.byref(part)) == 0:
            yield part


def describe(nvml: Any = None) -> dict[str, Any]:
    """Names of the visible devices and the driver's version; empty without a driver."""
    nvml = nvml or load_nvml()
    if nvml is None:
        return {}
    names = []
    for device in visible_handles(nvml, os.environ.get("CUDA_VISIBLE_DEVICES")):
        name = ctypes.create_string_buffer(_NAME_BYTES)
        nvml.nvmlDeviceGetName(device, name, _NAME_BYTES)
        names.append(name.value.decode())
    driver = ctypes.create_string_buffer(_NAME_BYTES)
    nvml.nvmlSystemGetDriverVersion(driver, _NAME_BYTES)
    return {"devices": names, "driver": driver.value.decode()} if names else {}


@dataclass
class Sampler:
    """Samples utilization, memory and power of the first visible device while a block runs.

    Attributes:
        enabled: whether to sample at all.
        interval: seconds between samples.
        samples: `seconds` since the start, `utilization` (per cent), `memory` (bytes used on
            the device by everyone) and `power` (watts).
    """

    enabled: bool = True
    interval: float = 0.2
    nvml: Any = None
    samples: list[dict[str, float]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start, unless there is no NVML."""
        if self.enabled:
            self.nvml = self.nvml or load_nvml()
        if self.nvml is not None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop and wait for the last sample."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Sample until the block ends; at least once."""
        devices = visible_handles(self.nvml, os.environ.get("CUDA_VISIBLE_DEVICES"))
        if not devices:
            return
        handle = devices[0]
        start = time.perf_counter()
        while True:
            utilization, memory, power = _Utilization(), _Memory(), ctypes.c_uint()
            self.nvml.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(utilization))
            self.nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
            self.nvml.nvmlDeviceGetPowerUsage(handle, ctypes.byref(power))
            self.samples.append(
                {
                    "seconds": round(time.perf_counter() - start, 3),
                    "utilization": float(utilization.gpu),
                    "memory": float(memory.used),
                    "power": power.value / 1000,
                }
            )
            if self._stop.wait(self.interval):
                return
