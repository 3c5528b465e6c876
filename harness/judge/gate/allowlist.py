"""Allowances: differences that somebody has accepted, and why, in a file that is committed.

An allowance holds until its line is removed: every report shows it, and shows when nothing needs
it any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from harness.core.errors import MisfitError, SpecError, StoreError
from harness.judge import outlet
from harness.judge.document import Document, quoted
from harness.judge.finding import AGAINST, Finding

NAME = "allowed.toml"
_HEADER = (
    "# Differences that `harness gate` lets pass, each with the reason. Remove what is over.\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """An accepted difference.

    Attributes:
        id: of findings, as the gate prints it; `*` stands for anything.
        because: why it is accepted.
    """

    id: str
    because: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """What the file holds."""

    allowed: tuple[Allowance, ...] = ()


def load(path: Path) -> tuple[Allowance, ...]:
    """The allowances that a file declares; none if there is no file.

    Raises:
        SpecError: the file makes no sense, or an allowance gives no reason.
    """
    document = Document.read(path)
    allowances: tuple[Allowance, ...] = document.decode(_File).allowed
    for index, allowance in enumerate(allowances):
        try:
            _check(allowance)
        except SpecError as error:
            misfit = MisfitError(error.what, fix=error.fix, place=("allowed", index))
            raise document.wrong(misfit) from None
    return allowances


def add(path: Path, ids: Iterable[str], because: str) -> None:
    """Append allowances to a file, which is made if it is not there.

    Raises:
        SpecError: there is no reason.
        StoreError: the file cannot be written.
    """
    known = {allowance.id for allowance in load(path)}
    text = path.read_text(encoding="utf-8") if path.is_file() else _HEADER
    for name in ids:
        _check(Allowance(id=name, because=because))
        if name not in known:
            text += f"\n[[allowed]]\nid = {quoted(name)}\nbecause = {quoted(because)}\n"
    try:
        outlet.write(path, text)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{path} cannot be written", why=why) from None


def apply(
    findings: Iterable[Finding], allowances: Sequence[Allowance]
) -> tuple[tuple[Finding, ...], tuple[Allowance, ...]]:
    """Findings, those allowed that speak against the candidate; and allowances nothing needs."""
    judged, needed = [], set()
    for finding in findings:
        allowed = next((a for a in allowances if fnmatchcase(finding.id, a.id)), None)
        if allowed is not None and finding.standing in AGAINST:
            needed.add(allowed)
            message = "; ".join(
                part for part in (finding.message, f"because {allowed.because}") if part
            )
            judged.append(replace(finding, standing="allowed", message=message))
        else:
            judged.append(finding)
    return tuple(judged), tuple(a for a in allowances if a not in needed)


def _check(allowance: Allowance) -> None:
    """Refuse an allowance without a reason."""
    if not allowance.because.strip():
        raise SpecError(
            f"nothing says why {allowance.id!r} is allowed",
            fix='add --because "…", or because = "…" in the file',
        )
