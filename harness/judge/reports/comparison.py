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


def lines(comparison: Comparison) -> Iterator[str]:
    """The comparison for a terminal; the verdict stands last."""
    for line in known(comparison):
        yield f"KNOWN on both sides: {line}"
    changed = 0
    for (standing, stage, name, message), cells in shown(comparison):
        if standing == "changed" and stage != "invariants":
            changed += 1
            continue
        yield f"{standing.upper()} {stage}: {name}" + (f": {message}" if message else "")
        if any(cells):
            yield f"    in {some(cells)}"
        if standing in AGAINST:
            every = Finding(stage=stage, cell="*", name=name, standing=standing).id
            if name in explanations.load():
                yield f"    what to do: {explanations.command(name)}"
            yield f"    to accept it: --allow '{every}' --because '…'"
    if changed:
        yield f"{changed} things changed that speak for or against nothing: see the report"
    yield from _speed(comparison)
    for allowance in comparison.unneeded:
        yield f"NO LONGER NEEDED {allowance.id}: allowed because {allowance.because}"
    yield sums(comparison)
    for attribution in comparison.attributions:
        yield f"{blame(attribution)}: {attribution.description}"
        yield from (f"    of {line}" for line in regressions(attribution))
    yield f"verdict: {headline(comparison)}"


def _speed(comparison: Comparison) -> Iterator[str]:
    """The costs that were measured side by side and are the same."""
    for finding in comparison.findings:
        if finding.stage == "throughput" and finding.standing == "same":
            yield f"candidate's costs over base's in {finding.cell}: {finding.message}"


def markdown(comparison: Comparison) -> str:
    """The comparison for a pull request: verdict, what changed by cause, environments."""
    parts = [f"# Gate: {headline(comparison)}", ""]
    for attribution in comparison.attributions:
        parts += [f"**{blame(attribution).capitalize()}:** {attribution.description}", ""]
        parts += [*(f"- {line}" for line in regressions(attribution)), ""]
    parts += ["", sums(comparison)]
    shared = known(comparison)
    if shared:
        parts += ["", "## Known on both sides", "", *(f"- {line}" for line in shared)]
    parts += ["", "## Packages", ""]
    parts += ["| package | base | candidate | |", "| --- | --- | --- | --- |"]
    parts += [f"| {c.package} | {c.before} | {c.after} | {_why(c)} |" for c in comparison.changes]
    if comparison.rebased:
        parts += ["", "Making the base changed of the running environment:", ""]
        parts += [f"- {change.description}" for change in comparison.rebased]
    previous = None
    for (standing, stage, name, message), cells in shown(comparison):
        if standing != previous:
            parts += ["", f"## {standing.capitalize()}", ""]
            previous = standing
        where = f" ({some(cells)})" if any(cells) else ""
        parts.append(f"- **{stage}**, `{name}`: {message}{where}")
        if standing in AGAINST and name in explanations.load():
            parts.append(f"  What to do: `{explanations.command(name)}`")
    parts += ["", *(f"- {line}" for line in _speed(comparison))]
    if comparison.unneeded:
        parts += ["", "## Allowed, and no longer needed", ""]
        parts += [f"- `{a.id}`, because {a.because}" for a in comparison.unneeded]
    return "\n".join([*parts, ""])


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison for programs."""
    fields = asdict(comparison)
    findings = [_finding(finding) for finding in comparison.findings]
    attributions = [
        asdict(attribution) | {"findings": [finding.id for finding in attribution.findings]}
        for attribution in comparison.attributions
    ]
    whole = {
        "version": 2,
        "verdict": verdict(comparison.findings),
        "bit_equal": comparison.bit_equal,
    }
    lists = {
        "changes": [_change(change) for change in comparison.changes],
        "rebased": [_change(change) for change in comparison.rebased],
        "findings": findings,
        "attributions": attributions,
    }
    strict: dict[str, Any] = _strict(whole | fields | lists)
    return strict


def _change(change: Change) -> dict[str, Any]:
    """A change for programs; that it was requested has another name there, since version 1."""
    fields = asdict(change)
    return {"asked": fields.pop("requested"), **fields}


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding for programs; its message has another name there, since version 1."""
    fields = asdict(finding)
    return {"words": fields.pop("message"), **fields, "id": finding.id}


def _strict(value: Any) -> Any:
    """The same with None for numbers that JSON cannot hold: NaN and the infinities."""
    if isinstance(value, dict):
        return {name: _strict(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(folder: Path, comparison: Comparison) -> list[Path]:
    """Write `gate.html`, `.json`, `.md` and `.xml`, and what GitHub shows as a job's summary.

    Raises:
        StoreError: the folder cannot be written.
    """
    text = json.dumps(as_json(comparison), indent=1, allow_nan=False) + "\n"
    texts = {
        "gate.html": page(comparison),
        "gate.json": text,
        "gate.md": markdown(comparison),
        "gate.xml": junit(comparison.findings),
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
    """A remark on a change that nobody named."""
    return "" if change.requested else "dragged along"
