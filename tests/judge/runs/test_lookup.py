"""A look-up: a snapshot that holds no weights is no whole model, wherever it lies."""

from pathlib import Path

import pytest

from harness.judge.runs.lookup import Lookup, from_cache, from_hub, steps


@pytest.mark.parametrize(("whole", "held"), [(True, False), (False, True)])
def test_a_description_in_the_cache_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, whole: bool, held: bool
) -> None:
    """A tiny session has taken the configuration alone: a full one goes on to the Hub."""
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    folder, where = from_cache(Lookup.of_own("owner/name", None, whole=whole))
    assert (folder == tmp_path) is held
    assert ("no weights" in where) is not held


def test_the_cache_is_read_offline() -> None:
    """Nobody goes to the Hub who must not, and everybody may read what is there."""
    assert steps(hub=False) == (from_cache,)
    assert steps(hub=True) == (from_cache, from_hub)
