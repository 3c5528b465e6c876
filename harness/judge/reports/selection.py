"""Selections: what pytest's command line says to run a cell's tests again, and no other's."""

import re

_KEYWORD = re.compile(r"[\w:+\-.\\/]+")
"""What pytest's -k takes for a keyword, rather than for part of an expression."""


def of_cell(suite: str, cell: str) -> list[str]:
    """Arguments that select every test of a cell.

    The brackets bound the name: `bert` alone would select `distilbert` too. A cell whose name
    -k cannot take is selected with the rest of its suite.

    Args:
        suite: the node id of its class.
        cell: its name.
    """
    return [suite, "-k", f"[{cell}]"] if _KEYWORD.fullmatch(cell) else [suite]
