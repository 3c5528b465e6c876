"""No secret gets out: not by a file, not by a terminal, not into a worker."""

import ast
import html
import json
import os
import re
import string
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from harness.core import redaction
from harness.core.environment import _FLAGS
from harness.judge.cell import Cell
from harness.judge.runs import variables
from harness.judge.runs.launcher import Launcher
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from tests.conftest import SMALL

ALPHANUMERIC = string.ascii_letters + string.digits

PASSWORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C", "Z"]),
    min_size=6,
    max_size=40,
).map("{}~7".format)
"""What people make up; no word of our own files, for which Hypothesis has a liking."""


def drawn(length: int, alphabet: str = ALPHANUMERIC) -> st.SearchStrategy[str]:
    """Random tokens."""
    telling = st.text(alphabet, min_size=length, max_size=length)
    return telling.filter(lambda token: len(set(token)) > length / 4)


TOKENS = st.one_of(
    drawn(34).map("hf_{}".format),
    drawn(36).map("ghp_{}".format),
    drawn(40, ALPHANUMERIC + "_").map("github_pat_{}".format),
    drawn(16, string.ascii_uppercase + string.digits).map("AKIA{}".format),
    drawn(40).map("sk-proj-0{}".format),
    drawn(24, string.digits).map("xoxb-{}".format),
    st.tuples(drawn(20), drawn(30), drawn(43)).map(lambda parts: "eyJ{}.{}.{}".format(*parts)),
)
"""Tokens whose shape gives them away, wherever they come from."""


@pytest.mark.parametrize(
    "written",
    [
        "https://me:{}@example.com/simple",
        "postgresql+psycopg://me:{}@db:5432/x?sslmode=require",
        "https://{}@example.com/simple",
        "https://example.com/x?a=1&X-Amz-Signature={}&b=2",
        "https://example.com/x?access_token={}",
        "Authorization: Bearer {}",
        '{{"Authorization": "Basic {}"}}',
        "called connect(password='{}')",
        "{{'api_key': '{}', 'a': 1}}",
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        "E   -----BEGIN PRIVATE KEY-----\nE   {}",
    ],
)
def test_what_is_given_to_a_secret_name_is_hidden(written: str) -> None:
    """An address, a header or an argument says that what follows is secret."""
    secret = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA"  # noqa: S105 - of nothing
    hidden = redaction.text(written.format(secret), {})
    assert secret not in hidden
    assert redaction.HIDDEN in hidden


@pytest.mark.parametrize(
    "text",
    [
        "git+https://github.com/huggingface/transformers@main",
        "ssh://git@example.com/x.git",
        "https://localhost:8080/simple?page=1",
        "pad_token='[PAD]', num_input_tokens_seen=51200000, eos_token_id=102",
        "hf_hub_download(repo_id), hf_transfer",
        "a task-that-has-a-name-with-20-letters",
        "password: leave it to the driver",
        "records/mrpc-bert-base-uncased-dynamic-trainer-0a1b2c3d4e5f/0a1b2c3d4e5f/0",
    ],
)
def test_other_text_stays(text: str) -> None:
    """What only looks alike is left alone."""
    assert redaction.text(text, {}) == text


@given(token=TOKENS, before=st.sampled_from(["", " ", "'", "\\n", "/x/", "token="]))
def test_tokens_are_known_by_their_shape(token: str, before: str) -> None:
    """A token of a known kind is hidden where no variable holds it."""
    assert token[4:] not in redaction.text(f"{before}{token}' and more", {})


@given(password=PASSWORDS)
@example("\"quoted\", 'twice' & <more>")
@example("10000000")
def test_values_are_known_however_they_are_written(password: str) -> None:
    """JSON, HTML, addresses and `repr` write a value otherwise than it is, one in the other too."""
    forms = {
        password,
        json.dumps(password)[1:-1],
        repr(password)[1:-1],
        html.escape(password),
        quote(password, safe=""),
        html.escape(repr(password))[6:-6],
        json.dumps(repr(password))[2:-2],
        json.dumps(html.escape(password))[1:-1],
    }
    for form in forms:
        assert form not in redaction.text(f"> {form} <", {"SOME_PASSWORD": password})


