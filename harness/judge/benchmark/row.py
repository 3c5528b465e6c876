"""A row of a benchmark: the pace of one collation, for pytest-benchmark's files and our page."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from harness.judge.benchmark.ranking import Rank

if TYPE_CHECKING:
    from harness.judge.benchmark.contest import Contest

_NAMES = {"no": "float32", "fp16": "float16", "bf16": "bfloat16"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """One collation's line of a benchmark.

    Attributes:
        suite: the benchmark's class.
        data: the data set, or how its lengths were drawn.
        model: of the recipe.
        scale: `tiny` or `full`.
        device: `cpu` or `cuda`.
        batch_size: examples of a batch.
        max_length: tokens.
        precision: `float32`, or what autocast takes.
        compiled: the backend of `torch.compile`; empty where nothing is compiled.
        workers: processes that collate.
        pinned: whether batches are copied from pinned memory.
        threads: of the CPU.
        rank: what was measured.
    """

    suite: str
    data: str
    model: str
    scale: str
    device: str
    batch_size: int
    max_length: int
    precision: str
    compiled: str
    workers: int
    pinned: bool
    threads: int
    rank: Rank

    @classmethod
    def of(cls, suite: str, contest: "Contest", rank: Rank, threads: int) -> Self:
        """The line of a rank in a contest that a class of that name declares."""
        cell = contest.cell
        recipe = cell.recipe
        return cls(
            suite=suite,
            data=contest.data,
            model=str(recipe.model),
            scale=cell.scale,
            device=cell.device,
            batch_size=recipe.per_device_train_batch_size,
            max_length=contest.max_length,
            precision=_NAMES[recipe.precision(cell.device)],
            compiled=(recipe.torch_compile_backend or "inductor") if recipe.torch_compile else "",
            workers=recipe.dataloader_num_workers,
            pinned=recipe.dataloader_pin_memory and cell.device == "cuda",
            threads=threads,
            rank=rank,
        )

    @property
    def group(self) -> str:
        """What its line is compared within."""
        how = [self.precision]
        how += [f"compiled by {self.compiled}"] if self.compiled else []
        how += [f"{self.workers} workers"] if self.workers else []
        return (
            f"{self.rank.mode} {self.model} ({self.scale}, {self.device}) on {self.data}: "
            f"{self.batch_size} of {self.max_length} tokens, {', '.join(how)}"
        )

    def as_json(self) -> dict[str, Any]:
        """The line for programs; its rank has another name there, since version 1."""
        fields = asdict(self)
        rank = {"standing": fields.pop("rank")}
        shares = {"of_limit": self.rank.of_limit, "of_forecast": self.rank.of_forecast}
        return {"group": self.group} | fields | rank | shares
