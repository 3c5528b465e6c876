"""Trainer multiplies the loss of some models by gradient_accumulation_steps.

Without the harness: `python tests/plain/accumulated_loss.py` prints how many times the loss of one
batch of four the loss of two accumulated batches of two is, which should be 1. transformers 4.57
multiplies that of models whose `forward` takes any keyword, such as Qwen2's, by two, and 5 that of
every model here.
"""

import sys
import tempfile
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Qwen2Config,
    Qwen2ForSequenceClassification,
    Trainer,
    TrainingArguments,
)

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 50,
    "pad_token_id": 0,
}
ROWS = [{"input_ids": [7, 8, 9 + n], "attention_mask": [1] * 3, "labels": n % 2} for n in range(4)]


def first_loss(model: Any, size: int, accumulated: int, folder: str) -> float:
    """The loss that the Trainer logs for its first step."""
    arguments = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=size,
        gradient_accumulation_steps=accumulated,
        max_steps=1,
        logging_steps=1,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        save_strategy="no",
    )
    trainer = Trainer(model=model.eval(), args=arguments, train_dataset=ROWS)
    trainer.train()
    return float(trainer.state.log_history[0]["loss"])


if __name__ == "__main__":
    for config, kind in (
        (BertConfig(**SIZES, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
         BertForSequenceClassification),
        (Qwen2Config(**SIZES, num_key_value_heads=2), Qwen2ForSequenceClassification),
    ):  # fmt: skip
        losses = []
        for size, accumulated in ((4, 1), (2, 2)):
            torch.manual_seed(0)
            with tempfile.TemporaryDirectory() as name:
                losses.append(first_loss(kind(config), size, accumulated, name))
        sys.stdout.write(f"{config.model_type} {losses[1] / losses[0]:.2f}\n")
