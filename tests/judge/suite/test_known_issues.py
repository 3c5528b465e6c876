"""Known issues: expected where they apply, silent elsewhere, refused where they make no sense."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import SpecError
from harness.core.recipe import Recipe
from harness.judge.suite import known_issues
from harness.judge.suite.base import invariants
from harness.judge.suite.known_issues import OURS, KnownIssue
from tests.conftest import Door

DECLARED = """
[[issue]]
what = "the library is wrong"
invariants = ["{invariant}"]
packages = {{ transformers = "{versions}" }}
loops = ["trainer"]
advice = "wait"
"""

HOLDING = "test_number_of_steps"


@pytest.fixture
def declare(pytester: pytest.Pytester) -> Path:
    """A file for a user's own known issues."""
    return pytester.path / "own.toml"


def test_ours_name_what_exists() -> None:
    """Every known issue of ours names invariants, an advice and the first version; no last one."""
    for known in known_issues.load(OURS, invariants()):
        assert known.advice
        assert known.packages["transformers"].startswith(">=")
        assert not any("<=" in versions for versions in known.packages.values())


@pytest.mark.parametrize(
    ("versions", "loop", "invariant", "applies"),
    [
        ({"transformers": "5.1.0"}, "trainer", "test_a", True),
        ({"transformers": "5.1.0", "torch": "2.0"}, "trainer", "test_a", True),
        ({"transformers": "5.2.0"}, "trainer", "test_a", False),
        ({"transformers": "5.0.0rc1"}, "trainer", "test_a", False),
        ({"transformers": "4.57.6"}, "trainer", "test_a", False),
        ({"transformers": "5.1.0"}, "pytorch", "test_a", False),
        ({"transformers": "5.1.0"}, "trainer", "test_b", False),
        ({"torch": "5.1.0"}, "trainer", "test_a", False),
    ],
)
def test_a_known_issue_applies_where_it_says(
    versions: dict[str, str], loop: str, invariant: str, *, applies: bool
) -> None:
    """Invariant, loop and every version must match."""
    known = KnownIssue(
        what="wrong",
        invariants=("test_a",),
        packages={"transformers": ">=5.0,<5.2"},
        loops=("trainer",),
        advice="wait",
    )
    assert known.applies(invariant, Recipe(dataset="imdb", loop=loop), versions) is applies


def test_a_known_issue_may_show_with_some_models_and_collations_alone() -> None:
    """Where it names any, others are judged as ever."""
    known = KnownIssue(
        what="wrong",
        invariants=("test_a",),
        packages={},
        loops=("trainer",),
        models=("bert-base-cased",),
        collations=("group_by_length",),
        advice="wait",
    )
    recipe = Recipe(dataset="imdb", model="bert-base-cased", collation="group_by_length")
    assert known.applies("test_a", recipe, {})
    assert not known.applies("test_a", replace(recipe, collation="dynamic"), {})
    assert not known.applies("test_a", replace(recipe, model="bert-base-uncased"), {})


def test_a_fixed_issue_passes_and_is_told(door: Door, declare: Path) -> None:
    """Who upgrades to the version that fixed it hears so; who keeps the file may ask to fail."""
    declare.write_text(DECLARED.format(invariant=HOLDING, versions=">=4"), encoding="utf-8")
    arguments = ("--harness-known-issues", str(declare), "--harness-scale=tiny", "-k", HOLDING)
    result = door(*arguments)
    result.assert_outcomes(passed=1)
    line = "fixed in the installed version (1 tests): the library is wrong (transformers >=4*"
    result.stdout.fnmatch_lines([line])
    strict = door(*arguments, "--harness-strict-known-issues")
    assert strict.ret == pytest.ExitCode.TESTS_FAILED
    strict.stdout.fnmatch_lines(["known issues are strict: remove from its file what is *", line])


