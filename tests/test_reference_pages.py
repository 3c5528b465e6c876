"""The documents hold together: links resolve, and what the program knows is what it says."""

import re
from pathlib import Path

import pytest

import harness
from harness.judge.settings import Settings
from harness.judge.suite import explanations
from tests import documents, reference_pages
from tests.benchmarks import readme_figures
from tests.repositories import ROOT
from tests.test_layers import ROOMS

PAGES = sorted(reference_pages.FOLDER.rglob("*.md"))
CHANGELOG = ROOT / "CHANGELOG.md"
RENAMED = re.compile(r"^- `[^`\n]+` is (?=`)", re.MULTILINE)
"""What an entry of the changelog says was the name of something before."""


def broken_links(document: Path) -> list[str]:
    """The relative links of a document that lead nowhere."""
    broken = []
    for target in documents.links(document):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        if not path.exists() or (anchor and anchor not in documents.anchors(path)):
            broken.append(target)
    return broken


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=lambda path: path.name)
def test_links_resolve(document: Path) -> None:
    """Every relative link names a file, and a heading of it where it names an anchor."""
    assert not broken_links(document)


def test_planted_broken_links_are_seen(tmp_path: Path) -> None:
    """A file that is not there, a heading that is not there, and neither in a fenced block."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A `code` heading\n[a](no.md) [b](#a-code-heading) [c](#no)\n```text\n[d](no.md)\n```\n",
        encoding="utf-8",
    )
    assert broken_links(page) == ["no.md", "#no"]


def unknown_names(text: str) -> list[str]:
    """Options, commands, modules, files and invariants that a document names, and that are none."""
    flags = {flag for flag, _ in Settings.options()}
    inline = re.findall(r"`([^`\n]+)`", text)
    modules = re.findall(r"python -m ((?:tests|fixtures|harness)\b(?:\.\w+)*)", text)
    typed = text.replace("\\\n", " ")
    commands = re.findall(r"(?:^\$ |`)(harness [^`\n#|>]+)", typed, re.MULTILINE)
    paths = [
        x for x in inline if re.fullmatch(r"(?:harness|tests|fixtures|docs|\.\w+)/[\w./-]+", x)
    ]
    tests = [name for name in inline if re.fullmatch(r"test_\w+", name)]
    return [
        *(x for x in re.findall(r"--harness-[a-z-]*[a-z]", text) if x not in flags),
        *(x for command in commands for x in reference_pages.unknown_arguments(command)),
        *(x for x in modules if not any(map(Path.exists, _sources(x)))),
        *(x for x in paths if not (ROOT / x).exists() and not x.startswith(".harness/")),
        *(x for x in tests if x not in explanations.load()),
    ]


def _sources(module: str) -> tuple[Path, Path]:
    """Where what `python -m` runs may be."""
    path = ROOT / module.replace(".", "/")
    return path / "__main__.py", path.with_suffix(".py")


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=lambda path: path.name)
def test_names_exist(document: Path) -> None:
    """What a document names in passing is there, as what it tells a reader to type is."""
    text = document.read_text(encoding="utf-8")
    assert not unknown_names(RENAMED.sub("", text) if document == CHANGELOG else text)


def test_planted_unknown_names_are_seen() -> None:
    """One of each kind, beside one that is there."""
    text = (
        "`--harness-scales` `--harness-scale` `harness grate` `harness gate` `test_loss_rises` "
        "`harness store prunes` `harness store prune --older=3d --older-than=3d` "
        "`harness gate … --attributed` `harness gate … --attribute` `harness … --help`\n"
        "$ harness baseline accept X \\\n    --becauses  # --commented\n"
        "`test_loss_falls` `harness/judge/none.py` `harness/judge/cell.py` "
        "`python -m tests.benchmarks.nothing` `python -m tests.benchmarks.killed` "
        "`python -m harness.judge` `python -m harness.judge.cli`"
    )
    strange = (
        "--harness-scales grate prunes --older --attributed --becauses tests.benchmarks.nothing "
        "harness.judge harness/judge/none.py test_loss_rises"
    )
    assert unknown_names(text) == strange.split()


def test_a_former_name_is_the_changelogs_to_tell() -> None:
    """Of an entry that renames something, the name that it has now is held to be there."""
    text = "- `--harness-scales` is `--harness-scale`.\n- `harness grate` is `harness grates`.\n"
    assert unknown_names(RENAMED.sub("", text)) == ["grates"]
    assert unknown_names(text) == ["--harness-scales", "grate", "grates"]


def test_every_page_is_reached_from_the_readme() -> None:
    """No page is left that nobody would find."""
    linked = {(ROOT / target.partition("#")[0]) for target in documents.links(documents.README)}
    assert {page for page in PAGES if page.name != "index.md"} <= linked


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pages_are_as_the_program_makes_them(page: Path) -> None:
    """Options, commands, invariants and known issues; each has an option's help, and none more."""
    text = page.read_text(encoding="utf-8")
    is_made = reference_pages.made(text) == text
    assert is_made, f"{page.relative_to(ROOT)} is not up to date: {reference_pages.COMMAND}"
    assert "|  |\n" not in text, "an option or a mark without a word of help"


def test_every_part_stands_on_a_page() -> None:
    """Nothing that can be made is left out, or made twice."""
    parts = [x for page in PAGES for x in reference_pages.parts_of(page.read_text("utf-8"))]
    assert sorted(parts) == sorted(reference_pages.PARTS)


def test_a_page_that_is_out_of_date_is_seen() -> None:
    """What was edited by hand, or was true of an earlier version."""
    text = "before\n<!-- made: marks -->\nan older one\n<!-- end -->\nafter"
    made = reference_pages.made(text)
    assert "an older one" not in made
    assert made.startswith("before\n<!-- made: marks -->\n")
    assert reference_pages.made(made) == made


def test_the_architecture_lists_the_rooms() -> None:
    """In their order, as the test of the layers has them."""
    text = (reference_pages.FOLDER / "architecture.md").read_text(encoding="utf-8")
    places = [text.index(f"| `{room}/` |") for room in ROOMS]
    assert places == sorted(places)


def test_every_public_name_is_documented() -> None:
    """On the page of the API, from its docstring."""
    text = (reference_pages.FOLDER / "api.md").read_text(encoding="utf-8")
    for name in harness.__all__:
        assert f".. autoclass:: harness.{name}\n" in text


def test_sentences_that_name_seconds_are_there() -> None:
    """What the script of the README's figures writes has a place to be written to."""
    for path, patterns in readme_figures.SENTENCES.items():
        written = readme_figures.timed(path.read_text(encoding="utf-8"), patterns, (123.0, 45.0))
        assert "123 seconds" in written
        assert "45 seconds" in written


def test_no_document_names_a_registry_or_a_machine() -> None:
    """Nor a folder of whoever wrote it."""
    for document in documents.DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for name in ("pypi.", "/root", "/work/", "/home/", "huggingface.co"):
            assert name not in text, document
