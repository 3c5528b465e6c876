"""Invariants: tests that need one record and no baseline. Every suite inherits them.

Each module holds one class of test methods. A method asks the `run` fixture for its cell's
record; where a recipe gives it nothing to judge, it skips with the reason.
"""

from pkgutil import iter_modules

import pytest

# Said here, because whoever imports an invariant runs this first: a failing assert of any of
# them shows its values, however early somebody's plugin or our command line imports a suite.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))
