"""A model of one's own: the checkpoint that is fine-tuned, or the configuration of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.spec import Spec


@dataclass(frozen=True, kw_only=True, slots=True)
class Model(Spec):
    """A checkpoint, in the words of `from_pretrained`.

    Attributes:
        path: a folder, relative to the repository that holds the suites; or a Hub repository.
        revision: of a Hub repository: a branch, a tag or a commit.
        config: fields of the configuration, `model_type` among them, where there is no checkpoint:
            weights are then random, and the tokenizer is of the type's own class.
        tokenizer: folder or Hub repository of the tokenizer, where it lies elsewhere.
    """

    path: str | None = None
    revision: str | None = None
    config: Mapping[str, Any] | None = None
    tokenizer: str | None = None

    def __str__(self) -> str:
        """A short name, for ids and tables."""
        if self.path is None:
            return str((self.config or {}).get("model_type", "model"))
        return Path(self.path).name or self.path
