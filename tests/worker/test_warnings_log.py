"""Notices: what a run's warnings say, alike in every run that raises them."""

import warnings

from harness.worker.warnings_log import Notices


def test_a_warning_does_not_name_its_process() -> None:
    """Two runs that raise the same warning leave the same text: a gate sees no difference."""
    fork = "This process (pid={}) is multi-threaded, use of fork() may lead to deadlocks."
    texts = []
    for process in (4711, 4712):
        with Notices() as notices:
            warnings.warn(fork.format(process), DeprecationWarning, stacklevel=1)
        texts.append([*notices.texts])
    assert texts[0] == texts[1] == [f"DeprecationWarning: {fork.format('…')}"]
