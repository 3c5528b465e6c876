"""Loops: who drives the steps. Each module holds one, with the same `run(setup, watch)`."""

from harness.errors import unknown

NAMES = ("trainer", "pytorch", "accelerate")


def check(name: str) -> None:
    """Refuse the name of a loop that does not exist.

    Raises:
        SpecError: the message names the nearest.
    """
    if name not in NAMES:
        raise unknown("loop", name, NAMES)
