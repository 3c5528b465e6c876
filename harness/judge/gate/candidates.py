"""Candidates: environments between a base and a candidate, and which regressions each shows.

What an environment showed is kept by its pins, so that whoever asks of the same environment again
pays for what was not judged there yet, and for nothing else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.errors import InterpreterError, ResolutionError
from harness.judge.finding import Finding
from harness.judge.venvs.build import Environments

Shown = Mapping[Finding, bool | None]
"""Whether each regression shows; None if that is unknown."""

Judge = Callable[[Path, Sequence[Finding]], Shown]
"""Whether an interpreter shows some regressions; an `InterpreterError` says that it cannot run."""

Versions = Mapping[str, str]


@dataclass(slots=True)
class Candidates:
    """Makes environments of some releases, and judges each once.

    Attributes:
        environments: makes them.
        base: interpreter of the base.
        judge: looks for regressions in one.
        say: called with what became of each.
        tried: environments that were judged.
    """

    environments: Environments
    base: Path
    judge: Judge
    say: Callable[[str], None]
    tried: int = 0
    _shown: dict[tuple[str, ...], dict[Finding, bool | None]] = field(default_factory=dict)
    _pins: dict[tuple[str, ...], tuple[str, ...] | None] = field(default_factory=dict)

    def shown(self, versions: Versions, regressions: Iterable[Finding]) -> Shown:
        """Which regressions an environment with these releases shows.

        What they leave open stays as it is in the base wherever it can.
        """
        regressions = list(regressions)
        pins = self.pins(versions)
        if pins is None:
            return dict.fromkeys(regressions)
        if pins not in self._shown:
            self.tried += 1
        known = self._shown.setdefault(pins, {})
        missing = [finding for finding in regressions if finding not in known]
        if missing:
            known |= self._judged(pins, versions, missing)
        return {finding: known[finding] for finding in regressions}

    def pins(self, versions: Versions) -> tuple[str, ...] | None:
        """Pins of an environment with these releases; None if they cannot be together."""
        wanted = tuple(f"{name}=={version}" for name, version in sorted(versions.items()))
        if wanted not in self._pins:
            try:
                self._pins[wanted] = self.environments.resolve(self.base, wanted)
            except ResolutionError:
                self._pins[wanted] = None
        return self._pins[wanted]

    def _judged(self, pins: Sequence[str], versions: Versions, missing: Sequence[Finding]) -> Shown:
        """The same, of what was not judged there yet."""
        releases = " ".join(f"{name}=={version}" for name, version in versions.items())
        try:
            shown = self.judge(self.environments.make(self.base, pins), missing)
        except (ResolutionError, InterpreterError) as error:
            self.say(f"cannot be tested: {releases}: {(error.why or error.what).splitlines()[-1]}")
            return dict.fromkeys(missing)
        count = sum(shown[finding] is True for finding in missing)
        quality = "bad" if count else "good"
        untold = sum(shown[finding] is None for finding in missing)
        rest = f", {untold} cannot be judged" if untold else ""
        self.say(f"{quality} {releases}: {count} of {len(missing)} regressions show{rest}")
        return shown
