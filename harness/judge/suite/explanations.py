"""Explanations: what each invariant holds, why, what usually breaks it, and what to do then.

Declared in `explanations.toml`; an entry's id is the name of its test. `harness explain`, the
page `docs/invariants.md` and the messages of a session are made of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.judge.document import Document
from harness.judge.suite import known_issues

SOURCE = Path(__file__).with_name("explanations.toml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What is known of one invariant.

    Attributes:
        why: it is worth holding.
        causes: that usually break it.
        action: that helps then.
    """

    why: str
    causes: str
    action: str


@cache
def load(path: Path = SOURCE) -> Mapping[str, Explanation]:
    """Every explanation of a file by its invariant.

    Raises:
        SpecError: a part of one is missing.
    """
    entries: Mapping[str, Explanation] = Document.read(path, optional=False).decode(
        Mapping[str, Explanation]
    )
    return entries


def command(invariant: str) -> str:
    """What prints the explanation of an invariant."""
    return f"harness explain {invariant}"


def statement(invariant: str) -> str:
    """What an invariant holds: its docstring without line breaks."""
    from harness.judge.suite.base import Benchmark, Suite  # a session without suites needs none

    kind = Suite if hasattr(Suite, invariant) else Benchmark
    return " ".join((getattr(kind, invariant).__doc__ or "").split())


def lines(invariant: str) -> Iterator[str]:
    """An entry for a terminal, with the known issues that show in it."""
    explanation = load()[invariant]
    yield f"{invariant}: {statement(invariant)}"
    yield f"  why it exists: {explanation.why}"
    yield f"  what usually breaks it: {explanation.causes}"
    yield f"  what to do: {explanation.action}"
    for issue in known_issues.load(known_issues.OURS):
        if invariant in issue.invariants:
            yield f"  known issue: {issue.reason}. {issue.advice}"
