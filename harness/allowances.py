"""Allowances: differences that somebody has accepted, and why, in a file that is committed.

An allowance holds until its line is removed: every report shows it, and shows when nothing needs
it any more.
"""

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from harness import outlet, serial
from harness.errors import SpecError, StoreError
from harness.finding import AGAINST, Finding

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


def load(path: Path) -> tuple[Allowance, ...]:
    """The allowances that a file declares; none if there is no file.

    Raises:
        SpecError: the file makes no sense, or an allowance gives no reason.
    """
    if not path.is_file():
        return ()
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8")).get("allowed", [])
        found = tuple(serial.decode(Allowance, values) for values in declared)
    except (OSError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise SpecError(
            f"the allowances {path} cannot be read",
            why=str(error),
            fix="write [[allowed]] tables, each with id and because",
        ) from None
    for allowance in found:
        _check(allowance)
    return found


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
            text += f"\n[[allowed]]\nid = {json.dumps(name)}\nbecause = {json.dumps(because)}\n"
    try:
        outlet.write(path, text)
    except OSError as error:
        raise StoreError(f"{path} cannot be written", why=error.strerror or str(error)) from None


def apply(
    findings: Iterable[Finding], allowances: Sequence[Allowance]
) -> tuple[tuple[Finding, ...], tuple[Allowance, ...]]:
    """Findings, those allowed that speak against the candidate; and allowances nothing needs."""
    told, needed = [], set()
    for finding in findings:
        allowed = next((a for a in allowances if fnmatchcase(finding.id, a.id)), None)
        if allowed is not None and finding.standing in AGAINST:
            needed.add(allowed)
            words = "; ".join(
                part for part in (finding.words, f"because {allowed.because}") if part
            )
            told.append(replace(finding, standing="allowed", words=words))
        else:
            told.append(finding)
    return tuple(told), tuple(a for a in allowances if a not in needed)


def _check(allowance: Allowance) -> None:
    """Refuse an allowance without a reason."""
    if not allowance.because.strip():
        raise SpecError(
            f"nothing says why {allowance.id!r} is allowed",
            fix='add --because "…", or because = "…" in the file',
        )
