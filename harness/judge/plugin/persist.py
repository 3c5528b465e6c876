"""What stays of a session: baselines that it was asked to accept, and itself, for the history."""

import json
import shlex
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from harness.judge import outlet
from harness.judge.plugin.state import ROOT, SETTINGS, night_of, schedule_of, session_name
from harness.judge.reports.session import Measured


@dataclass(slots=True)
class Keeping:
    """Keeps a session.

    Attributes:
        config: of the session.
        measured: what its reports said.
        told: lines for whoever asked.
        accepted: cells that were.
        refused: whether others were not, though that was asked for.
    """

    config: pytest.Config
    measured: Measured
    told: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: bool = False

    @property
    def worthwhile(self) -> bool:
        """Whether the session has anything that the history does not know."""
        trained = any(row.trained for row in self.measured.rows.values())
        return bool(self.measured.nights) or trained

    @property
    def too_little(self) -> bool:
        """Whether less of the night was measured than has to be; told, too."""
        nights, least = self.measured.nights.values(), self.config.stash[SETTINGS].least
        known = sum(night.measured or night.name in self.accepted for night in nights)
        share = known / len(nights) if nights else 1.0
        if share < least:
            self.told.append(
                f"too little was measured: {share:.0%} of {len(nights)} nightly cells, and "
                f"--harness-least is {least:.0%}"
            )
        return share < least

    def keep(self) -> None:
        """Accept what is to be accepted, leave the session in the store, and share that.

        Raises:
            HarnessError: the store, or a baseline, cannot be written.
        """
        from harness.judge.reports.session_record import kept

        config, runner = self.config, schedule_of(self.config).runner
        night = night_of(config) or datetime.now(UTC).date().isoformat()
        command = shlex.join(["pytest", *config.invocation_params.args])
        session = kept(self.measured, runner.environment(), night, command, config.stash[ROOT])
        settings = config.stash[SETTINGS]
        if settings.update or settings.update_new_only:
            from harness.judge.nightly.accept import Accepting

            self.accepted, refused = Accepting(
                root=config.stash[ROOT],
                store=runner.store,
                command=command,
                because=settings.because or "asked for with --harness-update",
                new_only=settings.update_new_only,
            ).accept(session, lambda _: True)
            self.told += [f"accepted: {name}" for name in self.accepted]
            self.told += [f"not accepted: {why}" for why in refused]
            self.refused = bool(refused)
        with runner.store.seal(f"sessions/{night}/{session_name(config)}") as folder:
            text = json.dumps(session, indent=1) + "\n"
            outlet.write(folder / "session.json", text)
        runner.store.share()
