"""A gate's comparison: lines for a terminal, Markdown for a pull request, JSON for programs."""

import json
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.judge import outlet
from harness.judge.finding import AGAINST, Finding, verdict
from harness.judge.gate.packages import Change
from harness.judge.gate.workflow import Comparison
from harness.judge.reports import files
from harness.judge.reports.causes import blame, headline, known, regressions, shown, some, sums
from harness.judge.reports.gate_page import page
from harness.judge.reports.junit import junit
from harness.judge.suite import explanations


def lines(found: Comparison) -> Iterator[str]:
    """The comparison for a terminal; the verdict stands last."""
    for line in known(found):
        yield f"KNOWN on both sides: {line}"
    changed = 0
    for (standing, stage, name, words), cells in shown(found):
        if standing == "changed" and stage != "invariants":
            changed += 1
            continue
        yield f"{standing.upper()} {stage}: {name}" + (f": {words}" if words else "")
        if any(cells):
            yield f"    in {some(cells)}"
        if standing in AGAINST:
            every = Finding(stage=stage, cell="*", name=name, standing=standing).id
            if name in explanations.load():
                yield f"    what to do: {explanations.command(name)}"
            yield f"    to accept it: --allow '{every}' --because '…'"
    if changed:
        yield f"{changed} things changed that speak for or against nothing: see the report"
    yield from _speed(found)
    for allowance in found.unneeded:
        yield f"NO LONGER NEEDED {allowance.id}: allowed because {allowance.because}"
    yield sums(found)
    for attribution in found.attributions:
        yield f"{blame(attribution)}: {attribution.words}"
        yield from (f"    of {line}" for line in regressions(attribution))
    yield f"verdict: {headline(found)}"


def _speed(found: Comparison) -> Iterator[str]:
    """What was measured side by side, whatever came of it."""
    for finding in found.findings:
        if finding.stage == "throughput" and finding.standing == "same":
            yield f"candidate's costs over base's in {finding.cell}: {finding.words}"


def markdown(found: Comparison) -> str:
    """The comparison for a pull request: verdict, what changed by cause, environments."""
    parts = [f"# Gate: {headline(found)}", ""]
    for attribution in found.attributions:
        parts += [f"**{blame(attribution).capitalize()}:** {attribution.words}", ""]
        parts += [*(f"- {line}" for line in regressions(attribution)), ""]
    parts += ["", sums(found)]
    if any(known(found)):
        parts += ["", "## Known on both sides", "", *(f"- {line}" for line in known(found))]
    parts += ["", "## Packages", ""]
    parts += ["| package | base | candidate | |", "| --- | --- | --- | --- |"]
    parts += [f"| {c.package} | {c.before} | {c.after} | {_why(c)} |" for c in found.changes]
    if found.rebased:
        parts += ["", "Making the base changed of the running environment:", ""]
        parts += [f"- {change.words}" for change in found.rebased]
    previous = None
    for (standing, stage, name, words), cells in shown(found):
        if standing != previous:
            parts += ["", f"## {standing.capitalize()}", ""]
            previous = standing
        where = f" ({some(cells)})" if any(cells) else ""
        parts.append(f"- **{stage}**, `{name}`: {words}{where}")
        if standing in AGAINST and name in explanations.load():
            parts.append(f"  What to do: `{explanations.command(name)}`")
    parts += ["", *(f"- {line}" for line in _speed(found))]
    if found.unneeded:
        parts += ["", "## Allowed, and no longer needed", ""]
        parts += [f"- `{a.id}`, because {a.because}" for a in found.unneeded]
    return "\n".join([*parts, ""])


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison for programs."""
    told = asdict(found)
    findings = [asdict(finding) | {"id": finding.id} for finding in found.findings]
    attributions = [
        asdict(attribution) | {"findings": [finding.id for finding in attribution.findings]}
        for attribution in found.attributions
    ]
    whole = {"version": 1, "verdict": verdict(found.findings), "bit_equal": found.bit_equal}
    lists = {"findings": findings, "attributions": attributions}
    strict: dict[str, Any] = _strict(whole | told | lists)
    return strict


def _strict(value: Any) -> Any:
    """The same with None for numbers that JSON cannot hold: NaN and the infinities."""
    if isinstance(value, dict):
        return {name: _strict(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(folder: Path, found: Comparison) -> list[Path]:
    """Write `gate.html`, `.json`, `.md` and `.xml`, and what GitHub shows as a job's summary.

    Raises:
        StoreError: the folder cannot be written.
    """
    told = json.dumps(as_json(found), indent=1, allow_nan=False) + "\n"
    texts = {
        "gate.html": page(found),
        "gate.json": told,
        "gate.md": markdown(found),
        "gate.xml": junit(found.findings),
    }
    written = files.write(folder, texts)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            outlet.append(Path(summary), texts["gate.md"])
        except OSError as error:  # the verdict is what it is
            sys.stderr.write(f"GITHUB_STEP_SUMMARY cannot be written: {error.strerror}\n")
    return written


def _why(change: Change) -> str:
    """Whether a change was asked for."""
    return "" if change.asked else "dragged along"
