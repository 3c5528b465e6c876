"""A night in one message, for a terminal, a chat, a job's summary or an issue."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.judge.reports.session_table import versions
from harness.judge.session_record import SessionRecord
from harness.judge.tonight import Tonight, accepting

_TITLES = {
    "regressed": "Regressed",
    "worsened": "Moved for the worse",
    "inconclusive": "Inconclusive",
    "not measured": "Not measured",
    "fixed": "Better than accepted",
    "improved": "Moved for the better",
}
_MOVED = {_TITLES["worsened"], _TITLES["improved"]}


def nights(session: SessionRecord, store: str = "") -> list[Tonight]:
    """The cells of a night, of a session in a store; in the repository's own if not named."""
    return [replace(tonight, store=store) for tonight in session.nights]


def headline(cells: Sequence[Tonight]) -> str:
    """A night in a line."""
    counts = [f"{len(group)} {title.lower()}" for title, group in _by_title(cells)]
    same = sum(tonight.standing == "same" for tonight in cells)
    return ", ".join([*counts, f"{same} as accepted"])


def lines(cells: Sequence[Tonight]) -> Iterator[str]:
    """A line or more for each cell that is not as it was accepted; cells alike share theirs."""
    for title, group in _by_title(cells):
        for message, alike in _by_message(title, group).items():
            first, *rest = message.splitlines()
            yield f"{title.upper()}: {first}"
            yield from (f"    {line}" for line in rest)
            yield from (f"    {tonight.name}" for tonight in alike)
            if any(tonight.records for tonight in alike) and title not in _MOVED:
                yield f"    to accept: {_command(alike)}"


def text(session: SessionRecord, store: str = "") -> str:
    """The message in plain text."""
    cells = nights(session, store)
    parts = [f"Night {session.night}: {headline(cells)}", *lines(cells), _environment(session)]
    return "\n".join(part for part in parts if part)


def markdown(session: SessionRecord, store: str = "") -> str:
    """The message in Markdown."""
    cells = nights(session, store)
    parts = [f"## Night {session.night}: {headline(cells)}", ""]
    for title, group in _by_title(cells):
        parts += [f"### {title}", ""]
        for message, alike in _by_message(title, group).items():
            first, *rest = message.splitlines()
            parts.append(f"- {', '.join(f'`{tonight.name}`' for tonight in alike)}: {first}")
            parts += [f"  {line}  " for line in rest]
            if any(tonight.records for tonight in alike) and title not in _MOVED:
                parts.append(f"  to accept: `{_command(alike)}`")
        parts.append("")
    return "\n".join([*parts, _environment(session), ""])


def _command(alike: Sequence[Tonight]) -> str:
    """What accepts cells that share a message; more than one, with the whole night."""
    return alike[0].command if len(alike) == 1 else accepting(alike[0].store)


def _by_title(cells: Sequence[Tonight]) -> Iterator[tuple[str, list[Tonight]]]:
    """Cells that are not as accepted, by what they are, the gravest first."""
    for standing, title in _TITLES.items():
        group = [
            tonight
            for tonight in cells
            if getattr(tonight, standing, ()) or tonight.standing == standing
        ]
        if group:
            yield title, group


def _by_message(title: str, cells: Sequence[Tonight]) -> dict[str, list[Tonight]]:
    """Cells by their message."""
    groups: dict[str, list[Tonight]] = {}
    for tonight in cells:
        moved = {_TITLES["worsened"]: tonight.worsened, _TITLES["improved"]: tonight.improved}
        for message in moved.get(title, (tonight.message,)):
            groups.setdefault(message, []).append(tonight)
    return groups


def _environment(session: SessionRecord) -> str:
    """What was judged, and at which commit."""
    commit = session.revision.commit
    return versions(session.environment) + (f", commit {commit[:10]}" if commit else "")
