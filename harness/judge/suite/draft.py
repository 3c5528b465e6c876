"""A draft: the text of a suite for rows that were surveyed, what was inferred as comments."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.dataset import Dataset
from harness.core.model import Model
from harness.core.survey import Survey

_LENGTHS = (64, 128, 256, 512)
_TOKENS_A_WORD = 1.5
_SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A suite that nobody has written yet.

    Attributes:
        path: of the rows, from the repository on.
        survey: of them.
        model: as a recipe has it.
        remark: on the model, for whoever reads the suite; empty if there is none.
    """

    path: str
    survey: Survey
    model: str | Model
    remark: str = ""

    @property
    def name(self) -> str:
        """The rows' name, as a module's."""
        last = self.path.rpartition(":")[2] if ":" in self.path else self.path.rpartition("/")[2]
        stem = last.partition(".")[0].lower()
        return re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_") or "data"

    def text(self) -> str:
        """The suite, as a file holds it."""
        class_name = "".join(part.capitalize() for part in self.name.split("_"))
        imports = ["Dataset", "Matrix", "Recipe", "Suite", "Thresholds"]
        if isinstance(self.model, Model):
            imports.insert(2, "Model")
        return "\n".join(
            [
                f'"""{self.path}: what is inferred is a comment; edit what is not so."""',
                "",
                f"from harness import {', '.join(imports)}",
                "",
                "DATA = Dataset(",
                *(f"    {line}" for line in self._dataset()),
                ")",
                "",
                "",
                f"class Test{class_name}(Suite):",
                f'    """{self._sentence()}"""',
                "",
                "    recipe = Recipe(",
                *(f"        {line}" for line in self._recipe()),
                "    )",
                '    matrix = Matrix(loop=["trainer"])  # and "pytorch", "accelerate"',
                "    thresholds = Thresholds()  # such as "
                + ("accuracy=0.9" if self.survey.counts else "loss=1.0")
                + ", once you know what is normal",
                "",
            ]
        )

    def _sentence(self) -> str:
        """What is learnt, in a sentence."""
        splits = ", ".join(f"{rows:,} rows of {name}" for name, rows in self.survey.splits.items())
        return f"{self.survey.task.replace('_', ' ').capitalize()}: {splits}."

    def _dataset(self) -> Iterator[str]:
        """The arguments of the data set."""
        survey = self.survey
        path = _literal(self.path)
        source = f'"{survey.builder}", data_files={path}' if survey.builder else path
        yield f"path={source},"
        if survey.options:
            yield f"options={_literal(dict(survey.options))},  # how the file is written"
        texts = survey.texts if len(survey.texts) > 1 else survey.texts[0]
        columns = ", ".join(column.name for column in survey.columns)
        yield f"texts={_literal(texts)},  # of the columns {columns}"
        yield f"label={_literal(survey.label)},{self._labels()}"
        if survey.label_names and survey.task != "regression":
            known = ", ".join(map(_literal, survey.label_names[:_SHOWN]))
            more = ", …" if len(survey.label_names) > _SHOWN else ""
            yield f"# label_names=({known}{more}),  # in the order of their ids"
        inferred = "" if survey.declares_task else "# "
        yield f"{inferred}task={_literal(survey.task)},"
        if len(survey.splits) == 1:
            yield '# splits={"evaluation": 0.2},  # the share of the rows that is evaluated'
        else:
            yield f"# splits: of {', '.join(survey.splits)}; {survey.notes[-1]}"
        if survey.incomplete and survey.label is not None:
            yield f'incomplete="drop",  # {survey.incomplete:,} rows have no text or no label'

    def _labels(self) -> str:
        """How often each label is there, as a comment."""
        counts = sorted(self.survey.counts.items(), key=lambda item: -item[1])
        shown = ", ".join(f"{name!r} {count:,}" for name, count in counts[:_SHOWN])
        more = f", and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
        return f"  # {shown}{more}" if shown else ""

    def _recipe(self) -> Iterator[str]:
        """The arguments of the recipe."""
        tokens = self.survey.length * _TOKENS_A_WORD
        length = next((known for known in _LENGTHS if known >= tokens), _LENGTHS[-1])
        yield "dataset=DATA,"
        if self.remark:
            yield f"# {self.remark}"
        yield f"model={_written(self.model)},"
        yield f"max_length={length},  # 19 of 20 rows have at most {self.survey.length:,} words"
        yield "num_train_epochs=3,"


def dataset_of(path: str, survey: Survey) -> Dataset:
    """The declaration of rows at a path, as a survey sees them."""
    source = {"path": survey.builder, "data_files": path} if survey.builder else {"path": path}
    return Dataset(
        **source,  # type: ignore[arg-type] # texts
        options=survey.options,
        texts=survey.texts,
        label=survey.label,
        incomplete="drop",
    )


def _written(model: str | Model) -> str:
    """A model as a suite declares it."""
    if isinstance(model, str):
        return _literal(model)
    if model.path is not None:
        return f"Model(path={_literal(model.path)})"
    return f"Model(config={_literal(dict(model.config or {}))})"


def _literal(value: Any) -> str:
    """A value as Python writes it, its strings in the quotes that formatters give them."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        items = (f"{_literal(name)}: {_literal(part)}" for name, part in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        inner = ", ".join(map(_literal, value))
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    return repr(value)
