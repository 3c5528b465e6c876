"""How long it is from an empty folder to the first verdict on a file of one's own.

    python -m tests.benchmarks.first_verdict
    python -m tests.benchmarks.first_verdict data.csv --model microsoft/deberta-v3-small

Copies the file into an empty folder, or writes one of support tickets there, and types what
`harness init` says, without network and with an empty store. Prints every command, its seconds and
its last lines; ends with 1 if there is no verdict, or it took more than five minutes.
Installing is not counted.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST_SECONDS = 300.0

_PHRASES = {
    "shipping": ("parcel is late", "box was damaged", "tracking shows nothing", "never arrived"),
    "login": ("password is wrong", "locked out", "two factor fails", "cannot sign in"),
    "billing": ("charged twice", "invoice is missing", "refund please", "card was declined"),
}


def tickets(path: Path, rows: int = 600) -> None:
    """Write a file of support tickets, with what such files have: quotes, line breaks, emoji."""
    draw = random.Random(0)  # noqa: S311 - reproducible, and no secret
    lines = ["subject,body,queue"]
    for number in range(rows):
        queue = draw.choice(sorted(_PHRASES))
        subject, *body = draw.choices(_PHRASES[queue], k=draw.randint(2, 9))
        text = "\n".join(body) + f' "ticket" {number} 😀'
        quoted = text.replace('"', '""')
        lines.append(f'{subject},"{quoted}",{queue}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Type the commands, and tell the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--model", default="bert-base-uncased")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = options.data or folder / "tickets.csv"
        if options.data is None:
            tickets(data)
        else:
            shutil.copy(data, folder / data.name)
        started = time.perf_counter()
        output = _typed(folder, f"harness init {data.name} --model {options.model}")
        command = next(line.strip() for line in output.splitlines() if "  pytest " in line)
        verdict = _typed(folder, command)
        seconds = time.perf_counter() - started
    sys.stdout.write(f"2 commands, {seconds:.0f} s\n")
    measured = " passed" in verdict and "nothing was measured" not in verdict
    return 0 if measured and seconds <= MOST_SECONDS else 1


def _typed(folder: Path, command: str) -> str:
    """What a command prints in a folder, typed as it stands."""
    started = time.perf_counter()
    scripts = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-c", command],  # noqa: S607 - any bash
        cwd=folder,
        env={
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    shown = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-12:])
    sys.stdout.write(f"$ {command}\n{shown}\n{time.perf_counter() - started:.1f} s\n")
    if done.returncode not in {0, 1}:
        sys.stdout.write(done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
