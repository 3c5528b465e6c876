"""GLUE/MRPC: is the second sentence a paraphrase of the first?"""

from harness import Matrix, Recipe, Suite, Thresholds


class TestMrpc(Suite):
    """Sentence pairs: token types matter, lengths are short."""

    recipe = Recipe(dataset="glue/mrpc", max_length=128, num_train_epochs=3, learning_rate=5e-5)
    matrix = Matrix(
        model=["bert-base-uncased", "distilbert-base-uncased"],
        collation=["dynamic", "max_length"],
        loop=["trainer", "pytorch", "accelerate"],
    )
    thresholds = Thresholds(accuracy=0.82, f1=0.87)
