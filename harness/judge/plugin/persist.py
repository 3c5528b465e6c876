"""What stays of a session: baselines that it was to accept, and itself, for the history."""

import json
from dataclasses import dataclass, field

import pytest

from harness.judge import outlet
from harness.judge.plugin.state import ROOT, SETTINGS, schedule_of, session_name
from harness.judge.session_record import NAME, SessionRecord
from harness.judge.tonight import Tonight


@dataclass(slots=True)
class Keeping:
    """Keeps a session.

    Attributes:
        config: of the session.
        remarks: lines for the summary.
        accepted: cells that were.
        refused: whether others were not, though they were to be.
    """

    config: pytest.Config
    remarks: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: bool = False

    def open_cells(self, record: SessionRecord) -> list[Tonight]:
        """Cells of the night that were not just accepted."""
        return [tonight for tonight in record.nights if tonight.name not in self.accepted]

    def too_little(self, record: SessionRecord) -> bool:
        """Whether less of the night was measured than has to be; a remark says so."""
        cells, least = len(record.nights), self.config.stash[SETTINGS].least
        unknown = sum(not tonight.measured for tonight in self.open_cells(record))
        share = 1 - unknown / cells if cells else 1.0
        if share < least:
            self.remarks.append(
                f"too little was measured: {share:.0%} of {cells} nightly cells, and "
                f"--harness-least is {least:.0%}"
            )
        return share < least

    def keep(self, record: SessionRecord) -> None:
        """Accept what is to be accepted, leave the session in the store, and share that.

        A session without a night that trained nothing has nothing that the history does not know.

        Raises:
            HarnessError: the store, or a baseline, cannot be written.
        """
        if not record.nights and not any(row.trained for row in record.cells):
            return
        config, runner = self.config, schedule_of(self.config).runner
        settings = config.stash[SETTINGS]
        if settings.update or settings.update_new_only:
            from harness.judge.nightly.accept import Accepting

            self.accepted, refusals = Accepting(
                root=config.stash[ROOT],
                store=runner.store,
                command=record.command,
                because=settings.because or "accepted by --harness-update",
                new_only=settings.update_new_only,
            ).accept(record, lambda _: True)
            self.remarks += [f"accepted: {name}" for name in self.accepted]
            self.remarks += [f"not accepted: {why}" for why in refusals]
            self.refused = bool(refusals)
        with runner.store.seal(f"sessions/{record.night}/{session_name(config)}") as folder:
            text = json.dumps(record.for_history().to_json(), indent=1) + "\n"
            outlet.write(folder / NAME, text)
        runner.store.share()
