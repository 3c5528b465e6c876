"""The remote: stores share what is whole, whoever else writes, and say what went wrong."""

import contextlib
import hashlib
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from harness.core.errors import StoreError
from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from harness.judge.store import sealed
from harness.judge.store.local import Key, Store
from harness.judge.store.remote import Remote

KEY = Key(label="mrpc", recipe="a" * 64, environment="b" * 64)
PATH = f"records/{KEY.path}"
SESSION = "sessions/2026-10-06/one"


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address that nothing is stored at."""
    return f"{request.param}://{tmp_path / uuid.uuid4().hex}"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A sealed folder."""
    folder = tmp_path / "made"
    write(folder, "made")
    return folder


def write(folder: Path, text: str) -> None:
    """Make a sealed folder of one file."""
    folder.mkdir()
    (folder / "record.json").write_text(text, encoding="ascii")
    sealed.seal(folder)


def read(folder: Path) -> str:
    """The one file of a folder."""
    return (folder / "record.json").read_text(encoding="ascii")


def store(store: Store, text: str, key: Key = KEY) -> None:
    """Store a record of one file."""
    with store.staging(key) as folder:
        (folder / "record.json").write_text(text, encoding="ascii")


def objects(url: str) -> dict[str, Path]:
    """Every file at a `file://` address, by its name."""
    root = Path(url.removeprefix("file://"))
    return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}


def broken(*_: object, **__: object) -> None:
    """What a driver does when the network is down."""
    raise ConnectionError("sftp://someone@host/folder is unreachable")


def test_what_is_pushed_is_pulled(url: str, made: Path) -> None:
    """Byte for byte, by anyone who knows the address; what is not there is None."""
    assert Remote(url).pull(PATH) is None
    assert Remote(url).paths("records") == set()
    Remote(url).push(PATH, made)
    contents = Remote(url).pull(PATH)
    assert contents == {path.name: path.read_bytes() for path in made.iterdir()}
    assert Remote(url).paths("records") == {PATH}
    assert Remote(url).paths("sessions") == set()
    assert Remote(url).pull(PATH + "0") is None


def test_an_object_is_named_by_its_content(tmp_path: Path, made: Path) -> None:
    """One object in a folder named as the record's; nothing else is left."""
    url = f"file://{tmp_path / 'remote'}"
    Remote(url).push(PATH, made)
    Remote(url).push(PATH, made)
    ((name, path),) = objects(url).items()
    assert name == f"{PATH}/{hashlib.sha256(path.read_bytes()).hexdigest()}.zip"


def test_a_partial_upload_is_never_read(tmp_path: Path, made: Path) -> None:
    """However much of it is there; another writer's object lies beside it."""
    url = f"file://{tmp_path / 'remote'}"
    Remote(url).push(PATH, made)
    ((_, path),) = objects(url).items()
    whole = path.read_bytes()
    for length in range(0, len(whole), 5):
        path.write_bytes(whole[:length])
        assert Remote(url).pull(PATH) is None
    write(tmp_path / "other", "other")
    Remote(url).push(PATH, tmp_path / "other")
    contents = Remote(url).pull(PATH)
    assert contents is not None
    assert contents["record.json"] == b"other"


def test_two_writers_leave_two_objects(tmp_path: Path, made: Path) -> None:
    """Nobody waits, nothing is overwritten, and all readers agree."""
    url = f"file://{tmp_path / 'remote'}"
    write(tmp_path / "other", "other")
    Remote(url).push(PATH, made)
    Remote(url).push(PATH, tmp_path / "other")
    first, _ = sorted(objects(url))
    objects(url)[first].rename(tmp_path / "aside")
    second = Remote(url).pull(PATH)
    (tmp_path / "aside").rename(Path(url.removeprefix("file://")) / first)
    assert Remote(url).pull(PATH) not in (None, second)


def test_an_object_that_is_none_of_ours_is_left_out(tmp_path: Path) -> None:
    """Neither other files, nor a zip of another make, nor a place outside."""
    url = f"file://{tmp_path / 'remote'}"
    for folder in (PATH, "records/too/short", "records/a/b/c/d"):
        place = tmp_path / "remote" / folder
        place.mkdir(parents=True)
        (place / f"{hashlib.sha256(b'strange').hexdigest()}.zip").write_bytes(b"strange")
        (place / "README").write_text("hello", encoding="ascii")
    assert Remote(url).paths("records") == {PATH}
    assert Remote(url).pull(PATH) is None
    assert Store(tmp_path / "store", Remote(url)).fetch() == 0


def test_a_record_is_shared(url: str, tmp_path: Path) -> None:
    """What one store has published, another finds, and keeps: the remote may then be gone."""
    store(Store(tmp_path / "here", Remote(url)), "trained here")
    there = Store(tmp_path / "there", Remote(url))
    assert there.get(KEY, read) == "trained here"
    assert Store(tmp_path / "there").get(KEY, read) == "trained here"
    assert Store(tmp_path / "elsewhere").get(KEY, read) is None
    assert not list((tmp_path / "there" / "staging").iterdir())


