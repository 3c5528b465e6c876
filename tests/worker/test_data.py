"""Data in the judged environment: what is tokenized is written where it is removed again."""

import pytest

from harness.core.errors import RunError
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from tests.conftest import Fault

NO_FOLDER = (
    "import datasets\n"
    "def refuse():\n"
    "    raise RuntimeError('a folder that outlives the worker')\n"
    "datasets.arrow_dataset.get_temporary_cache_files_directory = refuse\n"
)
"""A child of the zygote runs no exit handlers: temporary folders of `datasets` would stay."""


def test_no_folder_of_datasets_is_left(runner: Runner, small_cell: Cell, fault: Fault) -> None:
    """Neither a run, nor its answers to short questions, nor several processes need one."""
    assert runner.run_faulty(small_cell, fault(NO_FOLDER)).steps
    assert runner.try_faulty(small_cell, fault(NO_FOLDER), ()).answer("cached")
    with pytest.raises(RunError, match="a folder that outlives the worker"):
        runner.run_faulty(small_cell, fault(f"{NO_FOLDER}datasets.disable_caching()\n"))
