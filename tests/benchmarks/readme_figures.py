"""The README's figures: `python -m tests.benchmarks.readme_figures` measures them and writes them.

Runs all suites in a clean clone, with nothing stored and then again, and puts into the README what
that printed: the session shown, line by line, and there and in `docs/figures.md` the seconds that
sentences name. Whatever else they say is left alone; a line that no session prints any more has to
be written anew.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests import documents, repositories

SENTENCES = {
    documents.README: (r"(?<=no network, in )[^:]+(?=:)", r"(?<=from the store in )[^;]+(?=;)"),
    repositories.ROOT / "docs" / "figures.md": (
        r"(?<=`pytest suites/` takes )[^,]+(?= with nothing stored)",
        r"(?<=nothing stored, and )[^.]+(?= from the store\.)",
    ),
}
"""Where documents name the seconds of the first session, and of the second."""

SETTING = {
    "COLUMNS": "80",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "PYTHONDONTWRITEBYTECODE": "",  # who has it set compiles every module again, a second in all
}
"""Variables as a reader of the README has them."""


def run(clone: Path) -> tuple[str, float]:
    """What a session prints, and the seconds that it takes."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites/"],
        cwd=clone,
        env=os.environ | SETTING,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout, time.perf_counter() - started


def shown(session: str, printed: str) -> str:
    """A session as it is shown, with the figures of the one that was printed."""
    others, lines = iter(printed.splitlines()), []
    for line in session.splitlines():
        if not documents.labels(line):
            lines.append(line)
            continue
        match = next((o for o in others if documents.labels(o) == documents.labels(line)), None)
        if match is None:
            raise SystemExit(
                f"no session prints this line of the README after those above:\n{line}"
            )
        lines.append(match)
    return "\n".join(lines) + "\n"


def timed(text: str, patterns: Sequence[str], seconds: Sequence[float]) -> str:
    """A document whose sentences name these seconds."""
    for pattern, value in zip(patterns, seconds, strict=True):
        text, count = re.subn(pattern, f"{value:.0f} seconds", text, count=1)
        if not count:
            raise SystemExit(f"no sentence is like {pattern}")
    return text


def main() -> None:
    """Measure, and write what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        clone = repositories.clone(Path(folder))
        (printed, cold), (_, warm) = run(clone), run(clone)
    session = documents.session()
    for path, patterns in SENTENCES.items():
        text = path.read_text(encoding="utf-8").replace(session, shown(session, printed))
        path.write_text(timed(text, patterns, (cold, warm)), encoding="utf-8")
    sys.stdout.write(f"{cold:.1f} s with nothing stored, {warm:.1f} s from the store\n")


if __name__ == "__main__":
    main()