@given(password=PASSWORDS)
@example("10000000")
@example('", "at": "')
def test_json_stays_json(password: str) -> None:
    """Whatever a secret is made of: numbers are left alone, and what was one object still is."""
    values = {"at": [10000000, 0.100000001, None], "why": f"it was {password}", password: "key"}
    for indent in (None, 1):
        with patch.dict(os.environ, {"A_SECRET": password}):
            hidden = redaction.document(json.dumps(values, indent=indent))
        assert json.loads(hidden)["at"] == values["at"]
        assert password not in json.dumps(json.loads(hidden)["why"], ensure_ascii=False)
        assert password not in json.loads(hidden)


@given(token=drawn(20), other=drawn(21))
def test_variables_are_known_as_they_are_now(token: str, other: str) -> None:
    """A test may set one, change it and take it away."""
    shown = f"{token} {other}"
    for value, hidden in ((token, token), (other, other), (token, token)):
        with patch.dict(os.environ, {"LATE_TOKEN": value}):
            assert redaction.text(shown) == shown.replace(hidden, redaction.HIDDEN)
        assert redaction.text(shown) == shown


@given(token=drawn(30), kept=st.integers(6, 24))
def test_values_are_known_where_they_were_shortened(token: str, kept: int) -> None:
    """Pytest shows the beginning and the end of what is long."""
    shown = f"'begin{token[:kept]}...{token[kept:]}end'"
    hidden = redaction.text(shown, {"X_TOKEN": token})
    assert hidden == f"'begin{redaction.HIDDEN}...{redaction.HIDDEN}end'"


@pytest.mark.parametrize("value", ["1", "true", "abc12", "letters", "accuracy", "/usr/bin"])
def test_ordinary_values_are_not_hidden(value: str) -> None:
    """Too short, a path, or one of our own words: hiding it would garble every report."""
    assert redaction.text(f"it is {value} indeed", {"X_TOKEN": value}) == f"it is {value} indeed"


WRITERS = {
    "judge.cli": "its streams are the outlet's",
    "judge.console": "hides them itself",
    "core.environment": "a cache of digests; and JSON for who has started it",
    "judge.venvs.distributions": "wheels of what is installed, which must be what it is",
    "judge.venvs.build": "a manifest of packages",
    "judge.venvs.installer": "lists of packages for uv, which must be what they are",
    "judge.runs.launcher": "a worker's log, quoted less its secrets",
    "worker.loops.driver": "a worker's, cleaned when its folder is sealed",
    "judge.outlet": "the outlet itself",
    "worker.load": "a user's own rows, which stay on this machine",
    "worker.shrink": "a stand-in, of a user's own rows, which stays on this machine",
    "worker.pace": "a counter of the kernel's",
    "core.observed": "a worker's, cleaned when its folder is sealed",
    "core.record": "beside a worker's, cleaned with them",
    "judge.repository": "what git shall leave alone",
    "judge.reports.comparison": "a command says that a summary cannot be written",
    "judge.store.sealed": "digests of files, and what was sealed elsewhere",
    "core.trial": "a worker's, cleaned when its folder is sealed",
    "worker.__main__": "a conversation with who has started it, and settings of the kernel's",
    "judge.runs.zygote": "a worker's log, quoted less its secrets",
}
"""Modules that open files for writing, or print, and why that is safe."""

NAMES = {
    *("write_text", "write_bytes", "writestr", "write_table", "np.save", "savez", "dump"),
    *("mkstemp", "NamedTemporaryFile", "copy2", "copyfile", "copytree", "print"),
    *("sys.stdout.write", "sys.stderr.write", "os.write"),
}
"""What writes, whatever it is given."""


