"""Environments: made by uv from exact pins, kept by content, and used again.

A change is resolved first: what is installed in the base stays as it is wherever the change
allows, so that what moved is what had to. An environment's name is the digest of its pins.
"""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import Version

from harness.core import digest, redaction
from harness.core.errors import ResolutionError, StoreError
from harness.judge.venvs import requirements
from harness.judge.venvs.distributions import Distribution, Site
from harness.judge.venvs.installer import Installer

OURS = "finetune-harness"
MANIFEST = "pins.json"
DAY = 86_400.0


def owns(python: Path) -> bool:
    """Whether an interpreter is that of an environment made here, and not a user's."""
    return (python.parent.parent / MANIFEST).is_file()


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An environment that is there to be used again.

    Attributes:
        folder: of the environment.
        pins: what is installed in it.
        used: when it was last needed, seconds since the epoch.
    """

    folder: Path
    pins: tuple[str, ...]
    used: float

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return _python(self.folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Environments:
    """Makes environments below a folder.

    Attributes:
        folder: that keeps them.
        installer: resolves and installs.
        givers: interpreters that distributions may be taken from, beside the base.
    """

    folder: Path
    installer: Installer = field(default_factory=Installer)
    givers: tuple[Path, ...] = ()

    def resolve(self, base: Path, changes: Sequence[str]) -> tuple[str, ...]:
        """Exact pins of everything in the base's environment, with no more changes than these need.

        Args:
            base: an interpreter.
            changes: lines of a file of requirements; see `harness.judge.venvs.requirements.line`.

        Raises:
            InterpreterError: the base does not say what it has.
            ResolutionError: there is no such set of packages, with the resolver's own message; or
                what nobody wants changed can be had from nowhere.
        """
        installed = installed_in(base)
        kept = [d for d in installed.values() if d.portable or not d.source]
        wanted = [d.name if d in kept else d.source for d in installed.values()]
        with tempfile.TemporaryDirectory() as described:
            for distribution in self._at_hand(base, installed).values():
                distribution.describe(Path(described))
            pins = self.installer.compile(
                [*wanted, *changes],
                *("--python", str(base), "--find-links", described),
                preferred=[d.pin for d in kept],
            )
        self._check_kept([d for d in kept if d.pin not in pins and not d.portable], base, changes)
        return pins

    def _check_kept(
        self, moved: Sequence[Distribution], base: Path, changes: Sequence[str]
    ) -> None:
        """Refuse to replace what is on no index, and cannot be taken along either.

        Raises:
            ResolutionError: there is such a distribution, and nobody wants it changed.
        """
        named = requirements.named(changes)
        for distribution in moved:
            if distribution.name in named:
                continue
            try:
                self.installer.compile([distribution.pin], "--no-deps")
            except ResolutionError:
                raise ResolutionError(
                    f"{distribution.name} {distribution.version} is at no index known here",
                    why=f"and it cannot be taken from {base}: it does not list its files, or they "
                    "work nowhere else",
                    fix="say where it is with --find-links or --index, or name it to change it",
                ) from None

    def make(self, base: Path, pins: Sequence[str], named: Collection[str] = ()) -> Path:
        """The interpreter of an environment with exactly these pins; made if it is not there.

        What is installed in the base is taken from there, edited files and all; but what was
        edited and is named is wanted as it was released.

        Args:
            base: an interpreter.
            pins: see `resolve`.
            named: packages that are wanted, by normalized name.

        Raises:
            InterpreterError: the base does not say what it has.
            ResolutionError: something cannot be installed; with uv's own message.
            StoreError: the folder cannot be written.
        """
        at_hand = self._at_hand(base, installed_in(base))
        taken = [at_hand[pin] for pin in pins if pin in at_hand]
        taken = [d for d in taken if d.name not in named or not d.edits]
        contents = [
            *map(requirements.content, filter(requirements.is_direct, pins)),
            *(f"{d.name} {d.content}" for d in taken),
        ]
        folder = self.folder / digest.of_json([str(base.resolve()), *pins, *contents])[:16]
        try:
            if not folder.is_dir():
                self._install(base, pins, taken, folder)
            with contextlib.suppress(PermissionError):  # others' environments are as good
                (folder / MANIFEST).touch()
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        return _python(folder)

    def _at_hand(
        self, base: Path, installed: Mapping[str, Distribution]
    ) -> dict[str, Distribution]:
        """Distributions that can be taken from interpreters, by pin; the base's come first."""
        known: dict[str, Distribution] = {}
        others = [installed_in(python) for python in self.givers if python != base]
        for distributions in (installed, *others):
            for distribution in distributions.values():
                if distribution.portable:
                    known.setdefault(distribution.pin, distribution)
        return known

    def releases(self, name: str, first: str, last: str) -> list[str]:
        """Releases of a package from one to another, whichever is newer, in that direction.

        Asked of the resolver one by one, so that indexes, dates and interpreters count as ever.
        """
        oldest, *newest = sorted({first, last}, key=Version)
        between: list[str] = []
        while newest:
            least, most = Version(oldest).public, Version((between or newest)[-1]).public
            wanted = f"{name}>={least},!={least},<{most}"  # a range takes no local versions
            try:
                (pin,) = self.installer.compile([wanted], "--no-deps")
            except ResolutionError:  # nothing more, or nothing at all: the ends are known
                break
            between.append(pin.partition("==")[2])
        releases = [oldest, *reversed(between), *newest]
        return releases if first == oldest else releases[::-1]

    def kept(self) -> list[Kept]:
        """Every environment that is there, the last used first."""
        return sorted(self._kept(), key=lambda kept: -kept.used)

    def prune(self, days: float) -> list[Kept]:
        """Remove environments that were not used for some days; those removed.

        So is what was left half made, which took no day.
        """
        now = time.time()
        old = [kept for kept in self._kept() if now - kept.used >= days * DAY]
        staged = (path for path in self.folder.glob(".*") if path.is_dir())
        left = [path for path in staged if now - path.stat().st_mtime >= max(days, 1) * DAY]
        try:
            for folder in (*left, *(kept.folder for kept in old)):
                shutil.rmtree(folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        return old

    def _kept(self) -> Iterator[Kept]:
        """Every environment that is there."""
        for manifest in self.folder.glob(f"*/{MANIFEST}"):
            try:
                pins = tuple(map(str, json.loads(manifest.read_text(encoding="utf-8"))))
            except (ValueError, TypeError):  # it can be pruned all the same
                pins = ()
            yield Kept(folder=manifest.parent, pins=pins, used=manifest.stat().st_mtime)

    def _install(
        self, base: Path, pins: Sequence[str], taken: Sequence[Distribution], folder: Path
    ) -> None:
        """Install pins beside, and rename into place; losing that race is success."""
        self.folder.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".", dir=self.folder))
        try:
            self.installer.venv(base, staged)
            site = Site.of(_python(staged))
            for distribution in taken:
                distribution.copy(site)
            missing = [pin for pin in pins if pin not in {d.pin for d in taken}]
            if missing:
                self.installer.install(missing, _python(staged))
            plain = [redaction.text(pin) for pin in pins]
            (staged / MANIFEST).write_text(json.dumps(plain), encoding="utf-8")
            staged.chmod(0o755)
            try:
                staged.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def installed_in(python: Path) -> dict[str, Distribution]:
    """Everything in an interpreter's environment but this project, by normalized name.

    Raises:
        InterpreterError: it does not say.
    """
    installed = Site.of(python).distributions()
    installed.pop(OURS, None)
    return installed


def _unwritable(folder: Path, error: OSError) -> StoreError:
    """The error for a folder that no environment can be made in."""
    return StoreError(
        f"no environment can be made in {folder}",
        why=error.strerror or str(error),
        fix="free or unlock the disk, or name another folder with --environments",
    )


def _python(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"
