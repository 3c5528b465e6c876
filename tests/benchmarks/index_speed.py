"""The index of many records: how long it takes to make, to open, and to follow one cell.

    python -m tests.benchmarks.index_speed --records 100000

A small cell is trained once and its record copied, as many cells, nights and seeds, each a folder
of its own as the store has them (without arrays, which the index does not read).
"""

import argparse
import json
import shutil
import sys
import time
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.nightly.analysis import Trends, limit
from harness.judge.runs.runner import Runner
from harness.judge.session_record import NAME as SESSION
from harness.judge.session_record import SessionRecord
from harness.judge.settings import Settings
from harness.judge.store.index import NAME, History
from harness.judge.store.local import Store
from tests.conftest import SMALL

CELLS, SEEDS = 24, 10


def fill(root: Path, template: Path, records: int) -> None:
    """Copy a record, with a session a night."""
    record = json.loads((template / "record.json").read_text(encoding="utf-8"))
    steps = (template / "steps.jsonl").read_text(encoding="utf-8")
    manifest = json.loads((template / "manifest.json").read_text(encoding="utf-8"))
    nights = -(-records // (CELLS * SEEDS))
    store, made = Store(root), 0
    for index in range(nights):
        night = (date(2025, 1, 1) + timedelta(days=index)).isoformat()
        manifest["when"] = f"{night}T03:00:00+00:00"
        used: dict[int, list[str]] = {}
        for run in range(min(records - made, CELLS * SEEDS)):
            cell, seed = run % CELLS, (run // CELLS) + index * SEEDS
            record["recipe"] |= {"seed": seed, "max_length": 64 + cell}
            path = f"cell{cell:02}-{cell * 10**6 + seed:012x}/{index // 30:012x}/{night}"
            folder = root / "records" / path
            folder.mkdir(parents=True)
            (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
            (folder / "steps.jsonl").write_text(steps, encoding="utf-8")
            (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
            used.setdefault(cell, []).append(path)
        made += sum(map(len, used.values()))
        session = SessionRecord(
            night=night,
            when=f"{night}T04:00:00+00:00",
            records={f"TestX/cell{cell:02}": tuple(paths) for cell, paths in used.items()},
        )
        with store.seal(f"sessions/{night}/{uuid.uuid4().hex}") as folder:
            (folder / SESSION).write_text(json.dumps(session.to_json()), encoding="utf-8")


def timed(what: str, do: Callable[[], Any], repeats: int = 1) -> Any:
    """Do something, and print the seconds of its fastest and slowest repeat."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        answer = do()
        taken.append(time.perf_counter() - started)
    sys.stdout.write(f"{what}: {min(taken):.2f} to {max(taken):.2f} s\n")
    return answer


def main() -> None:
    """Fill a store, and time what is asked of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    records = parser.parse_args().records
    with TemporaryDirectory() as name:
        trained, root = Path(name, "trained"), Path(name, "store")
        runner = Runner(settings=Settings(store=trained), session=uuid.uuid4().hex)
        recipe = catalog.tiny(Recipe(**SMALL))
        result = runner.run(Cell.of(name="small", recipe=recipe, scale="tiny", device="cpu"))
        runner.close()
        template = trained / "records" / result.key.path
        timed(f"{records:,} records written", lambda: fill(root, template, records))

        def opened() -> None:
            with History(root):
                pass

        timed("index made", opened)
        time.sleep(3)  # else the last folders are too young to be taken for settled
        opened()
        timed("index opened", opened, repeats=5)
        with History(root) as history:
            cell, device = history.cells()[0]

            def follow() -> Any:
                trends = Trends(
                    environments=history.environments(),
                    annotations=(),
                    most=limit([["accuracy"]] * CELLS),
                )
                return trends.of(cell, history.entries(cell, device=device))

            followed = timed("trend of one cell", follow, repeats=5)
        nights = len(followed.lines[0].nights)
        size = (root / NAME).stat().st_size / 2**20
        sys.stdout.write(f"{nights} nights of {SEEDS} runs in it; the index has {size:.0f} MB\n")
        shutil.copytree(template, root / "records" / "new-0" / "0" / "0")
        timed("index opened after one more record", opened)


if __name__ == "__main__":
    main()
