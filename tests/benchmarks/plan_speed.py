"""How long a plan takes: every collation over as many lengths as Yelp has examples.

    python -m tests.benchmarks.plan_speed --examples 650000

Prints seconds and peak bytes an example for each collation, then the sum of the seconds. Lengths
are drawn from a log-normal distribution that is cut at 512, as reviews are.
"""

import argparse
import sys
import time
import tracemalloc

import numpy as np

from harness.core import collation
from harness.core.batching import compose
from harness.judge.benchmark.cost_model import forecast

MAX_LENGTH, HIDDEN = 512, 768


def main() -> None:
    """Plan, and tell the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=650_000)
    examples = parser.parse_args().examples
    draw = np.random.default_rng(0)
    lengths = draw.lognormal(4.9, 0.8, examples).astype(np.int64).clip(2, MAX_LENGTH)
    whole = 0.0
    for name in (*collation.PLAIN, "pad_to_multiple_of:8", "max_tokens:8192"):
        strategy, seconds = collation.parse(name), []
        for traced in (False, True):  # tracing costs time
            if traced:
                tracemalloc.start()
            started = time.perf_counter()
            batches = compose(
                lengths,
                strategy,
                batch_size=16,
                max_length=MAX_LENGTH,
                training=not strategy.sorted,
            )
            forecast(batches, strategy, max_length=MAX_LENGTH, hidden=HIDDEN)
            seconds.append(time.perf_counter() - started)
        peak = tracemalloc.get_traced_memory()[1] / examples
        tracemalloc.stop()
        whole += seconds[0]
        sys.stdout.write(f"{name:<22}{seconds[0]:>7.3f} s{peak:>7.0f} bytes an example\n")
    sys.stdout.write(f"{'all':<22}{whole:>7.3f} s\n")


if __name__ == "__main__":
    main()
