"""The clock: wall time that counts what a device was given and has not done yet."""

import time

import torch


def synchronized(device: str) -> float:
    """The time in seconds, once the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
