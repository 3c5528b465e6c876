"""Yelp Review Full: how many stars?"""

from harness import Matrix, Recipe, Suite, Thresholds


class TestYelp(Suite):
    """Five labels, every batch padded to max_length, small samples, a second one held out."""

    recipe = Recipe(
        dataset="yelp_review_full",
        model="bert-base-cased",
        collation="max_length",
        max_length=512,
        max_train_samples=1000,
        max_eval_samples=1000,
        max_holdout_samples=100,
        holdout_seed=64,
        num_train_epochs=3,
        eval_strategy="epoch",
        save_model=True,
        save_state=True,
    )
    matrix = Matrix(loop=["trainer", "pytorch", "accelerate"])
    thresholds = Thresholds(accuracy=0.50)
