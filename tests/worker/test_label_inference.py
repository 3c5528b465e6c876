"""Label inference: whatever values people label with become ids, numbers or lists of them."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from harness.core.dataset import Dataset, Task
from harness.core.errors import SourceError
from tests.loaded import Loaded, loaded


def of_labels(
    folder: Path, labels: list[Any], texts: list[Any] | None = None, **declared: Any
) -> Loaded:
    """What rows with some labels become, of which the last one is evaluated."""
    texts = texts or [f"text {number}" for number in range(len(labels))]
    rows = [{"text": t, "label": v} for t, v in zip(texts, labels, strict=True)]
    for name, part in {"train": rows[:-1], "test": rows[-1:]}.items():
        lines = "".join(json.dumps(row) + "\n" for row in part)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    files = {"train": "train.jsonl", "test": "test.jsonl"}
    return loaded(Dataset(path="json", data_files=files, texts="text", **declared), folder)


@pytest.mark.parametrize(
    ("labels", "names", "learnt"),
    [
        ([7, -1, 7], ("-1", "7"), [1, 0]),
        ([10, 9, 100, 9], ("9", "10", "100"), [1, 0, 2]),
        (["b", "a", "B", "a"], ("B", "a", "b"), [2, 1, 0]),
        ([True, False, True], ("False", "True"), [1, 0]),
        ([1.0, 3.0, 2.0, 1.0], ("1", "2", "3"), [0, 2, 1]),
    ],
)
def test_one_label(
    tmp_path: Path, labels: list[Any], names: tuple[str, ...], learnt: list[int]
) -> None:
    """Whole numbers of any size, texts, truth values and numbers with a point that are whole."""
    result = of_labels(tmp_path, labels)
    assert result.schema.task == "single_label_classification"
    assert result.schema.label_names == names
    assert result.splits["train"]["label"] == learnt


@pytest.mark.parametrize(
    ("cells", "task", "names"),
    [
        (["10", "9", "9"], "single_label_classification", ("9", "10")),
        (["TRUE", "False", "true"], "single_label_classification", ("False", "True")),
        (["0.5", "2", "3.25"], "regression", ("label",)),
        (["1.0", "2", "1"], "single_label_classification", ("1", "2")),
        (["1", "two", "1"], "single_label_classification", ("1", "two")),
        (["NA", "null", "NA"], "single_label_classification", ("NA", "null")),
        (["12345678901234567890", "2", "2"], "single_label_classification", None),
    ],
)
def test_cells_of_csv(
    tmp_path: Path, cells: list[str], task: Task, names: tuple[str, ...] | None
) -> None:
    """All cells of a column decide whether they are numbers; only empty ones are none."""
    rows = "".join(f"text {number},{cell}\n" for number, cell in enumerate(cells))
    (tmp_path / "data.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    result = loaded(Dataset(path="data.csv", texts="text", splits={"evaluation": 0.3}), tmp_path)
    assert result.schema.task == task
    assert names is None or result.schema.label_names == names


def test_regression(tmp_path: Path) -> None:
    """Numbers with a fraction are learnt as they are; whole ones where that is declared."""
    inferred = of_labels(tmp_path, [0.5, 3.0, 2.25])
    assert inferred.schema.task == "regression"
    assert inferred.splits["train"]["label"] == [0.5, 3.0]
    assert inferred.notes[0] == "task='regression', by what the column 'label' holds"
    declared = of_labels(tmp_path, [1, 2, 3], task="regression")
    assert declared.splits["train"]["label"] == [1.0, 2.0]
    assert declared.notes == ("evaluated: the split 'test'",)


@pytest.mark.parametrize(
    ("labels", "names", "learnt"),
    [
        ([["joy"], [], ["fear", "joy"], ["fear"]], ("fear", "joy"), [[0, 1], [0, 0], [1, 1]]),
        ([[3], [1, 3], [1]], ("1", "3"), [[0, 1], [1, 1]]),
        ([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]], ("0", "1"), [[0, 1], [1, 1]]),
        ([[0, 0, 1], [1, 0, 1], [0, 1, 0]], ("0", "1", "2"), [[0, 0, 1], [1, 0, 1]]),
        ([[True, False], [True, True], [False, False]], ("0", "1"), [[1, 0], [1, 1]]),
    ],
)
def test_several_labels(
    tmp_path: Path, labels: list[Any], names: tuple[str, ...], learnt: list[list[int]]
) -> None:
    """Lists name the labels that hold, or say of each whether it does."""
    result = of_labels(tmp_path, labels)
    assert result.schema.task == "multi_label_classification"
    assert result.schema.label_names == names
    assert result.splits["train"]["labels"] == learnt


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["3,17", "3", "9,17", "17"], ("3", "9", "17")),
        (["a; b", "b", "c;b", "a"], ("a", "b", "c")),
        (["['a', 'b']", "['b']", "['c', 'b']", "['a']"], ("a", "b", "c")),
    ],
)
def test_several_labels_in_a_cell(tmp_path: Path, cells: list[str], names: tuple[str, ...]) -> None:
    """Where the task says that there are several, a CSV file's cells are taken apart."""
    rows = "".join(f'text {number},"{cell}"\n' for number, cell in enumerate(cells))
    (tmp_path / "data.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    result = loaded(
        Dataset(
            path="data.csv",
            texts="text",
            task="multi_label_classification",
            splits={"evaluation": 0.25},
        ),
        tmp_path,
    )
    assert result.schema.label_names == names
    learnt = {
        text: labels
        for split in result.splits.values()
        for text, labels in zip(split["text"], split["labels"], strict=True)
    }
    assert learnt["text 1"].count(1.0) == 1
    assert learnt["text 2"].count(1.0) == 2


