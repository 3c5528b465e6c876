"""Padding: which collation is fastest, and how near to the limit of the data?"""

from harness import Benchmark, Matrix, Recipe

COLLATIONS = [
    "max_length",
    "dynamic",
    "pad_to_multiple_of:8",
    "pad_to_multiple_of:64",
    "group_by_length",
    "sorted",
    "max_tokens:4096",
    "packed",
    "padding_free",
]
FEW = ["max_length", "dynamic", "group_by_length", "packed", "padding_free"]
REVIEWS = Recipe(
    dataset="imdb",
    loop="pytorch",
    max_length=512,
    max_train_samples=10_000,
    per_device_train_batch_size=16,
)


class TestImdb(Benchmark):
    """Long reviews: one in seven is cut."""

    recipe = REVIEWS
    matrix = Matrix(collation=COLLATIONS)


class TestMrpc(Benchmark):
    """Sentence pairs of much the same length, far below the limit."""

    recipe = Recipe(
        dataset="glue/mrpc", loop="pytorch", max_length=128, per_device_train_batch_size=16
    )
    matrix = Matrix(collation=COLLATIONS)


class TestYelp(Benchmark):
    """Short and long reviews."""

    recipe = Recipe(
        dataset="yelp_review_full",
        loop="pytorch",
        max_length=512,
        max_train_samples=10_000,
        per_device_train_batch_size=16,
    )
    matrix = Matrix(collation=COLLATIONS)
    scales = ("full",)


class TestUniform(Benchmark):
    """Every length is as likely: most is to be won."""

    recipe = REVIEWS
    matrix = Matrix(collation=FEW)
    lengths = "uniform"


class TestOutliers(Benchmark):
    """One example in fifty is long, and widens its batch."""

    recipe = REVIEWS
    matrix = Matrix(collation=FEW)
    lengths = "outliers"


class TestBatchSize(Benchmark):
    """Small batches pad little, large ones keep the device busy."""

    recipe = REVIEWS
    matrix = Matrix(per_device_train_batch_size=[4, 64], collation=FEW)
    scales = ("full",)


class TestModel(Benchmark):
    """Half the layers."""

    recipe = REVIEWS
    matrix = Matrix(model=["distilbert-base-uncased"], collation=FEW)
    scales = ("full",)


class TestPrecision(Benchmark):
    """Half the bytes."""

    recipe = REVIEWS
    matrix = Matrix(bf16=[True], collation=FEW)
    scales = ("full",)


class TestCompiled(Benchmark):
    """Every new shape may have to be compiled."""

    recipe = REVIEWS
    matrix = Matrix(torch_compile=[True], collation=FEW)
    scales = ("full",)


class TestWorkers(Benchmark):
    """Batches are made beside the model, and copied from pinned memory or not."""

    recipe = REVIEWS
    matrix = Matrix(
        dataloader_num_workers=[2],
        dataloader_pin_memory=[True, False],
        collation=["max_length", "dynamic", "padding_free"],
    )
    scales = ("full",)
