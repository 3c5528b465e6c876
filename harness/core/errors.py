"""The exceptions of the harness: one tree, so that a caller can catch what it means.

HarnessError
├── SpecError          a suite, recipe, matrix or setting that cannot mean anything
│   └── MisfitError         a value that is none of those that its declaration takes
├── SourceError        a data set or model that is refused or malformed
│   └── MissingSourceError  or that is in none of the places tried
├── StoreError         a store that cannot be read or written
│   ├── NotStoredError      or that does not have what may only come from it
│   └── CorruptError        or whose files are not what was written
├── ResolutionError    packages that cannot be resolved or installed
└── RunError           a run that did not come back with a record
    ├── CrashError        judged code raised what nobody caught, or ended its process
    ├── InjectionError    what a fault breaks is not there
    ├── UnsupportedError  the judged version cannot do what a recipe asks
    ├── LimitError        what does not fit into memory, or into a night
    └── InterpreterError  an interpreter that cannot be judged

A message names the thing, the reason and the next action. `text` is all a user needs to see:
none of these is ever shown with a traceback of ours.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from harness.core import redaction

_LONGEST = 80
"""Characters of a value that a message shows."""


class HarnessError(Exception):
    """Base of every error that the harness raises on purpose."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        """Build the message from what is wrong, why, and what to do next; no secret is in it."""
        self.what = redaction.text(what)
        self.why = redaction.text(why)
        self.fix = redaction.text(fix)
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """The whole message, one thought a line."""
        return "\n".join(part for part in (self.what, self.why, self.fix) if part)


class SpecError(HarnessError):
    """A suite, recipe, matrix or setting that cannot mean anything."""


class MisfitError(SpecError):
    """A value that is none of those that its declaration takes.

    Attributes:
        place: keys and indices that lead to the value, inside what was given.
    """

    def __init__(self, what: str, *, fix: str = "", place: tuple[str | int, ...] = ()) -> None:
        """Keep what whoever knows where the value was given makes a message of."""
        self.place = place
        super().__init__(what, fix=fix)

    @property
    def line(self) -> str:
        """The message in one line."""
        return "; ".join(part for part in (self.what, self.fix) if part)

    def within(self, *place: str | int) -> "MisfitError":
        """The same of a value that is itself inside another, at a place."""
        return MisfitError(self.what, fix=self.fix, place=(*place, *self.place))

    def named(self, name: str) -> SpecError:
        """The same of a value that has a name."""
        return SpecError(f"{name}={self.what}", fix=self.fix)


class SourceError(HarnessError):
    """A data set or model that is refused or malformed."""


class MissingSourceError(SourceError):
    """A data set or model that is in none of the places tried."""


class StoreError(HarnessError):
    """A store that cannot be read or written."""


class NotStoredError(StoreError):
    """A store that does not have what may only come from it."""


class CorruptError(StoreError):
    """A store some of whose files are not what was written."""


class ResolutionError(HarnessError):
    """Packages that cannot be resolved or installed."""


class RunError(HarnessError):
    """A run that did not come back with a record."""


class CrashError(RunError):
    """Judged code that raised what nobody caught, or that ended its process."""


class InjectionError(RunError):
    """A fault whose own code does not find what it breaks."""


class UnsupportedError(RunError):
    """The judged version cannot do what a recipe asks: it is left out."""


class LimitError(RunError):
    """Something that does not fit into the memory or the time there is."""


class InterpreterError(RunError):
    """An interpreter that cannot be judged."""


def short(value: object) -> str:
    """A value as it is written, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of that many digits
        text = "a number of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def kind_named(value: object) -> str:
    """The type of a value, with its article."""
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def unknown(kind: str, name: str, valid: Iterable[str]) -> SpecError:
    """An unknown name: says the nearest valid one first, then all of them."""
    names = list(valid)
    hint = nearest(name, names)
    return SpecError(
        f"unknown {kind} {name!r}" + (f": did you mean {hint!r}?" if hint else ""),
        fix=f"valid: {', '.join(sorted(names))}",
    )


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that was most likely meant: `epocs` is near a part of `num_train_epochs`."""
    names = list(valid)
    longer = [whole for whole in names if whole.startswith(f"{name}_")]
    close = [*longer, *get_close_matches(name, names, n=1)]
    if close:
        return close[0]
    parts = {part: whole for whole in reversed(names) for part in whole.split("_")}
    in_part = get_close_matches(name, parts, n=1, cutoff=0.75)
    if in_part:
        return parts[in_part[0]]
    return next((whole for whole in names if name.lower() in whole.lower()), None)


def reason(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]
