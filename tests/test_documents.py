"""What the documents tell a reader to type works as it stands, in a clean clone."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests import documents, repositories
from tests.documents import Block

pytestmark = [pytest.mark.slow, pytest.mark.network]

INSTALLS = r"pip install -c constraints\.txt -e '\.\[judged,suites\]' && pytest suites/"
"""The README's first command, which makes the environment of all others."""

ONE_CELL = " ".join(
    f"--harness-set {field}"
    for field in ("model=distilbert-base-uncased", "collation=dynamic", "loop=trainer")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Adaptation:
    """How a command is tested that is not just typed, or does not end with 0.

    Attributes:
        why: it is so.
        edits: pattern and replacement, of the command.
        codes: that it may exit with.
    """

    why: str
    edits: tuple[tuple[str, str], ...] = ()
    codes: tuple[int, ...] = (0,)


NIGHT = Adaptation(
    why="a night of all cells takes minutes: of one cell; the first one exits with 5",
    edits=(
        (r"-m nightly", "-m nightly -k 'TestMrpc and distilbert-base-uncased-dynamic-trainer'"),
    ),
    codes=(0, 5),
)
NO_GPU = Adaptation(why="without an accelerator, nothing is measured", codes=(5,))
ADAPTATIONS: Mapping[str, Adaptation] = {
    r"pip install .*'\.\[(test|docs)\]' && .*": Adaptation(
        why="pytest tests/ is what runs this test, and .ci/run builds the pages beside it",
        edits=((r"pip install", "pip install --quiet --dry-run"), (r" && .*", "")),
    ),
    r"harness gate transformers==\S+ --base transformers==\S+ --attribute": Adaptation(
        why="two environments and eighteen cells take minutes: a small change, and one cell",
        edits=(
            (r"transformers==\S+ --base transformers==\S+", "tqdm==4.67.1 --correctness-only"),
            (r"$", f" --suites suites/test_mrpc.py {ONE_CELL}"),
        ),
    ),
    r"pytest suites/ -m nightly": NIGHT,
    r"17 3 \* \* \* .*": replace(
        NIGHT,
        why=f"cron's five columns are no command, and {NIGHT.why}",
        edits=((r"^17 3 \* \* \* +", ""), *NIGHT.edits),
    ),
    r"#!/bin/sh\n#SBATCH .*": replace(
        NIGHT,
        why=f"the folder that a cluster shares is in the home folder here, and {NIGHT.why}",
        edits=((r"file:///shared/", "file://$HOME/shared/"), *NIGHT.edits),
    ),
    r"python -m fixtures\.generator (models|all)\b.*": Adaptation(
        why="pretraining takes ten to twenty minutes",
        edits=((r" (models|all)\b.*", " --help"),),
    ),
    r"harness (?!init )\w+ .*tickets.*": Adaptation(
        why="tickets stand for a reader's own rows; tests/judge/cli has some",
        edits=((r"^(harness \w+) .*", r"\1 --help"),),
    ),
    r"pytest suites/.* -m gpu.*": NO_GPU,
    r"harness prove suites/test_mrpc\.py --fault .*": Adaptation(
        why="half a minute; tests/judge/mutation injects every fault",
        edits=((r"--repeats 1", "--help"),),
    ),
    r"pytest suites/test_first\.py .*=0\.99": Adaptation(
        why="the tutorial shows what a failure looks like", codes=(1,)
    ),
    r"pytest suites/test_mrpc\.py --harness-scale full .*": Adaptation(
        why="all-MiniLM-L6-v2 is an extra, which the README's environment has not", codes=(5,)
    ),
}
"""By a pattern of the command; whatever matches none is typed as it stands and exits with 0."""

BLOCKS = [block for document in documents.DOCUMENTS for block in documents.blocks(document)]
COMMANDS = [
    pytest.param(block, index, id=f"{block.document.name}:{block.line}:{index}")
    for block in BLOCKS
    for index in range(len(block.commands))
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """A reader's place: a home, a clean clone in it, and the environment that the README makes.

    Attributes:
        home: with what commands of the README name, in its shape.
        written: files that the documents show, and that a reader has to write.
        results: of the commands typed so far.
    """

    home: Path
    written: set[str] = field(default_factory=set)
    results: dict[str, "subprocess.CompletedProcess[str]"] = field(default_factory=dict)

    def write(self, block: Block) -> None:
        """Write the files that a document shows before a block, and that no clone has."""
        for shown in documents.blocks(block.document):
            path = self.home / "project" / shown.file
            known = not shown.file or (repositories.ROOT / shown.file).exists()
            if shown.line < block.line and not known and shown.file not in self.written:
                self.written.add(shown.file)
                path.parent.mkdir(exist_ok=True)
                path.write_text(shown.text.partition("\n")[2], encoding="utf-8")

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Type a command into a shell, once a session."""
        if command not in self.results:
            clone = self.home / "project"
            cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
            self.results[command] = subprocess.run(
                ["bash", "-c", command],  # noqa: S607 - any bash
                cwd=clone,
                env={
                    **{name: value for name, value in os.environ.items() if "COV" not in name},
                    "HOME": str(self.home),
                    "XDG_CACHE_HOME": str(cache),  # what pip has downloaded before
                    "PATH": f"{clone}/.venv/bin:{self.home}/bin:{os.environ['PATH']}",
                    "HF_HUB_OFFLINE": "1",
                    "PIP_NO_COMPILE": "1",  # what is imported is compiled then; it is a tenth
                    "CUDA_VISIBLE_DEVICES": "",
                    "COLUMNS": "80",
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        return self.results[command]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A clean clone whose environment the README's own first command has made."""
    home = tmp_path_factory.mktemp("home")
    clone = repositories.clone(home / "project")
    subprocess.run([sys.executable, "-m", "venv", clone / ".venv"], check=True)
    (home / "data" / "models").mkdir(parents=True)
    (home / "data" / "datasets").symlink_to(clone / "fixtures" / "datasets")
    (home / "shared").mkdir()
    (home / "upgrade").symlink_to(clone)
    (home / "bin").mkdir()
    for name in ("mail", "sbatch"):
        (home / "bin" / name).write_text("#!/bin/sh\ncat\n", encoding="utf-8")
        (home / "bin" / name).chmod(0o755)
    workplace = Workplace(home=home)
    first = workplace.run(first_command())
    assert first.returncode == 0, first.stdout[-4000:] + first.stderr[-4000:]
    return workplace


def first_command() -> str:
    """The README's first command."""
    return next(c for block in documents.blocks(documents.README) for c in block.commands)


def adapted(command: str) -> tuple[str, Adaptation]:
    """What is typed for a command, and what may come of it."""
    for pattern, adaptation in ADAPTATIONS.items():
        if re.fullmatch(pattern, command.strip(), re.DOTALL):
            typed = command
            for before, after in adaptation.edits:
                typed, count = re.subn(before, after, typed, count=1)
                assert count, f"{before} is not in {command}"
            return typed, adaptation
    return command, Adaptation(why="as it stands")


def test_the_first_command_makes_the_environment() -> None:
    """It is the one that all others rely on."""
    assert re.fullmatch(INSTALLS, first_command())


def test_every_adaptation_is_needed() -> None:
    """None is left of a command that the documents no longer have."""
    commands = [
        c.strip() for d in documents.DOCUMENTS for b in documents.blocks(d) for c in b.commands
    ]
    for pattern in ADAPTATIONS:
        assert any(re.fullmatch(pattern, command, re.DOTALL) for command in commands), pattern


def test_every_block_says_what_it_is() -> None:
    """A fence without a language would hide commands from these tests, and colours from readers."""
    for block in BLOCKS:
        where = f"{block.document}:{block.line}"
        assert block.language, where
        assert block.language != "console" or block.commands, where


@pytest.mark.parametrize(("block", "index"), COMMANDS)
def test_a_command_does_what_it_says(workplace: Workplace, block: Block, index: int) -> None:
    """After what stands before it; nothing of ours breaks, and it prints what is shown below it."""
    workplace.write(block)
    for command in block.commands[: index + 1]:
        typed, adaptation = adapted(command)
        done = workplace.run(typed)
        printed = done.stdout + done.stderr
        assert done.returncode in adaptation.codes, printed[-6000:]
        for trouble in ("Traceback", "Warning: ", "command not found"):
            assert trouble not in printed, printed[-6000:]
    if command == block.commands[-1]:
        others = iter(done.stdout.splitlines())
        for line in block.output.splitlines():  # in order, but for the figures
            labels = documents.labels(line)
            assert not labels or any(documents.labels(other) == labels for other in others), line


def test_known_issues_are_known_of_the_pins(workplace: Workplace) -> None:
    """What is fixed in the pinned versions is to be taken from the file of known issues."""
    done = workplace.run("pytest suites/ -q --harness-stored --harness-strict-known-issues")
    assert done.returncode == 0, done.stdout[-4000:]


def test_the_suite_shown_is_the_one_that_runs() -> None:
    """A suite in a document whose first line names a file is that file."""
    for block in BLOCKS:
        path = repositories.ROOT / block.file
        if path.is_file():
            assert block.text.partition("\n")[2] == path.read_text(encoding="utf-8"), block.file