@pytest.mark.parametrize(
    ("figures", "outcome", "line"),
    [
        ('loss = 2, "gradient norm" = 2, "final logits" = "any"', "xfailed", "known issue (1 *"),
        ("loss = 2", "failed", "*loss, value 1: *; gradient norm, value 1: *; final logits, *"),
        ('loss = 3, "gradient norm" = 2, "final logits" = "any"', "failed", "*loss, value 1: *"),
        ('loss = [1.5, 2.5], "[gf]* [nl]o*" = [0, 9]', "xfailed", "known issue (1 *"),
        ('loss = [2.1, 2.5], "*" = "any"', "failed", "*loss, value 1: *"),
    ],
)
def test_a_known_figure_excuses_no_other(door: Door, figures: str, outcome: str, line: str) -> None:
    """What is off beside it, or by another factor, is a failure; all that is off is named."""
    invariant = "test_accumulated_is_one_batch"
    declared = DECLARED.format(invariant=invariant, versions=">=4") + f"figures = {{ {figures} }}"
    door.pytester.path.joinpath("ours.toml").write_text(declared, encoding="utf-8")
    door.pytester.makeconftest(
        "from pathlib import Path; from harness.judge.suite import known_issues\n"
        "known_issues.OURS = Path(__file__).with_name('ours.toml')"
    )
    result = door("--harness-scale=tiny", "-k", invariant)
    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines([line])


def test_a_version_to_come_shows_what_is_not_fixed() -> None:
    """A range without an end holds for the next release too: nobody is turned red by it."""
    open_ended = [known for known in known_issues.load(OURS) if "<" not in str(known.packages)]
    assert open_ended
    for known in open_ended:
        collation = (*known.collations, "dynamic")[0]
        arguments = {name: values[0] for name, values in known.arguments.items()}
        recipe = Recipe(
            dataset="imdb", collation=collation, loop=known.loops[0], arguments=arguments
        )
        assert known.applies(known.invariants[0], recipe, {"transformers": "5.99"})


def test_a_version_outside_the_range_expects_nothing(door: Door, declare: Path) -> None:
    """Elsewhere the test is a test like any other."""
    declare.write_text(DECLARED.format(invariant=HOLDING, versions="<4"), encoding="utf-8")
    result = door("--harness-known-issues", str(declare), "--harness-scale=tiny", "-k", HOLDING)
    result.assert_outcomes(passed=1)


def test_a_known_issue_is_listed(door: Door) -> None:
    """The summary says which tests were expected to fail, and what to do about it."""
    invariant = "test_grouped_predictions_belong_to_their_examples"
    result = door("--harness-scale=tiny", "-k", invariant)
    result.assert_outcomes(xfailed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["known issue (1 tests): Trainer with group_by_length*", "Join predictions with*"]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("issue = 3", ":1: issue: 3 is an int; give a list"),
        ("[[issue]\n", ":1: is not TOML"),
        (
            DECLARED.format(invariant=HOLDING, versions="newer"),
            ":5: issue.0.packages.tr.*newer",
        ),
        (DECLARED.format(invariant="test_number_of_step", versions=">4"), "'test_number_of_steps'"),
        (DECLARED.format(invariant=HOLDING, versions=">4").replace("ers =", "er ="), "'transf.*s'"),
        (DECLARED.format(invariant=HOLDING, versions=">4").replace("trai", "tari"), "'trainer'"),
        (DECLARED.format(invariant=HOLDING, versions=">4") + "figures = {loss = 'x'}", "'any'"),
        (DECLARED.format(invariant=HOLDING, versions=">4") + "models = ['bert']", "'bert-base"),
        (DECLARED.format(invariant=HOLDING, versions=">4") + "collations = ['x']", "valid: .*dyn"),
        (DECLARED.format(invariant=HOLDING, versions=">4") + "isue = 'x'", "did you mean 'issue'"),
        ("\n[[issue]]\nwhat = 'x'", ":2: issue.0.invariants: is missing"),
        (
            DECLARED.format(invariant=HOLDING, versions=">4").replace('"wait"', "5"),
            ":7: issue.0.advice: 5 is an int; give str",
        ),
    ],
)
def test_a_senseless_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file, the entry and the reason."""
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        known_issues.load(path, invariants())


def test_a_missing_file_is_refused(door: Door) -> None:
    """In one line, before anything is collected."""
    result = door("--harness-known-issues", "nowhere.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*nowhere.toml cannot be read*"])


def test_a_misspelt_invariant_is_refused(door: Door, declare: Path) -> None:
    """It would apply nowhere, without a word."""
    declare.write_text(DECLARED.format(invariant="test_steps", versions=">=4"), encoding="utf-8")
    result = door("--harness-known-issues", str(declare))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*own.toml:4: *unknown invariant 'test_steps': *; valid: *number_of_st*"]
    )
