"""Another repository installs this project's wheel and keeps suites of its own."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests import uv
from tests.conftest import SMALL_SUITE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    return uv.wheel(tmp_path_factory.mktemp("wheel"))


def test_wheel_brings_the_fixtures_and_nothing_loose(wheel: Path) -> None:
    """Embedded data travels inside the package; suites, tests and reports do not travel."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "harness/fixtures/datasets/mrpc/train.parquet" in names
    assert "harness/fixtures/models/bert-base-uncased/model.safetensors" in names
    assert "harness/judge/suite/explanations.toml" in names
    assert "harness/py.typed" in names
    top = {name.partition("/")[0] for name in names}
    assert top == {"harness", next(name for name in top if name.endswith(".dist-info"))}


def test_another_repository_keeps_its_own_suites(wheel: Path, tmp_path: Path) -> None:
    """After `pip install`, pytest finds the plugin by its entry point, and cells train."""
    constraints = ["-c", str(uv.ROOT / "constraints.txt")]
    python = uv.environment(tmp_path / "venv", str(wheel), *constraints)
    repository = tmp_path / "theirs"
    (repository / "suites").mkdir(parents=True)
    (repository / "suites" / "test_small.py").write_text(SMALL_SUITE, encoding="utf-8")
    (repository / "pyproject.toml").write_text("[tool.harness]\nscale = 'tiny'\n")
    done = subprocess.run(
        [python, "-m", "pytest", "suites", "-q", "-m", "not trials"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "glue/mrpc" in done.stdout
    assert (repository / "reports" / "session.md").is_file()
