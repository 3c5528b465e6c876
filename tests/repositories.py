"""Repositories that commands are run in: a clean clone of this one."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def clone(folder: Path) -> Path:
    """What a clone of this repository would hold if everything were committed."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        text=True,
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # else deleted, and not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder
