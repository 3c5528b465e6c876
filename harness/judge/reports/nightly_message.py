"""A night in one message, for a terminal, a chat, a job's summary or an issue."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.judge.nightly.night import Tonight, accepting
from harness.judge.reports.session_table import versions

_TITLES = {
    "regressed": "Regressed",
    "worsened": "Moved for the worse",
    "inconclusive": "Inconclusive",
    "not measured": "Not measured",
    "fixed": "Better than accepted",
    "improved": "Moved for the better",
}
_MOVED = {_TITLES["worsened"], _TITLES["improved"]}


def nights(session: Mapping[str, Any], store: str = "") -> list[Tonight]:
    """What a session in a store found of the cells of its night; the repository's if not named."""
    return [
        Tonight(
            suite=cell["suite"],
            cell=cell["cell"],
            file=cell["file"],
            device=cell["device"],
            standing=cell["standing"],
            words=cell["words"],
            records=tuple(run["record"] for run in cell["runs"]),
            worsened=tuple(cell["worsened"]),
            improved=tuple(cell["improved"]),
            store=store,
        )
        for cell in session["cells"]
        if "standing" in cell
    ]


def headline(found: Sequence[Tonight]) -> str:
    """A night in a line."""
    counts = [(title.lower(), len(cells)) for title, cells in _sorted(found)]
    same = sum(tonight.standing == "same" for tonight in found)
    told = [f"{count} {title}" for title, count in counts]
    return ", ".join([*told, f"{same} as accepted"])


def lines(found: Sequence[Tonight]) -> Iterator[str]:
    """A line or more for each cell that is not as it was accepted; cells that say alike, once."""
    for title, cells in _sorted(found):
        for words, alike in _grouped(title, cells).items():
            first, *rest = words.splitlines()
            yield f"{title.upper()}: {first}"
            yield from (f"    {line}" for line in rest)
            yield from (f"    {tonight.name}" for tonight in alike)
            if any(tonight.records for tonight in alike) and title not in _MOVED:
                yield f"    to accept: {_command(alike)}"


def text(session: Mapping[str, Any], store: str = "") -> str:
    """The message in plain text."""
    found = nights(session, store)
    parts = [f"Night {session['night']}: {headline(found)}", *lines(found), _environment(session)]
    return "\n".join(part for part in parts if part)


def markdown(session: Mapping[str, Any], store: str = "") -> str:
    """The message in Markdown."""
    found = nights(session, store)
    parts = [f"## Night {session['night']}: {headline(found)}", ""]
    for title, cells in _sorted(found):
        parts += [f"### {title}", ""]
        for words, alike in _grouped(title, cells).items():
            first, *rest = words.splitlines()
            parts.append(f"- {', '.join(f'`{tonight.name}`' for tonight in alike)}: {first}")
            parts += [f"  {line}  " for line in rest]
            if any(tonight.records for tonight in alike) and title not in _MOVED:
                parts.append(f"  to accept: `{_command(alike)}`")
        parts.append("")
    return "\n".join([*parts, _environment(session), ""])


def _command(alike: Sequence[Tonight]) -> str:
    """What accepts cells of which the same is said; more than one, with the whole night."""
    return alike[0].command if len(alike) == 1 else accepting(alike[0].store)


def _sorted(found: Sequence[Tonight]) -> Iterator[tuple[str, list[Tonight]]]:
    """Cells that are not as accepted, by what they are, the gravest first."""
    for standing, title in _TITLES.items():
        cells = [
            tonight
            for tonight in found
            if getattr(tonight, standing, ()) or tonight.standing == standing
        ]
        if cells:
            yield title, cells


def _grouped(title: str, cells: Sequence[Tonight]) -> dict[str, list[Tonight]]:
    """Cells by what is to be said of them."""
    found: dict[str, list[Tonight]] = {}
    for tonight in cells:
        moved = {_TITLES["worsened"]: tonight.worsened, _TITLES["improved"]: tonight.improved}
        told = moved.get(title, (tonight.words,))
        for words in told:
            found.setdefault(words, []).append(tonight)
    return found


def _environment(session: Mapping[str, Any]) -> str:
    """What was judged, and at which commit."""
    commit = session["revision"].get("commit", "")
    return versions(session["environment"]) + (f", commit {commit[:10]}" if commit else "")
