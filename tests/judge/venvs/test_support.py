"""Support: what cannot be judged is refused at once, with the reason."""

from pathlib import Path

import pytest

from harness.core.errors import InterpreterError
from harness.judge.venvs import support
from tests import pretended, wheels
from tests.conftest import SMALL_SUITE


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("transformers", "4.30.0", "transformers 4.30.0 is too old"),
        ("transformers", "6.0.1", "transformers 6.0.1 is too new"),
        ("torch", "2.5.1+cpu", "torch 2.5.1+cpu is too old"),
        ("huggingface-hub", "0.20.0", "huggingface-hub 0.20.0 is too old"),
    ],
)
def test_a_version_outside_our_requirements_is_refused(
    package: str, version: str, message: str
) -> None:
    """The range is that of our own requirements, and the message has it."""
    with pytest.raises(InterpreterError, match="or newer") as caught:
        support.check({**pretended.VERSIONS, package: version}, "the candidate")
    assert message in caught.value.what


@pytest.mark.parametrize("version", ["4.57.6", "5.25.0.dev0", "5.0.0rc1", "nobody's business"])
def test_a_version_within_our_requirements_is_judged(version: str) -> None:
    """Pre-releases too, and what has no order."""
    support.check({**pretended.VERSIONS, "transformers": version}, "the candidate")


@pytest.mark.parametrize(
    ("versions", "sources", "message"),
    [
        ({"transformers": "4.30.0"}, {}, "transformers 4.30.0 is too old"),
        (
            {},
            {"transformers": "raise ImportError('pyarrow requires NumPy 2.0')"},
            "cannot import what is to be judged: ImportError: pyarrow requires NumPy 2.0",
        ),
    ],
)
def test_what_cannot_be_judged_is_said_once(
    pytester: pytest.Pytester,
    tmp_path: Path,
    versions: dict[str, str],
    sources: dict[str, str],
    message: str,
) -> None:
    """A gate ends with 3 before a suite has run, and says why in its first line."""
    python = pretended.interpreter(tmp_path / "venv", {**pretended.VERSIONS, **versions}, sources)
    pytester.makepyfile(test_small=SMALL_SUITE)
    arguments = ["--suites", "test_small.py", "--candidate-python", str(python)]
    answer = pytester.run("harness", "gate", *arguments)
    assert answer.ret == 3
    lines = answer.errlines
    assert next(line for line in lines if message in line).startswith("harness: ")
    assert not any("running the suites" in line or "Traceback" in line for line in lines)


def test_a_release_that_cannot_be_judged_is_not_made(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What resolves to a version outside the range is refused before anything is installed."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    wheels.small(tmp_path / "wheels", "transformers", "4.30.0")
    base = pretended.interpreter(tmp_path / "venv")
    pytester.makepyfile(test_small=SMALL_SUITE)
    made = tmp_path / "environments"
    where = ["--environments", str(made), "--find-links", str(tmp_path / "wheels")]
    arguments = ["--base-python", str(base), "--suites", "test_small.py", *where]
    answer = pytester.run("harness", "gate", "transformers==4.30.0", *arguments)
    assert answer.ret == 3
    answer.stderr.fnmatch_lines(
        [
            "harness: the candidate cannot be judged: transformers 4.30.0 is too old",
            "this harness judges transformers 4.57 or newer, older than 6",
        ]
    )
    assert not made.exists()