def writes(source: str) -> bool:
    """Whether a module opens a file for writing, or prints what is no text of its own."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        modes = [
            argument.value if isinstance(argument, ast.Constant) else "O_W" in ast.unparse(argument)
            for argument in node.args
        ]
        if name.startswith("sys.std") and all(isinstance(x, ast.Constant) for x in node.args):
            continue
        opens = last == "open" and any(mode is True or str(mode)[:1] in "wax" for mode in modes)
        if opens or {name, last} & NAMES:
            return True
    return False


def test_text_leaves_through_the_outlet() -> None:
    """Whoever writes a file or prints does so through the outlet, or is listed with the reason."""
    folder = Path(redaction.__file__).parents[1]
    writers = set()
    for path in folder.rglob("*.py"):
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        if writes(path.read_text(encoding="utf-8")) and "faults" not in path.parts:
            writers.add("judge.cli" if name.startswith("judge.cli.") else name)
    assert writers == set(WRITERS)


@pytest.mark.parametrize(
    "line",
    [
        "path.write_text(text)",
        "open(path, 'w')",
        "path.open('a', encoding='utf-8')",
        "os.open(path, os.O_WRONLY)",
        "np.save(path, array)",
        "json.dump(values, file)",
        "print(text)",
        "sys.stdout.write(text)",
        "shutil.copyfile(one, other)",
    ],
)
def test_a_new_writer_is_noticed(line: str) -> None:
    """The search knows the ways to write."""
    assert writes(f"def f():\n    {line}")
    assert not writes("path.open('rb').read()")


NEEDED = (
    *("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LC_ALL", "PYTHONHASHSEED", "XDG_CACHE_HOME"),
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE", "HSA_OVERRIDE_GFX_VERSION", "ROCR_VISIBLE"),
    *("OMP_NUM_THREADS", "MKL_CBWR", "OPENBLAS_NUM_THREADS", "TORCH_LOGS", "PYTORCH_JIT"),
    *("HF_HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_CACHE", "TOKENIZERS_PARALLELISM"),
)
FOREIGN = (
    *("HF_TOKEN", "HUGGINGFACE_TOKEN", "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY"),
    *("GITHUB_PAT", "GH_TOKEN", "DATABASE_URL", "PIP_INDEX_URL", "UV_EXTRA_INDEX_URL"),
    *("SLURM_JWT", "SSH_AUTH_SOCK", "MY_DATA_DIR", "HTTPS_PROXY", "TORCH_API_KEY", "KUBECONFIG"),
)


def test_a_worker_is_given_what_is_listed() -> None:
    """What training needs is passed, nothing that may be secret; no address names a user."""
    whole = dict.fromkeys((*NEEDED, *FOREIGN), "https://me:secret@example.com/x")
    passed = variables.passed(whole)
    assert set(passed) == set(NEEDED)
    assert set(passed.values()) == {"https://example.com/x"}


def test_a_worker_is_given_what_is_asked_for() -> None:
    """By its very name, a secret too: user code may need it."""
    whole = {"MY_DATA_DIR": "/data", "MY_TOKEN": "abc", "OTHER": "x"}
    assert variables.passed(whole, ["MY_DATA_DIR", "MY_TOKEN", "NOT_SET"]) == {
        "MY_DATA_DIR": "/data",
        "MY_TOKEN": "abc",
    }


def test_what_changes_numerics_is_passed() -> None:
    """A variable that the environment key knows reaches the worker that it is a key of."""
    names = re.sub(r"[\^()]", "", _FLAGS.pattern).removesuffix("_").split("|")
    whole = {f"{name}_X": "1" for name in names}
    assert variables.passed(whole) == whole


def test_what_the_user_passes_is_part_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it, user code may compute something else: the environment key knows it."""
    monkeypatch.setenv("MY_DATA_DIR", "/data")
    monkeypatch.setenv("MY_PASSWORD", "not for a worker")
    flags = {}
    for names in ((), ("MY_DATA_DIR",)):
        with Launcher(Path(sys.executable), pass_environment=names) as launcher:
            assert "MY_PASSWORD" not in launcher.environment
            flags[names] = launcher.describe(tmp_path / "fingerprints.json")["flags"]
    assert flags["MY_DATA_DIR",] == {**flags[()], "MY_DATA_DIR": "/data"}


