"""The parts of the documents that the program knows: options, commands, invariants, known issues.

`python -m tests.reference_pages` writes them; `tests/test_reference_pages.py` holds that they are
what is written. A part stands between `<!-- made: NAME -->` and `<!-- end -->`.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from harness.core.trainer_arguments import ARGUMENTS, EFFECTS, REFUSED
from harness.judge.cli.__main__ import COMMANDS
from harness.judge.plugin.hooks import MARKS
from harness.judge.settings import ASKED_ONLY, SHARED, Settings
from harness.judge.suite import explanations, known_issues
from harness.judge.suite.base import Benchmark, Suite
from harness.judge.suite.known_issues import KnownIssue
from tests import documents
from tests.repositories import ROOT

FOLDER = ROOT / "docs"
COMMAND = "python -m tests.reference_pages"
_PART = re.compile(r"(<!-- made: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def options() -> Iterator[str]:
    """Pytest's options of ours, each with its key in a project's table."""
    yield from ("| option | key in `[tool.harness]` | |", "| --- | --- | --- |")
    for item, (flag, keywords) in zip(fields(Settings), Settings.options(), strict=True):
        key = "" if item.name in ASKED_ONLY else f"`{item.name}`"
        yield f"| `{_usage([flag], keywords)}` | {key} | {_cell(keywords['help'])} |"


def marks() -> Iterator[str]:
    """Marks of tests, for `-m`."""
    yield from ("| mark | |", "| --- | --- |")
    for mark in MARKS:
        name, _, meaning = mark.partition(": ")
        yield f"| `{name}` | {_cell(meaning)} |"


def commands() -> Iterator[str]:
    """Every command with its arguments and options."""
    for path, summary, command in _below(whole_parser()):
        yield from (f"### {path}", "", f"{summary[:1].upper()}{summary[1:]}.", "")
        rows = list(_rows(command))
        if rows:
            yield from ("| argument or option | |", "| --- | --- |", *rows, "")


def invariants() -> Iterator[str]:
    """Every invariant, by the class that it is inherited from."""
    issues = known_issues.load(known_issues.OURS)
    for kind in (Suite, Benchmark):
        for base in kind.__mro__:
            names = [name for name in vars(base) if name.startswith("test_")]
            if names:
                yield from (f"## {base.__name__}", "", str(inspect.getdoc(base)), "")
            for name in names:
                yield from _entry(name, issues)


def issues() -> Iterator[str]:
    """Every known issue, as it is declared."""
    for issue in known_issues.load(known_issues.OURS):
        where = ", ".join(f"{name} {versions}" for name, versions in issue.packages.items())
        yield from (f"## {issue.what}", "", f"- **Versions.** {where}")
        yield f"- **Loops.** {', '.join(f'`{loop}`' for loop in issue.loops)}"
        if issue.model_types:
            yield f"- **Types of models.** {', '.join(f'`{name}`' for name in issue.model_types)}"
        if issue.collations:
            yield f"- **Collations.** {', '.join(f'`{name}`' for name in issue.collations)}"
        yield f"- **Reported.** {issue.issue or 'not yet'}"
        yield f"- **What to do.** {issue.advice}"
        figures = ", ".join(map(_figure, issue.figures.items()))
        yield f"- **What is off.** {figures or 'whatever they find'}"
        links = (f"[`{name}`](invariants.md#{name})" for name in issue.invariants)
        yield from (f"- **Invariants.** {', '.join(links)}", "")


def arguments() -> Iterator[str]:
    """Further arguments of a recipe, each with what it may change."""
    yield from ("| argument | what it may change |", "| --- | --- |")
    for name, argument in sorted(ARGUMENTS.items()):
        changes = "nobody has looked: anything" if argument.effects == EFFECTS else None
        yield f"| `{name}` | {changes or ', '.join(sorted(argument.effects))} |"


def refused() -> Iterator[str]:
    """Arguments that a recipe does not take, by the reason."""
    reasons: dict[str, list[str]] = {}
    for name, reason in REFUSED.items():
        reasons.setdefault(reason, []).append(name)
    yield from ("| reason | arguments |", "| --- | --- |")
    for reason, names in reasons.items():
        yield f"| {_cell(reason)} | {', '.join(f'`{name}`' for name in names)} |"


PARTS = {
    "arguments": arguments,
    "refused": refused,
    "options": options,
    "marks": marks,
    "commands": commands,
    "invariants": invariants,
    "issues": issues,
}


def made(text: str) -> str:
    """A document with its parts as the program has them."""
    return _PART.sub(
        lambda part: "".join([part[1], "\n", *(f"{x}\n" for x in PARTS[part[2]]()), "\n", part[3]]),
        text,
    )


def parts_of(text: str) -> list[str]:
    """The names of a document's parts."""
    return [part[2] for part in _PART.finditer(text)]


