"""The remote: a store that others share, at any address that fsspec knows.

    records/LABEL-RECIPE/ENVIRONMENT/ATTEMPT/SHA-256.zip    a packed folder, by its own digest
    sessions/NIGHT/SESSION/SHA-256.zip
    incoming/DAY-NAME                                       what is being uploaded

Nothing is ever changed or locked. An object is uploaded beside, then moved; whoever reads it holds
its bytes against its name, so a partial upload is no object. Two writers of one folder leave two
objects: readers take the first by name.
"""

import contextlib
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.core import digest, redaction
from harness.core.errors import StoreError, nearest
from harness.judge.store import sealed

_OBJECT = re.compile(r"/([0-9a-f]{64})\.zip$")
_USER = re.compile(r"(?<=://)[^/@\s]*@")
_PASSWORD = re.compile(r"://[^/@:]*:(?!\d+/)[^@]*@")
_STALE = timedelta(days=1)
"""No upload takes so long: whoever began one before has ended without finishing it."""


class Remote:
    """Sealed folders at an address."""

    def __init__(self, url: str) -> None:
        """Find the driver of an address; the network is not used yet.

        Raises:
            StoreError: it is none, its protocol is unknown, or the driver is not installed.
        """
        self.name = _public(url).partition("?")[0]
        """The address as it may be shown."""
        if "://" not in url:
            raise StoreError(
                f"{self.name!r} is no address of a shared store",
                fix="name one such as s3://bucket/folder, gs://bucket/folder or file:///folder",
            )
        if _PASSWORD.search(url):
            raise StoreError(
                "the address of the shared store holds a password",
                why="addresses are shown in lists of processes and in messages",
                fix="leave it to the driver: fsspec reads FSSPEC_PROTOCOL_PASSWORD, such as "
                "FSSPEC_SFTP_PASSWORD",
            )
        self._files, root = self._open(url)
        self._root = str(root).rstrip("/")

    def push(self, path: str, folder: Path) -> None:
        """Upload a sealed folder, whole or not at all.

        Raises:
            StoreError: it could not be uploaded.
            ValueError: the folder is not what was sealed.
            OSError: the folder cannot be read.
        """
        packed = sealed.pack(folder)
        name = f"{path}/{digest.of_bytes(packed)}.zip"
        incoming = f"incoming/{datetime.now(UTC):%Y-%m-%d}-{uuid.uuid4().hex}"
        with self._reaching():
            try:
                self._files.pipe_file(self._place(incoming), packed)
                self._files.mv(self._place(incoming), self._place(name))
            except BaseException:
                with contextlib.suppress(Exception):  # the first error tells more
                    self._files.rm_file(f"{self._root}/{incoming}")
                raise

    def pull(self, path: str) -> Mapping[str, bytes] | None:
        """The files of a sealed folder by name, None if there is none that is whole.

        Raises:
            StoreError: the address cannot be read.
        """
        for name in self._list(path):
            with self._reaching():
                try:
                    packed = self._files.cat_file(name)
                except FileNotFoundError:  # removed since it was listed
                    continue
            match = _OBJECT.search(name)
            if match is not None and digest.of_bytes(packed) == match[1]:
                with contextlib.suppress(ValueError):
                    return sealed.unpack(packed)
        return None

    def paths(self, kind: sealed.Kind) -> set[str]:
        """Where there are sealed folders of a kind.

        Raises:
            StoreError: the address cannot be read.
        """
        start = len(self._root) + 1
        paths = {_OBJECT.sub("", name[start:]) for name in self._list(kind) if _OBJECT.search(name)}
        return {path for path in paths if sealed.is_path(path)}

    def sweep(self) -> None:
        """Remove what was being uploaded a day ago, by a process that has ended since.

        Raises:
            StoreError: this could not be done.
        """
        oldest = f"incoming/{datetime.now(UTC) - _STALE:%Y-%m-%d}"
        for name in self._list("incoming"):
            if name[len(self._root) + 1 :] < oldest:
                with self._reaching(), contextlib.suppress(FileNotFoundError):
                    self._files.rm_file(name)

    def _list(self, folder: str) -> list[str]:
        """Every file below a folder, in order; none if there is no such folder."""
        with self._reaching():
            self._files.invalidate_cache()  # others write too
            try:
                return sorted(self._files.find(f"{self._root}/{folder}"))
            except FileNotFoundError:
                return []

    def _place(self, name: str) -> str:
        """Where an object is written."""
        whole = f"{self._root}/{name}"
        if whole.startswith("/"):  # buckets have no folders, and making one could make a bucket
            self._files.makedirs(whole.rpartition("/")[0], exist_ok=True)
        return whole

    def _open(self, url: str) -> tuple[Any, str]:
        """The driver of an address, and the path that it knows it by."""
        import fsspec
        from fsspec.core import split_protocol, url_to_fs

        protocol = str(split_protocol(url)[0]).split("::")[0]
        valid = fsspec.available_protocols()
        what = f"the shared store {self.name} cannot be opened"
        if protocol not in valid:
            hint = nearest(protocol, valid)
            raise StoreError(
                what,
                why=f"unknown protocol {protocol!r}"
                + (f": did you mean {hint!r}?" if hint else ""),
                fix=f"valid: {', '.join(sorted(valid))}",
            )
        try:
            files, root = url_to_fs(url)
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own
            raise StoreError(
                what,
                why=_message(error),
                fix="install what is missing, or name another --harness-remote",
            ) from None
        return files, root

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        """Say what a failed transfer means."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own
            raise StoreError(
                f"the shared store {self.name} cannot be reached",
                why=_message(error),
                fix="see to its address, credentials and network, or leave --harness-remote out",
            ) from None


def _message(error: Exception) -> str:
    """The message of a driver's error, less secrets."""
    return _public(f"{type(error).__name__}: {error}")


def _public(text: str) -> str:
    """A text in which no address names a user, and no known secret is left."""
    return redaction.text(_USER.sub("", text))
