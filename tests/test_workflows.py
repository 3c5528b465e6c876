"""The workflow files: what they run is what the commands take."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.settings import Settings

WORKFLOWS = sorted((Path(__file__).parent.parent / ".github" / "workflows").glob("*.yml"))


def commands(path: Path) -> list[str]:
    """Every shell command of a workflow."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    return [line.strip() for script in scripts for line in script.replace("\\\n", "").splitlines()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_options_exist(path: Path) -> None:
    """No workflow names an option, or a command, that is not there."""
    options = {flag for flag, _ in Settings.options()}
    asked = [re.match(r"(harness|pytest) ([\w-]+)?", line) for line in commands(path)]
    assert any(asked)
    for line, command in zip(commands(path), asked, strict=True):
        assert set(re.findall(r"--harness-[\w-]+", line)) <= options
        if command is None or command[1] == "pytest":
            continue
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", command[2], "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        for flag in re.findall(r" (--[\w-]+)", line):
            assert flag in done.stdout, f"harness {command[2]} has no {flag}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_scripts_are_a_shells(path: Path) -> None:
    """Every script parses."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    for script in (step["run"] for job in jobs for step in job["steps"] if "run" in step):
        plain = re.sub(r"\$\{\{.*?\}\}", "x", script)
        subprocess.run(["bash", "-n", "-c", plain], check=True)  # noqa: S607 - any bash
