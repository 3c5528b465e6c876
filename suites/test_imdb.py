"""IMDB: is a long review positive?"""

from harness import Matrix, Recipe, Suite, Thresholds


class TestImdb(Suite):
    """Long texts: truncation, several processes, mixed precision, and the best model kept."""

    recipe = Recipe(
        dataset="imdb",
        model="distilbert-base-uncased",
        max_length=512,
        num_proc=4,
        num_train_epochs=2,
        per_device_train_batch_size=16,
        per_device_eval_batch_size=16,
        learning_rate=2e-5,
        weight_decay=0.01,
        warmup_steps=0.1,
        fp16=True,
        dataloader_num_workers=2,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
    )
    matrix = Matrix(loop=["trainer", "pytorch", "accelerate"])
    thresholds = Thresholds(accuracy=0.85)
