"""Releases newer than the pins: do the suites hold with them? To be noticed here first.

Whatever is released tomorrow must not turn this project's tests red: it is run by
`pytest tests/test_releases.py -m network`, as a workflow does every day.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from harness.judge.plugin.state import by_mark
from tests import uv
from tests.repositories import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]


def versions(pins: str) -> dict[str, str]:
    """Versions by package, of a constraints file's text."""
    pairs = (line.split("==") for line in pins.splitlines() if "==" in line)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def newer(installed: list[dict[str, str]], pins: dict[str, str]) -> dict[str, str]:
    """What is installed in another version than the one pinned."""
    return {
        package["name"]: f"{pins[package['name']]} -> {package['version']}"
        for package in installed
        if package["name"] in pins and pins[package["name"]] != package["version"].split("+")[0]
    }


def test_what_moved_is_told() -> None:
    """Names are spelt in many ways, and a local version is the pinned one."""
    pins = versions("# tested\nTorch==2.13.0\nast_serialize==1.0\nmypy==2.4\n")
    installed = [
        {"name": "torch", "version": "2.13.0+cpu"},
        {"name": "ast-serialize", "version": "1.1"},
        {"name": "setuptools", "version": "1"},
    ]
    assert newer(installed, pins) == {"ast-serialize": "1.0 -> 1.1"}


def test_suites_hold_with_the_newest_releases(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """Of everything but torch, whose newest build may be one for an accelerator."""
    if not by_mark(pytestconfig, "network"):
        pytest.skip("tomorrow's releases are tried with -m network")
    python = uv.environment(tmp_path / "venv", f"-e{ROOT}[test]")
    listing = [*uv.UV, "pip", "list", "--quiet", "--format=json", "--python", str(python)]
    installed = json.loads(subprocess.run(listing, capture_output=True, check=True).stdout)
    moved = newer(installed, versions((ROOT / "constraints.txt").read_text(encoding="utf-8")))
    if not moved:
        pytest.skip("nothing is newer than what constraints.txt pins")
    judged = subprocess.run(
        [
            *(python, "-m", "pytest", "suites", "-q", "--harness-strict-known-issues"),
            *("-p", "no:cacheprovider", f"--harness-store={tmp_path / 'store'}"),
            f"--harness-reports={tmp_path / 'reports'}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    changes = "\n".join(f"{name}: {change}" for name, change in moved.items())
    assert judged.returncode == 0, f"{changes}\n{judged.stdout[-4000:]}\n{judged.stderr[-1000:]}"
