"""The documents: the commands that they tell a reader to type, and what they say comes of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repositories import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "fixtures/*.md", "reports/README.md")
    for path in ROOT.glob(pattern)
)
README = ROOT / "README.md"
GAP = "…"
"""A line that stands for others."""

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"[a-zA-Z]{2}")
_FIGURE = re.compile(r"\d|^[.sxFE]+$")
_COMMENT = re.compile(r"\s+# .*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        document: that it is in.
        line: where it begins.
        language: of its fence.
        text: inside.
    """

    document: Path
    line: int
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """What a reader types: after a dollar, or the whole script; comments are left out."""
        if self.language == "sh":
            return [self.text]
        if self.language != "console":
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return [" ".join(_COMMENT.sub("", line).split()) for line in typed]


def blocks(document: Path) -> Iterator[Block]:
    """The fenced blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    for match in _FENCED.finditer(text):
        line = text[: match.start()].count("\n") + 1
        yield Block(document=document, line=line, language=match[1], text=match[2])


def session() -> str:
    """The example session that the README shows below its first command."""
    return next(block.text for block in blocks(README) if block.language == "text")


def words(line: str) -> tuple[str, ...]:
    """A line of output without its figures: what a run on another machine prints alike."""
    return tuple(word for word in line.split() if _WORD.search(word) and not _FIGURE.search(word))