def _entry(name: str, issues: tuple[KnownIssue, ...]) -> Iterator[str]:
    """An invariant's entry in the catalogue."""
    explanation = explanations.load()[name]
    yield from (f"### `{name}`", "", explanations.statement(name), "")
    yield f"- **Why it exists.** {explanation.why}"
    yield f"- **What usually breaks it.** {explanation.causes}"
    yield f"- **What to do.** {explanation.action}"
    for issue in issues:
        if name in issue.invariants:
            yield f"- **Known issue.** [{issue.what}](known_issues.md#{documents.slug(issue.what)})"
    yield ""


def _figure(item: tuple[str, float | str | tuple[float, ...]]) -> str:
    """A figure of a known issue, and by which factor it is off."""
    name, factor = item
    if isinstance(factor, str):
        return name
    factors = factor if isinstance(factor, tuple) else (factor,)
    return f"{name} (times {' to '.join(f'{each:g}' for each in factors)})"


def whole_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    whole = argparse.ArgumentParser(prog="harness")
    commands = whole.add_subparsers()
    for module in COMMANDS.values():
        module.add(commands)
    return whole


def unknown_arguments(command: str) -> list[str]:
    """Commands, actions and options of a `harness …` that do not exist; `…` leaves words out."""
    unknown, place = [], whole_parser()
    for argument in command.split()[1:]:
        flag, actions = argument.partition("=")[0], _actions(place)
        if flag.startswith("--"):
            if not any(flag in action.option_strings for action in place._actions):  # noqa: SLF001
                unknown.append(flag)
        elif actions is not None and argument in actions.choices:
            place = actions.choices[argument]
        elif actions is not None and argument != "…":
            return [*unknown, argument]
    return unknown


def _actions(
    place: argparse.ArgumentParser,
) -> "argparse._SubParsersAction[argparse.ArgumentParser] | None":
    """What a parser takes of further parsers; None if it takes none."""
    kind = argparse._SubParsersAction  # noqa: SLF001 - argparse shows help in its own form alone
    return next((action for action in place._actions if isinstance(action, kind)), None)  # noqa: SLF001


def _below(
    place: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """The commands below a parser, with their names, their lines in the help and their parsers."""
    actions = _actions(place)
    if actions is None:
        return
    for choice in actions._choices_actions:  # noqa: SLF001
        command = actions.choices[choice.dest]
        yield command.prog, choice.help or "", command
        yield from _below(command)


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A command's arguments and options; those that are pytest's are named in one row."""
    shared: list[str] = []
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):  # noqa: SLF001
            continue
        if set(action.option_strings) & set(SHARED):
            shared += action.option_strings
            continue
        keywords = {"metavar": action.metavar, "choices": action.choices}
        names = action.option_strings or [str(action.metavar or action.dest).upper()]
        takes = {} if action.nargs == 0 or not action.option_strings else keywords
        if takes and not (action.metavar or action.choices):
            takes = {"metavar": action.dest.upper()}
        yield f"| `{_usage(names, takes)}` | {_cell(action.help or '')} |"
    if shared:
        yield f"| {', '.join(f'`{flag}`' for flag in shared)} | as pytest takes them |"


def _usage(names: Sequence[str], keywords: Mapping[str, object]) -> str:
    """An option as it is typed."""
    choices: tuple[str, ...] = keywords.get("choices") or ()  # type: ignore[assignment]
    value = "\\|".join(choices) or str(keywords.get("metavar") or "")
    return " ".join(filter(None, [", ".join(names), value]))


def _cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|").replace("*", "\\*")


def main() -> None:
    """Write every page that has such parts."""
    for path in sorted(FOLDER.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if made(text) != text:
            path.write_text(made(text), encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
