"""Plain scripts: known issues of families, shown without the harness."""

import subprocess
import sys

from tests.repositories import ROOT


def test_alberts_tokenizer_gives_no_token_types() -> None:
    """Two sentences, two types, and none of them given."""
    script = ROOT / "tests" / "plain" / "albert_token_types.py"
    printed = subprocess.check_output([sys.executable, script], text=True).strip()
    assert printed.endswith("['attention_mask', 'input_ids'] 2")
