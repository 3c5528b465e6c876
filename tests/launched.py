"""One process of several that a launcher started: tries a job's variation, and leaves its trial.

`torchrun --nproc-per-node 2 tests/launched.py JOB FOLDER` with the job as a JSON file.
"""

import json
import os
import sys
from pathlib import Path

from harness.core.job import Job
from harness.core.variations import VARIATIONS
from harness.worker.bench import Bench
from harness.worker.trial_runs import try_one

if __name__ == "__main__":
    job = Job.from_json(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    folder = Path(sys.argv[2])
    trial = try_one(Bench.of(job), folder / "tried", VARIATIONS["two processes"])
    trial.write(folder / f"{os.environ['RANK']}.json")
