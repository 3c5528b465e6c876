"""What a gate costs whose cells train bit-equal, beside a session of the same suites.

    python -m tests.benchmarks.gate_cost [--suites suites/] [--change tqdm==4.67.1]

Times, in a clean clone: the suites with nothing stored; a gate with nothing stored, so that both
sides train; and a gate that has the session's records, so that the candidate alone trains. Prints
the seconds of each, and the gates' over the session's. The change is of a package that computes
nothing; the first gate makes the environment that has it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import repositories, uv

SETTING = {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}


def seconds(clone: Path, *arguments: str) -> float:
    """How long a module's command takes in a clone.

    Raises:
        SystemExit: it fails.
    """
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=clone,
        env=os.environ | SETTING,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])
    return time.perf_counter() - started


def main() -> None:
    """Time one session and two gates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", default="suites/")
    parser.add_argument("--change", default="tqdm==4.67.1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = repositories.clone(Path(folder) / "clone")
        made = [f"--environments={folder}/environments", *uv.links()]
        gate = ["harness.judge.cli", "gate", options.change, "--correctness-only", *made]
        gate += ["--suites", options.suites]
        session = seconds(clone, "pytest", options.suites, f"--harness-store={folder}/known")
        both = seconds(clone, *gate, f"--store={folder}/empty")
        candidate = seconds(clone, *gate, f"--store={folder}/known")
    for name, value in {"nothing stored": both, "the base stored": candidate}.items():
        sys.stdout.write(f"a gate with {name}: {value:.0f} s, {value / session:.2f} sessions\n")
    sys.stdout.write(f"a session with nothing stored: {session:.0f} s\n")


if __name__ == "__main__":
    main()