def test_notes_hold_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label that is a secret of the environment's is named nowhere but in the table."""
    monkeypatch.setenv("SERVICE_TOKEN", "hunter2-hunter2-7")
    result = of_labels(tmp_path, ["hunter2-hunter2-7", "b", "b"])
    assert "hunter2" not in " ".join(result.notes)
    with pytest.raises(SourceError) as refused:
        of_labels(tmp_path, ["a", "b", "hunter2-hunter2-7"])
    assert "hunter2" not in refused.value.text


def test_tags_of_words(tmp_path: Path) -> None:
    """Lists beside lists of words are tags."""
    sentences = [["Ada", "met", "Bob"], ["hello"], ["Bob"]]
    result = of_labels(tmp_path, [["B", "O", "B"], ["O"], ["B"]], sentences)
    assert result.schema.task == "token_classification"
    assert result.splits["train"] == {"text": sentences[:2], "tags": [[0, 1, 0], [1]]}


def test_text_alone(tmp_path: Path) -> None:
    """Where there is no label, texts are a language model's; empty lines are none."""
    (tmp_path / "play.txt").write_text("To be,\n\nor not\nto be\n", encoding="utf-8")
    result = loaded(Dataset(path="play.txt", texts="text", label=None), tmp_path)
    assert result.schema.task == "causal_lm"
    assert sorted(t for part in result.splits.values() for t in part["text"]) == [
        "To be,",
        "or not",
        "to be",
    ]
    assert result.notes[-1] == ("play.txt: left out 1 of 4 rows, which have no text")


@pytest.mark.parametrize(
    ("names", "learnt"), [((), [1, 0]), (("no", "yes"), [1, 0]), (("yes", "no"), [0, 1])]
)
def test_names_of_class_labels(tmp_path: Path, names: tuple[str, ...], learnt: list[int]) -> None:
    """A column that brings names keeps them; the same in another order only change ids."""
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    rows = datasets.Dataset.from_dict(
        {"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features
    )
    datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(str(tmp_path / "data"))
    dataset = Dataset(path="data", texts="text", label_names=names, incomplete="drop")
    result = loaded(dataset, tmp_path)
    assert result.schema.label_names == (names or ("no", "yes"))
    assert result.splits["train"]["label"] == learnt


def test_declared_names(tmp_path: Path) -> None:
    """Names that are declared are those of ids 0, 1, …, or of the column's values."""
    assert of_labels(tmp_path, [1, 0, 1], label_names=("no", "yes")).splits["train"]["label"] == [
        1,
        0,
    ]
    of_values = of_labels(tmp_path, ["yes", "no", "no"], label_names=("yes", "maybe", "no"))
    assert of_values.splits["train"]["label"] == [0, 2]
    assert of_values.notes[-1] == "evaluated: the split 'test'"


@pytest.mark.parametrize(
    ("labels", "declared", "message"),
    [
        (["a", "a", "a"], {}, "train.jsonl: 'label': every row to train on is labelled 'a'"),
        ([["a"], ["b"], ["a"]], {"task": "single_label_classification"}, "'label' holds lists"),
        (["a", "b", "a"], {"task": "multi_label_classification"}, "'label' holds one value a row"),
        (["a", "b", "a"], {"task": "regression"}, "train.jsonl, line 1: 'label': 'a' is no number"),
        (["a", "b", "c"], {}, "test.jsonl, line 1: 'label': 'c' is none of the labels 'a', 'b'"),
        (
            [0, 1, 2, 1],
            {"label_names": ("no", "yes")},
            "line 3: 'label': '2' is none of the labels",
        ),
        ([1, None, 2], {}, "train.jsonl, line 2: 'label' is empty"),
        (["a", "", "b"], {}, "train.jsonl, line 2: 'label' is empty"),
        ([["a"], ["b"], None, []], {}, "train.jsonl, line 3: 'label' is empty"),
        ([{"a": 1}, {"a": 2}, {"a": 1}], {}, "'label' holds values of type struct"),
        ([0.5, 0.5, 0.25], {}, "every row to train on is labelled 0.5"),
        ([f"x{n}" for n in range(30)], {}, "'label' has 29 different values in 29 rows"),
        (
            [[1.0, 0.0], [1.0], [0.0, 1.0]],
            {"label_names": ("a", "b")},
            "line 2: 'label': 1 numbers for 2 labels",
        ),
    ],
)
def test_refusals(
    tmp_path: Path, labels: list[Any], declared: dict[str, Any], message: str
) -> None:
    """What poses no task, or not the declared one, is refused with its file and row."""
    with pytest.raises(SourceError) as refused:
        of_labels(tmp_path, labels, **declared)
    assert message in refused.value.text
    assert refused.value.fix


@pytest.mark.parametrize(
    ("sentences", "declared", "message"),
    [
        ([["a"], ["b", "c"], ["d"]], {}, "train.jsonl, line 2: 2 words, and 1 tags"),
        ([["a"], [], ["d"]], {}, "train.jsonl, line 2: 'text' is empty"),
        ([["a"], [None], ["d"]], {}, "train.jsonl, line 2: 'text' has an empty word"),
        (["a", "b", "c"], {"task": "token_classification"}, "'text' holds texts"),
        ([["a"], ["b"], ["c"]], {"task": "multi_label_classification"}, "holds lists of words"),
        ([["a"], ["b"], ["c"]], {"label": None}, "holds lists of words"),
    ],
)
def test_refusals_of_words(
    tmp_path: Path, sentences: list[Any], declared: dict[str, Any], message: str
) -> None:
    """Every word has one tag, and only words have."""
    with pytest.raises(SourceError) as refused:
        of_labels(tmp_path, [["X"], ["Y"], ["X"]], sentences, **declared)
    assert message in refused.value.text
