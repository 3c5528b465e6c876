"""Trials: short runs beside a cell's own, and what the judged libraries answer to short questions.

A relation compares trials that differ in one thing; a closed form judges one. They run in double
precision without dropout, where a relation holds to rounding or does not hold.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.core import questions, serial
from harness.core.dataset import Task
from harness.core.errors import CrashError
from harness.core.recipe import Recipe
from harness.core.record_parts import Checkpoint, Evaluation, Step
from harness.core.trainer_arguments import Effect

Rows = tuple[tuple[float, ...], ...]

FILE = "trials.json"

RATES, WARMUP = 12, 3
"""Steps of the schedules whose rates are answered, and how many of them are warmup."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One optimizer step beside what `harness.worker.reference_model` computes from formulas.

    Attributes:
        loss: mean of the terms of the step's loss.
        norm: L2 norm of that loss's gradient.
        clipped: L2 norm of the gradients that the optimizer was given.
        direction: distance of both gradients' unit vectors.
        update: largest distance of a parameter from AdamW's closed form, in learning rates.
        worst: name of that parameter.
    """

    loss: float
    norm: float
    clipped: float
    direction: float
    update: float
    worst: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One short run.

    Attributes:
        error: how it ended, if it did not end well; the rest is then empty.
        steps: every optimizer step.
        rows: names of the rows trained on, in order.
        evaluations: in order.
        predicted: names of the rows predicted at the end, in order.
        logits: what was kept of each predicted example at the end; of tokens, as many as it has.
        alone: logits of each evaluated example by itself, from the reference, with the weights
            at the end, in the data set's order.
        checkpoints: those written during training, and the model in memory afterwards.
        looks: the first steps beside the formulas, where the variation asks for it.
        operations: torch operators of each step, where they are counted.
        update_operations: those of them that the optimizer's update took.
        graphs: that torch compiled.
        workers: processes other than the run's own that read a torch data set's examples.
        ranks: the other processes' trials, where there are several.
        overrides: what a user's Trainer did in a way of its own, and what each may change.
    """

    error: str = ""
    steps: tuple[Step, ...] = ()
    rows: tuple[int, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    predicted: tuple[int, ...] = ()
    logits: Rows = ()
    alone: Rows = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    looks: tuple[Look, ...] = ()
    operations: tuple[int, ...] = ()
    update_operations: tuple[int, ...] = ()
    graphs: int = 0
    workers: int = 0
    ranks: tuple["Trial", ...] = ()
    overrides: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the trial into a file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Trial":
        """Read what a file holds."""
        trial: Trial = serial.decode(cls, json.loads(path.read_text(encoding="utf-8")))
        return trial

    @property
    def losses(self) -> list[float]:
        """Loss of every step."""
        return [step.loss for step in self.steps]

    @property
    def norms(self) -> list[float]:
        """Gradient norm of every step, before clipping."""
        return [float("nan") if s.grad_norm is None else s.grad_norm for s in self.steps]

    @property
    def rates(self) -> list[float]:
        """Learning rate of every step."""
        return [step.learning_rate for step in self.steps]

    def evaluation(self, name: str = "final") -> Evaluation:
        """The evaluation of that name."""
        return next(part for part in self.evaluations if part.name == name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Padded:
    """Some examples, collated in one way.

    Attributes:
        logits: what is kept of each example; of tokens, as many as it has.
        losses: of each example.
        gradients: relative distance of each example's gradient from its gradient unpadded.
    """

    logits: Rows
    losses: tuple[float, ...]
    gradients: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What the judged libraries answer to short questions.

    Attributes:
        model_type: of the model's configuration.
        divides_loss: whether it divides its loss by the number that the Trainer hands it.
        foresight: how far a language model's logits of a text's first half move with the second;
            None of other tasks.
        narrowings: how often each kind of its modules computes in less than double precision,
            though its weights and what it is given have that.
        dropout: the largest probability by which the checkpoint drops something; None in earlier
            versions.
        padded: examples by collation; `alone` is one example a batch, unpadded.
        stages: what the model computes from a first batch in single precision, stage by stage:
            `tokens` (their digest), then the norm of `embeddings`, each `layer.INDEX` and `logits`.
        reference_stages: the same norms from the formulas; none where they are not written.
        schedules: `RATES` learning rates, `WARMUP` of them warmup, by the scheduler's name.
        chosen: what `shuffle(seed).select(range(n))` picks of a hundred rows.
        cached: lengths that `map` gives with its cache on, for a shorter and a longer limit.
        formatted: dtypes of the columns under `with_format("torch")`.
        signatures: parameters and defaults of the library calls that a recipe uses.
        errors: how asking ended, by the answer's name, where it did not end well: the answer is
            then empty.
    """

    padded: Mapping[str, Padded]
    stages: Mapping[str, Any]
    reference_stages: Mapping[str, Any]
    schedules: Mapping[str, tuple[float, ...]]
    chosen: tuple[int, ...]
    cached: tuple[int, int]
    formatted: Mapping[str, str]
    signatures: Mapping[str, Mapping[str, str]]
    errors: Mapping[str, str] = field(default_factory=dict)
    model_type: str = ""
    dropout: float | None = None
    divides_loss: bool = False
    foresight: float | None = None
    narrowings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedTrials:
    """What a worker saw of a cell's trials: the part that it writes.

    Attributes:
        evaluated: names of the evaluated rows in the data set's order.
        answers: to short questions.
        trials: by the variation's name.
        warnings: raised while they ran, each once.
        seconds: that each took, by name.
    """

    evaluated: tuple[int, ...]
    answers: Answers
    trials: Mapping[str, Trial]
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]

    def write(self, folder: Path) -> None:
        """Write all that is known into an existing folder."""
        (folder / FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trials(ObservedTrials):
    """A cell's trials.

    Attributes:
        recipe: the base of all, as JSON.
        device: `cpu` or `cuda`.
        task: what is learnt.
    """

    recipe: Mapping[str, Any]
    device: str
    task: Task = "single_label_classification"

    def __getitem__(self, name: str) -> Trial:
        """A trial that ended well.

        Raises:
            CrashError: it did not; no assertion, so that no known issue covers it.
        """
        trial = self.trials[name]
        if trial.error:
            raise CrashError(f"a trial crashed: {trial.error}", why=f"the trial {name!r}")
        return trial

    def answer(self, name: str) -> Any:
        """An answer to a short question.

        Raises:
            CrashError: asking did not end well.
        """
        return questions.answer(self.answers, self.answers.errors, name)

    @property
    def overrides(self) -> Mapping[str, tuple[Effect, ...]]:
        """What a user's Trainer did in a way of its own, in any trial."""
        each = [trial.overrides for trial in self.trials.values()]
        return {name: effects for overrides in each for name, effects in overrides.items()}

    def __contains__(self, name: str) -> bool:
        """Whether the cell's loop has such a trial."""
        return name in self.trials

    @property
    def first_steps(self) -> dict[str, Any]:
        """A cell's cheap fingerprint, in single precision and without dropout.

        `tokens` of a first batch by their digest; the norms of its `embeddings`, `layer.INDEX`
        and `logits`; then `losses` and `norms` of three optimizer steps. In this order: the first
        place where two cells part is where they differ.
        """
        run, first = self["single precision"], slice(3)
        return {**self.answer("stages"), "losses": run.losses[first], "norms": run.norms[first]}

    @classmethod
    def read(cls, folder: Path) -> "Trials":
        """Read what a folder holds."""
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        trials: Trials = serial.decode(cls, values)
        return trials


def complete(folder: Path, recipe: Recipe, device: str, task: Task) -> None:
    """Add to what a worker observed the other fields of a cell's trials."""
    observed = json.loads((folder / FILE).read_text(encoding="utf-8"))
    whole = json.dumps({**observed, "recipe": asdict(recipe), "device": device, "task": task})
    (folder / FILE).write_text(whole + "\n", encoding="utf-8")
