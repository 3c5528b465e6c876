"""Plain scripts: known issues of families, shown without the harness."""

import subprocess
import sys

from tests.repositories import ROOT


def test_alberts_tokenizer_gives_no_token_types() -> None:
    """Two sentences, two types, and none of them given."""
    script = ROOT / "tests" / "plain" / "albert_token_types.py"
    printed = subprocess.check_output([sys.executable, script], text=True).strip()
    assert printed.endswith("['attention_mask', 'input_ids'] 2")


def test_words_lose_the_space_before_them() -> None:
    """What a text has before each word but the first, its words alone have not, though asked to."""
    script = ROOT / "tests" / "plain" / "words_without_space.py"
    text, words = subprocess.check_output([sys.executable, script], text=True).splitlines()
    assert text.count("\u0120") == 3
    assert "\u0120" not in words


def test_a_head_is_drawn_wide() -> None:
    """Logits of a fresh head are far from zero, and so its first loss from chance."""
    script = ROOT / "tests" / "plain" / "wide_head.py"
    printed = subprocess.check_output([sys.executable, script], text=True).splitlines()
    deviations = {name: float(value) for name, value in map(str.split, printed)}
    assert deviations["t5"] > 20
    assert deviations["bert"] < 1


def test_accumulation_multiplies_a_loss() -> None:
    """By the number of micro-batches; in the installed version, of every model."""
    script = ROOT / "tests" / "plain" / "accumulated_loss.py"
    printed = subprocess.check_output([sys.executable, script], text=True).splitlines()
    assert [line for line in printed if line.split()[0] in {"bert", "qwen2"}] == [
        "bert 2.00", "qwen2 2.00"
    ]  # fmt: skip