def test_what_is_missing_is_shared_and_fetched(url: str, tmp_path: Path) -> None:
    """Records and sessions from before there was a remote, each once."""
    here = Store(tmp_path / "here")
    store(here, "trained")
    with here.seal(SESSION) as folder:
        (folder / "session.json").write_text("{}", encoding="ascii")
    shared = Store(tmp_path / "here", Remote(url))
    assert shared.share() == 2
    assert shared.share() == 0
    assert shared.fetch() == 0
    there = Store(tmp_path / "there", Remote(url))
    assert there.fetch() == 2
    assert there.fetch() == 0
    assert [*there.sealed("records"), *there.sealed("sessions")] == [PATH, SESSION]
    assert here.share() == here.fetch() == 0


def test_a_damaged_record_is_not_shared(url: str, tmp_path: Path) -> None:
    """Others get what is whole."""
    here = Store(tmp_path / "here", Remote(url))
    store(Store(tmp_path / "here"), "whole", KEY)
    store(Store(tmp_path / "here"), "damaged", Key(label="x", recipe="c" * 64, environment="d"))
    damaged = next(path for path in here.sealed("records") if "/x-" in path)
    (tmp_path / "here" / damaged / "record.json").write_text("", encoding="ascii")
    assert here.share() == 1
    assert Remote(url).paths("records") == {PATH}


def test_a_record_that_cannot_be_shared_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says so, names no user, and the next session shares it."""
    url = f"file://{tmp_path / 'remote'}"
    here = Store(tmp_path / "here", Remote(url))
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "mv", broken)
        with pytest.raises(StoreError, match=r"is stored, but not shared\n") as caught:
            store(here, "trained")
    assert "ConnectionError: sftp://host/folder is unreachable" in caught.value.text
    assert "the next session shares it" in caught.value.fix
    assert objects(url) == {}
    assert Store(tmp_path / "here").get(KEY, read) == "trained"
    assert Store(tmp_path / "here", Remote(url)).share() == 1
    assert Store(tmp_path / "there", Remote(url)).get(KEY, read) == "trained"


def test_a_remote_that_is_down_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A miss is not taken for an answer; what is here needs no remote."""
    url = f"file://{tmp_path / 'remote'}"
    here = Store(tmp_path / "here", Remote(url))
    store(here, "trained")
    monkeypatch.setattr(LocalFileSystem, "find", broken)
    assert here.get(KEY, read) == "trained"
    with pytest.raises(StoreError, match=r"cannot be reached\nConnectionError.*\nsee to its"):
        Store(tmp_path / "there", Remote(url)).get(KEY, read)


def test_what_killed_uploads_leave_is_removed(tmp_path: Path) -> None:
    """After a day; an upload under way stays."""
    incoming = tmp_path / "remote" / "incoming"
    incoming.mkdir(parents=True)
    now = datetime.now(UTC)
    for days in range(4):
        name = f"{now - timedelta(days=days):%Y-%m-%d}-{days}"
        (incoming / name).write_text("half", encoding="ascii")
    Store(tmp_path / "store", Remote(f"file://{tmp_path / 'remote'}")).share()
    assert sorted(path.name[-1] for path in incoming.iterdir()) == ["0", "1"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/folder", r"'/folder' is no address of a shared store\nname one such as s3://"),
        ("s3:/bucket/folder", "is no address"),
        ("sftpp://u@host/x", r"store sftpp://host/x cannot .*\nunknown protocol 'sftpp': did you"),
        ("ftp://user:secret@host/x", r"holds a password\n.*\nleave it .* FSSPEC_SFTP_PASSWORD"),
        ("ftp://user:se/cret@host/x", "holds a password"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(url: str, message: str) -> None:
    """When the store is opened; what is wrong, what to do, and no secret."""
    with pytest.raises(StoreError, match=message) as caught:
        Remote(url)
    assert "cret" not in caught.value.text
    assert "u@" not in caught.value.text


def test_a_refused_remote_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's folder is made once the stores are open."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for remote, left in (("nowhere", 0), (None, 1)):
        with contextlib.suppress(StoreError):
            Runner(settings=Settings(store=tmp_path / "store", remote=remote), session="x")
        assert len([*tmp_path.glob("harness-*")]) == left


def test_a_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's package is named."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(StoreError, match=r"s3://bucket/x cannot be opened\n.*s3fs.*\ninstall"):
        Remote("s3://bucket/x")


def test_ports_and_queries_are_no_passwords() -> None:
    """An address with a port is one; what follows a question mark is not shown."""
    assert Remote("memory://host:22/a@b").name == "memory://host:22/a@b"
    assert Remote("memory://host/folder?signature=abcdef").name == "memory://host/folder"


def test_listings_are_never_remembered(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers keep what they listed; others have written since."""
    remote = Remote(f"memory://{uuid.uuid4().hex}")
    calls = []
    memory: Any = type(fsspec.filesystem("memory"))
    monkeypatch.setattr(memory, "invalidate_cache", lambda *_: calls.append(1))
    assert remote.pull(PATH) is None
    remote.push(PATH, made)
    assert remote.pull(PATH) is not None
    assert len(calls) >= 2


def test_a_runner_trains_nothing_that_another_has_shared(
    runner: Runner, small_record: Record, small_cell: Cell, tmp_path: Path
) -> None:
    """Two runners with stores of their own and one remote."""
    url = f"file://{tmp_path / 'remote'}"
    assert Store(runner.settings.store, Remote(url)).share() >= 1
    settings = Settings(store=tmp_path / "there", remote=url, stored=True)
    other = Runner(settings=settings, session=uuid.uuid4().hex)
    result = other.run(small_cell)
    other.close()
    assert not result.trained
    assert result.record.steps == small_record.steps
