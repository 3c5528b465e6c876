"""Rows of every task, as a function of a user makes them: easy ones, always the same."""

from pathlib import Path

from harness.core.dataset import Dataset, Task

ROWS = '''
"""Rows of every task, the same whenever they are made."""

import random
from datasets import Dataset

WORDS = {"good": "fine great lovely superb", "bad": "awful poor dull weak", "odd": "strange weird"}

def rows(count=160):
    draw = random.Random(0)
    for number in range(count):
        kind = draw.choice(sorted(WORDS))
        pool = WORDS[kind].split() + ["film", "plot", "cast"]
        sentence = draw.choices(pool, k=draw.randint(3, 12))
        yield number, kind, [*sentence, f"x{number}"]

def single_label_classification():
    return Dataset.from_list([{"text": " ".join(w), "label": k} for _, k, w in rows()])

def multi_label_classification():
    listed = [
        {"text": " ".join(w), "label": [k for k, of in WORDS.items() if {*of.split()} & {*w}]}
        for _, _, w in rows()
    ]
    return Dataset.from_list(listed)

def regression():
    score = {"good": 4.5, "odd": 2.5, "bad": 0.5}
    return Dataset.from_list(
        [{"text": " ".join(w), "label": score[k] + n % 3 / 4} for n, k, w in rows()]
    )

def token_classification():
    def tag(word):
        return next((f"B-{k}" for k, of in WORDS.items() if word in of.split()), "O")
    return Dataset.from_list([{"text": w, "label": [*map(tag, w)]} for _, _, w in rows()])

def causal_lm():
    return Dataset.from_list([{"text": " ".join(w)} for _, _, w in rows()])
'''


def write(root: Path, task: Task) -> Dataset:
    """Write the functions into a repository; the data set that one of them makes."""
    (root / "rows.py").write_text(ROWS, encoding="utf-8")
    label = None if task == "causal_lm" else "label"
    return Dataset(path=f"rows:{task}", texts="text", label=label)
