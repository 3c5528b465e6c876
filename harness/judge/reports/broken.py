"""What a session found broken: one cause, one entry, however many tests show it."""

from dataclasses import dataclass, field

from harness.judge.node_id import NodeId
from harness.judge.reports.rerun import Command
from harness.judge.session_parts import Outcome
from harness.judge.session_record import SessionRecord
from harness.judge.suite import explanations

_SHOWN = 3
"""Tests of one cause that a terminal names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A cause, and the tests that show it.

    Attributes:
        title: the invariant that does not hold, or why there was nothing to judge.
        expected: what should hold, in a sentence; or the rest of what is known of the loss.
        tests: the message of each test, by its id.
        lost: how many tests had nothing to judge.
    """

    title: str
    expected: str
    tests: dict[str, str] = field(default_factory=dict)
    lost: int = 0

    @property
    def cells(self) -> list[str]:
        """The cells that it broke, or the tests that are of no cell."""
        return list(dict.fromkeys(map(subject, self.tests)))

    @property
    def explanation(self) -> explanations.Explanation | None:
        """What is known of the invariant; nothing of a loss, or of a test of the user's."""
        return None if self.lost else explanations.load().get(self.title)

    @property
    def first(self) -> str:
        """The test to run again: it shows the cause by itself."""
        return next(iter(self.tests))


def broken(record: SessionRecord) -> list[Broken]:
    """Causes of a session's failures: what was lost first, then what does not hold."""
    lost: dict[str, Broken] = {}
    failed: dict[tuple[str, str], Broken] = {}
    for test, outcome in record.outcomes.items():
        if outcome.lost:
            lost[outcome.lost] = _with_loss(lost.get(outcome.lost), test, outcome)
        elif outcome.failed:
            name = NodeId.parse(test).test
            cause = failed.setdefault(
                (name, outcome.expected), Broken(title=name, expected=outcome.expected)
            )
            cause.tests[test] = outcome.message
    return [*lost.values(), *failed.values()]


def _with_loss(known: Broken | None, test: str, outcome: Outcome) -> Broken:
    """A loss and one more test that it left nothing to judge; those that show it are named."""
    tests = dict(known.tests) if known else {}
    expected = known.expected if known else ""
    if outcome.loss or not tests:  # whoever shows it may be a test of no suite
        tests[test] = ""
        expected = expected or outcome.loss.partition("\n")[2]
    return Broken(
        title=outcome.lost,
        expected=expected,
        tests=tests,
        lost=1 + (known.lost if known else 0),
    )


def lines(record: SessionRecord, command: Command) -> list[str]:
    """Each cause for a terminal: what broke, where, both values, and how to see it again."""
    shown: list[str] = []
    for cause in broken(record):
        cells = cause.cells
        many = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        if cause.lost:
            shown.append(f"LOST {many}, {cause.lost} tests: {cause.title}")
        else:
            shown.append(f"BROKEN in {many}: {cause.title}: {cause.expected}")
        for test, message in list(cause.tests.items())[:_SHOWN]:
            shown.append(f"    {subject(test)}{': ' if message else ''}{message}")
        if len(cause.tests) > _SHOWN:
            shown.append(f"    … and {len(cause.tests) - _SHOWN} more")
        shown.append(f"    again: {command.of_tests([cause.first])}")
        if cause.explanation:
            shown.append(f"    what to do: {explanations.command(cause.title)}")
    return shown


def markdown(record: SessionRecord, command: Command) -> list[str]:
    """The same in Markdown; empty if nothing is broken."""
    causes = broken(record)
    parts = ["## Failed", ""] if causes else []
    for cause in causes:
        lost = f" ({cause.lost} tests had nothing to judge)" if cause.lost else ""
        parts.append(f"- **{cause.title}**{lost}" + ("" if cause.lost else f": {cause.expected}"))
        parts += [
            f"  - `{subject(test)}`{': ' if message else ''}{message}"
            for test, message in cause.tests.items()
        ]
        parts += ["", "  ```console", f"  $ {command.of_tests([cause.first])}"]
        parts += [f"  $ {explanations.command(cause.title)}"] if cause.explanation else []
        parts += ["  ```"]
    return [*parts, ""] if causes else []


def sentence(message: str) -> str:
    r"""What a failed assertion says, in a line: what was compared, and the values that differ.

    >>> sentence("AssertionError: final\nassert 0.5 == 0.4 ± 1.0e-12\n +  where …")
    'final: 0.5 == 0.4 ± 1.0e-12 does not hold'
    """
    plain = message.removeprefix("AssertionError: ").removeprefix("Failed: ")
    label, *rest = plain.splitlines() or [""]
    compared = next((line for line in [label, *rest] if line.startswith("assert ")), "")
    if not compared:
        return label
    values = f"{compared.removeprefix('assert ')} does not hold"
    return values if label == compared else f"{label}: {values}"


def subject(test: str) -> str:
    """The suite and cell that a test is about; its id if it is of no suite."""
    return NodeId.parse(test).subject