LEAKING = f'''
import os, warnings
import pytest
from harness import Recipe, Suite, Thresholds

LOOSE = open("loose.txt").read().split("\\n")

class TestSmall(Suite):
    recipe = Recipe(**{SMALL!r})
    thresholds = Thresholds(accuracy=0.0)

    @pytest.mark.parametrize("given", [os.environ["HF_TOKEN"]])
    def test_leaks(self, run, given, record_property):
        """Shows all there is: printed, warned of, noted, in an address, in locals and in a name."""
        whole = dict(os.environ)
        print(LOOSE, whole)
        warnings.warn(" ".join(LOOSE))
        record_property("noted", os.environ["SOME_PASSWORD"])
        assert run.scale == " ".join([os.environ["SOME_PASSWORD"], given, *LOOSE])

    def test_skips(self, run):
        pytest.skip(LOOSE[0])

    def test_times(self, run, benchmark):
        benchmark.extra_info["leak"] = os.environ["SOME_PASSWORD"]
        benchmark.pedantic(int)
'''
"""A suite whose tests leak whatever the environment and a file hold."""


@settings(
    max_examples=2,
    phases=[Phase.generate],  # a session each: too slow to shrink
    deadline=None,
    suppress_health_check=[*HealthCheck],
)
@given(leaked=st.tuples(PASSWORDS, PASSWORDS, drawn(20)), loose=st.lists(TOKENS, min_size=2))
def test_nothing_that_a_session_writes_has_a_secret(
    runner: Runner, small_cell: Cell, tmp_path: Path, leaked: tuple[str, str, str], loose: list[str]
) -> None:
    """Random secrets wherever a user may have some, and everything that is written is searched.

    They are values of variables, in an address there, in a file, and in the store's path.
    """
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()
    store = folder / loose[0] / "store"
    (folder / "test_small.py").write_text(LEAKING, encoding="utf-8")
    (folder / "loose.txt").write_text("\n".join(loose), encoding="utf-8")
    password, inside, given = leaked
    leaking = {
        "SOME_PASSWORD": password,
        "DATABASE_URL": f"postgres://me:{quote(inside)}@example.com/db",
        "HF_TOKEN": given,
    }
    other = Runner(settings=Settings(store=store), session=uuid.uuid4().hex)
    other.launcher.close()
    other.launcher = runner.launcher
    with patch.dict(os.environ, leaking):
        other.run(small_cell)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "--rootdir=.", f"--harness-store={store}"),
                *("-vv", "-rA", "--showlocals", "--harness-scale=tiny"),
                *("-k", "leaks or skips or times"),
                *("--junitxml=reports/session.xml", "--benchmark-json=benchmark.json"),
            ],
            cwd=folder,
            env={k: v for k, v in os.environ.items() if "XDIST" not in k},  # or nothing is timed
            capture_output=True,
            text=True,
            check=False,
        )
    assert "1 failed, 1 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    texts = {"the terminal": done.stdout + done.stderr}
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".pyc", ".npy"} and path.stem != "loose":
            texts[str(path.relative_to(folder))] = path.read_text(encoding="utf-8")
    json.loads(texts["benchmark.json"])
    ET.fromstring(texts["reports/session.xml"])  # noqa: S314 - ours
    (record,) = (name for name in texts if name.endswith("/record.json"))
    reports = {f"reports/session.{kind}" for kind in ("html", "json", "xml")}
    for name in {"the terminal", "benchmark.json", record, *reports}:
        assert redaction.HIDDEN in texts[name], f"nothing leaked into {name}"
    for secret in (password, inside, quote(inside, safe=""), given, *loose):
        for form in (secret, html.escape(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            for name, text in texts.items():
                assert form not in text, name
