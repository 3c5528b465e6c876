# /// script
# dependencies = ["nox>=2025.10.14"]
# ///
"""The tests on every supported Python that is at hand: `nox -f .ci/noxfile.py`.

One that is not is skipped, and named; none is fetched.
"""

from pathlib import Path

import nox

ROOT = Path(__file__).parent.parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")

nox.options.download_python = "never"
nox.options.envdir = str(ROOT / ".nox")
nox.options.error_on_missing_interpreters = False


@nox.session(python=nox.project.python_versions(PROJECT))
def tests(session: nox.Session) -> None:
    """Run what needs no package index, with the versions that are pinned; `-- -k NAME` chooses."""
    session.chdir(ROOT)
    session.install("-c", "constraints.txt", "-e", ".[test]")
    chosen = session.posargs or ["-n", "2", "--dist", "loadfile"]
    session.run("pytest", "tests/", "-m", "not network", *chosen)
