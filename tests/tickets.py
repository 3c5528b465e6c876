"""A user's repository: a file of tickets that any model learns, and a suite on it."""

import csv
import random
from pathlib import Path

TOPICS = {
    "billing": ("invoice", "charge", "refund", "payment", "card"),
    "sales": ("price", "quote", "license", "demo", "offer"),
    "support": ("crash", "error", "login", "screen", "bug"),
}
_FILLING = tuple(
    "please the my a is on for we need help with today again our team it was not".split()  # noqa: SIM905 - to be read
)


def write(path: Path, rows: int = 600, seed: int = 1) -> Path:
    """Write a CSV file with a subject, a body and a queue a row."""
    random_ = random.Random(seed)  # noqa: S311 - of no secret
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "body", "queue"])
        for _ in range(rows):
            queue = random_.choice([*TOPICS])
            subject = [*random_.sample(_FILLING, 3), random_.choice(TOPICS[queue])]
            body = [
                *random_.sample(_FILLING, random_.randint(4, 14)),
                *random_.sample(TOPICS[queue], 2),
            ]
            random_.shuffle(body)
            writer.writerow([" ".join(subject), f"{' '.join(body)}.", queue])
    return path


DATASET = 'Dataset(path="data/tickets.csv", texts=("subject", "body"), label="queue")'


def suite(model: str, fields: str = "") -> str:
    """A suite of a model, written as it is declared."""
    return f"""
from harness import Dataset, Matrix, Model, Recipe, Suite

class TestTickets(Suite):
    recipe = Recipe(dataset={DATASET}, model={model}, max_length=128{fields})
"""
