"""The workflow files: what they run is what the commands take."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.judge.settings import Settings
from tests import uv
from tests.repositories import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def commands(path: Path) -> list[str]:
    """Every shell command of a workflow."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    return [line.strip() for script in scripts for line in script.replace("\\\n", "").splitlines()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_options_exist(path: Path) -> None:
    """No workflow names an option, or a command, that is not there."""
    options = {flag for flag, _ in Settings.options()}
    matches = [re.match(r"(harness|pytest) ([\w-]+)?", line) for line in commands(path)]
    assert any(matches)
    for line, command in zip(commands(path), matches, strict=True):
        assert set(re.findall(r"--harness-[\w-]+", line)) <= options
        if command is None or command[1] == "pytest":
            continue
        done = subprocess.run(
            [sys.executable, "-m", "harness.judge.cli", command[2], "--help"],
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


def test_releases_are_tried_on_every_python() -> None:
    """That the project says it supports."""
    (path,) = (path for path in WORKFLOWS if path.stem == "releases")
    (job,) = parsed(path.read_text(encoding="utf-8"))["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == uv.supported()


RUNS = re.compile(r"^\s*(harness|pip|pytest|python|uv)\b", re.MULTILINE)
"""Lines of a script that run packages."""


def unsafe(workflow: dict[str, Any]) -> Iterator[str]:
    """What gives a token to packages, or whoever opens a pull request a shell."""
    if not isinstance(workflow.get("permissions"), dict):
        yield "permissions are not listed one by one"
    for job in workflow["jobs"].values():
        if "TOKEN" in str([workflow.get("env"), job.get("env")]).upper():
            yield "every step has a token"
        for step in job["steps"]:
            name, script = step.get("name", step.get("uses")), step.get("run", "")
            if "${{" in script:
                yield f"{name}: a script is made of what others write"
            if "checkout" in step.get("uses", ""):
                if step.get("with", {}).get("persist-credentials") is not False:
                    yield f"{name}: leaves its token in the folder"
            elif "token" in str(step.get("env")) and RUNS.search(script):
                yield f"{name}: packages run with a token"


def parsed(text: str) -> dict[str, Any]:
    """A workflow."""
    workflow: dict[str, Any] = yaml.safe_load(text)
    return workflow


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_token_is_near_packages(path: Path) -> None:
    """What is installed and judged never sees the workflow's token."""
    assert list(unsafe(parsed(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("gate", "persist-credentials: false", "clean: true"),
        ("gate", "$BASE", "${{ github.head_ref }}"),
        ("gate", "BASE: ${{ github.event.pull_request.base.sha }}", "T: ${{ github.token }}"),
        ("nightly", "env:\n  PIP", "env:\n  T: ${{ github.token }}\n  PIP"),
        ("nightly", "SCALE: ${{ vars.NIGHTLY_SCALE || 'tiny' }}", "T: ${{ secrets.token }}"),
        ("nightly", "permissions:\n  actions: read\n", "permissions: write-all\nother:\n"),
    ],
)
def test_a_token_near_packages_is_noticed(name: str, old: str, new: str) -> None:
    """Each rule fails where it is broken."""
    (path,) = (path for path in WORKFLOWS if path.stem == name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    assert len(list(unsafe(parsed(text.replace(old, new, 1))))) == 1
