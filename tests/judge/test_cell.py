"""Cells: what a recipe names is resolved where its suite is collected, and never again."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.collation import DYNAMIC, PLAIN, within
from harness.core.errors import SpecError
from harness.core.recipe import LOOPS, Recipe
from harness.judge import catalog
from harness.judge.cell import Cell, base_of, tokenized_of
from tests import names

JUDGE = Path(catalog.__file__).parent

DOORS = {
    "harness.judge.catalog.DATASETS": {"suite/validation", "cli/plan"},
    "harness.judge.catalog.MODELS": {"cli/init", "cli/plan"},
    "harness.core.recipe.LOOPS": {"cell"},
    "harness.core.collation.PLAIN": {"benchmark/planning"},
    "harness.judge.catalog.dataset": {"cell", "suite/validation"},
    "harness.judge.catalog.model": {
        *("cell", "cli/init", "cli/shrink", "suite/validation", "suite/known_issues"),
    },
    "harness.core.collation.parse": {"cell", "suite/validation", "suite/known_issues"},
    "harness.core.collation.scaled": {"catalog"},
    "harness.core.recipe.find_loop": {"cell", "suite/validation", "suite/known_issues"},
    "harness.judge.catalog.tiny": {"cli/plan", "suite/base"},
    "harness.judge.cell.Cell.of": {"suite/base", "cli/plan", "plugin/fixtures"},
}
"""What turns a name into an object, be it a function or a table, and the modules where names come
in: those that collect suites, and those that read a command's arguments, a fixture's or a file of
known issues."""


def references(path: Path) -> Iterator[str]:
    """Full names of everything that a file refers to by way of its imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = names.homes(tree)
    yield from (names.full_name(node, imported) for node in ast.walk(tree))


def doors(folder: Path) -> dict[str, set[str]]:
    """By what resolves a name, the modules of a folder that refer to it."""
    where = defaultdict(set)
    for path in folder.rglob("*.py"):
        for name in set(references(path)) & DOORS.keys():
            where[name].add(str(path.relative_to(folder).with_suffix("")))
    return dict(where)


def test_names_are_resolved_at_the_doors() -> None:
    """Nowhere else in the judging tower does a name become an object."""
    assert doors(JUDGE) == DOORS


@pytest.mark.parametrize(
    "text",
    [
        "from harness.judge import catalog\nlimit = catalog.model('x').limit",
        "from harness.core.collation import parse\ndef late(name):\n    return parse(name).budget",
        "from harness.core import collation as c\nstrategies = map(c.parse, [])",
        "import harness.core.recipe as r\nloop = r.find_loop('trainer')",
        "from harness.judge.cell import Cell\ncell = Cell.of(name='x')",
        "from harness.judge import catalog\nlimit = catalog.MODELS['x'].limit",
        "from harness.judge.catalog import DATASETS\nknown = DATASETS.get('x')",
        "import harness.core.recipe\nloop = harness.core.recipe.LOOPS['trainer']",
        "from harness.core.collation import PLAIN as p\nstrategy = p['packed']",
    ],
)
def test_planted_look_ups_are_seen(tmp_path: Path, text: str) -> None:
    """However it is imported; whether a function is called or handed over, or a table is read."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "runner.py").write_text(text, encoding="utf-8")
    (where,) = doors(tmp_path).values()
    assert where == {"runs/runner"}


def cell(**fields: object) -> Cell:
    """A cell of a recipe with some fields."""
    recipe = replace(Recipe(dataset="imdb"), **fields)  # type: ignore[arg-type] # for tests
    return Cell.of(name="x", recipe=recipe, scale="tiny", device="cpu")


def test_a_cell_holds_what_its_recipe_names() -> None:
    """Objects, and the same whether it was made from names or varied from another."""
    made = cell(collation="max_tokens:64", loop="accelerate", seed=7)
    assert made.dataset is catalog.DATASETS["imdb"]
    assert made.model is catalog.MODELS["bert-base-uncased"]
    assert (made.collation, made.loop) == (within(64), LOOPS["accelerate"])
    varied = cell(loop="accelerate").collated(within(64)).varied(seed=7)
    assert (varied, hash(varied), varied.collation) == (made, hash(made), made.collation)
    base, tokenized = base_of(made), tokenized_of(made)
    assert (base.collation, base.loop) == (DYNAMIC, made.loop)
    assert (tokenized.collation, tokenized.loop) == (DYNAMIC, LOOPS["trainer"])


def test_a_cell_that_names_another_thing_is_refused() -> None:
    """A recipe changed behind the objects' back would be run with the old ones."""
    with pytest.raises(AssertionError, match="'packed'"):
        replace(cell(), recipe=Recipe(dataset="imdb", collation="packed"))
    with pytest.raises(AssertionError, match="'dynamic'"):
        replace(cell(), collation=PLAIN["packed"])
    with pytest.raises(SpecError, match="did you mean 'imdb'"):
        cell(dataset="imbd")
