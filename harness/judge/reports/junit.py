"""A comparison as JUnit: what every CI system can show, a regression as a failure."""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from harness.judge.finding import Finding, Status

_SKIPPED: frozenset[Status] = frozenset({"inconclusive", "not measured", "allowed", "known"})


def junit(findings: Iterable[Finding]) -> str:
    """A test case for every finding: regressed is a failure; what decides nothing is a skip."""
    suite = ET.Element("testsuite", name="harness gate")
    counts = {"tests": 0, "failures": 0, "skipped": 0}
    for finding in findings:
        counts["tests"] += 1
        name = ":".join(part for part in (finding.cell, finding.name) if part)
        case = ET.SubElement(
            suite, "testcase", classname=finding.stage, name=_legible(name), time="0"
        )
        attributes = {"message": _legible(f"{finding.standing}: {finding.message}")}
        if finding.standing == "regressed":
            counts["failures"] += 1
            ET.SubElement(case, "failure", attributes)
        elif finding.standing in _SKIPPED:
            counts["skipped"] += 1
            ET.SubElement(case, "skipped", attributes)
        elif finding.message:
            ET.SubElement(case, "system-out").text = attributes["message"]
    for name, count in counts.items():
        suite.set(name, str(count))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _legible(text: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
