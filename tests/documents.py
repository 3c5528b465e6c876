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

_FENCED = re.compile(r"^```([\w{}-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEXT = re.compile(r"\s*^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
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
        output: what a block of text right below says that it prints; empty if there is none.
    """

    document: Path
    line: int
    language: str
    text: str
    output: str = ""

    @property
    def file(self) -> str:
        """The path that a program's first line names; empty if it names none."""
        first = self.text.partition("\n")[0]
        is_path = self.language == "python" and re.fullmatch(r"# [\w/]+\.py", first)
        return first.removeprefix("# ") if is_path else ""

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
        below = _NEXT.match(text, match.end())
        output = below[1] if below else ""
        yield Block(document=document, line=line, language=match[1], text=match[2], output=output)


def links(document: Path) -> list[str]:
    """The targets of a document's links, but for those in its fenced blocks."""
    return _LINK.findall(_FENCED.sub("", document.read_text(encoding="utf-8")))


def anchors(document: Path) -> list[str]:
    """The anchors of a document's headings, as GitHub and MyST make them."""
    return [slug(h) for h in _HEADING.findall(_FENCED.sub("", document.read_text("utf-8")))]


def slug(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def session() -> str:
    """The example session that the README shows below its first command."""
    return next(block.output for block in blocks(README) if block.output)


def labels(line: str) -> tuple[str, ...]:
    """A line of output without its figures: what a run on another machine prints alike."""
    return tuple(word for word in line.split() if _WORD.search(word) and not _FIGURE.search(word))
