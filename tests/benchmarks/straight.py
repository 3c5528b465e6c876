"""What a user would write without the harness: train some cells, one after the other.

`python straight.py CELLS.json` trains every cell of the file in one warm process. It shares no
code with the harness, does what the recipes say and looks at nothing.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import torch
from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)


def train(cell: dict[str, Any], folder: str) -> None:
    """Train, evaluate, predict and save one cell."""
    torch.set_num_threads(cell["threads"])
    data = {
        split: load_dataset("parquet", data_files=files, split="train", cache_dir=folder)
        for split, files in cell["files"].items()
    }
    train_rows, eval_rows = data["train"], data["evaluation"]
    if cell["max_train_samples"]:
        size = min(cell["max_train_samples"], len(train_rows))
        train_rows = train_rows.shuffle(seed=42).select(range(size))
    if cell["max_eval_samples"]:
        size = min(cell["max_eval_samples"], len(eval_rows))
        eval_rows = eval_rows.shuffle(seed=42).select(range(size))
    tokenizer = AutoTokenizer.from_pretrained(cell["model"])

    def tokenize(rows: Any) -> Any:
        texts = [rows[name] for name in cell["texts"]]
        return tokenizer(*texts, truncation=True, max_length=cell["max_length"])

    train_rows = train_rows.map(tokenize, batched=True, num_proc=cell["num_proc"])
    eval_rows = eval_rows.map(tokenize, batched=True, num_proc=cell["num_proc"])
    set_seed(cell["arguments"]["seed"])
    labels = cell["labels"]
    model = AutoModelForSequenceClassification.from_pretrained(cell["model"], num_labels=labels)
    metrics = [
        evaluate.load(path, name.partition("/")[2] or None)
        for name, path in cell["metrics"].items()
    ]

    def compute_metrics(received: Any) -> dict[str, float]:
        logits, references = received
        values: dict[str, float] = {}
        for metric in metrics:
            options = {"average": "weighted"} if metric.name == "f1" and labels > 2 else {}
            values |= metric.compute(
                predictions=np.argmax(logits, axis=-1), references=references, **options
            )
        return values

    if cell["padding"] == "max_length":
        collator = DataCollatorWithPadding(
            tokenizer, padding="max_length", max_length=cell["max_length"]
        )
    else:
        collator = DataCollatorWithPadding(tokenizer)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=folder, report_to="none", disable_tqdm=True, **cell["arguments"]
        ),
        data_collator=collator,
        train_dataset=train_rows,
        eval_dataset=eval_rows,
        processing_class=tokenizer,
        compute_metrics=compute_metrics,
    )
    trainer.train()
    trainer.predict(eval_rows)
    if cell["max_holdout_samples"]:
        sample = data["evaluation"].shuffle(seed=64).select(range(cell["max_holdout_samples"]))
        trainer.evaluate(sample.map(tokenize, batched=True))
    trainer.save_model(f"{folder}/saved")
    trainer.save_state()


def main() -> None:
    """Train every cell of the file."""
    for cell in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        with tempfile.TemporaryDirectory() as folder:
            train(cell, folder)


if __name__ == "__main__":
    main()
