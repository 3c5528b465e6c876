"""Notices: the warnings that a run raises, through `warnings` and through the libraries' logs."""

import logging
import re
import warnings
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from harness.core import redaction

_LIBRARIES = ("transformers", "datasets", "evaluate", "accelerate", "torch")

_PROCESS = re.compile(r"\bpid=\d+")
"""In what Python 3.12 and later say of a fork beside threads: a data loader forks its workers."""


@dataclass(slots=True)
class Notices:
    """Collects every distinct warning of a block, in order, secrets removed."""

    texts: dict[str, None] = field(default_factory=dict)
    _caught: "warnings.catch_warnings[None]" = field(default_factory=warnings.catch_warnings)
    _handler: logging.Handler | None = None

    def __enter__(self) -> Self:
        """Start listening."""
        self._caught.__enter__()
        warnings.simplefilter("default")
        warnings.showwarning = self._warned  # type: ignore[assignment] # it takes what it is given
        self._handler = _Collector(self)
        for name in _LIBRARIES:
            logging.getLogger(name).addHandler(self._handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        for name in _LIBRARIES:
            if self._handler is not None:
                logging.getLogger(name).removeHandler(self._handler)
        self._caught.__exit__(kind, error, trace)

    def add(self, origin: str, message: str) -> None:
        """Note a warning once, without the number of the process, which differs from run to run."""
        plain = _PROCESS.sub("pid=…", message.strip())
        self.texts.setdefault(redaction.text(f"{origin}: {plain}"))

    def _warned(self, message: Warning | str, category: type[Warning], *_: object) -> None:
        """Stand in for `warnings.showwarning`."""
        self.add(category.__name__, str(message))


class _Collector(logging.Handler):
    """Hands warnings of the libraries' loggers to the notices."""

    def __init__(self, notices: Notices) -> None:
        """Listen for warnings and worse."""
        super().__init__(logging.WARNING)
        self.notices = notices

    def emit(self, record: logging.LogRecord) -> None:
        """Note one."""
        self.notices.add(record.name, record.getMessage())
