"""The environment that is judged: what is installed there, on which hardware, with which flags.

`python -m harness.core.environment CACHE [NAME ...]` describes the interpreter that runs it, with
the standard library alone, in a fraction of a second: a record must be found in the store without
importing torch. CACHE is a file that remembers digests by size and time stamps; a NAME is a
variable that the user passes to workers beside the listed ones.
"""

import contextlib
import importlib.util
import json
import os
import platform
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Self

from harness.core import cores, digest, nvml, redaction

JUDGED = (
    "accelerate",
    "datasets",
    "evaluate",
    "huggingface_hub",
    "numpy",
    "peft",
    "safetensors",
    "sitecustomize",
    "tokenizers",
    "torch",
    "transformers",
    "usercustomize",
)
"""Packages whose files are fingerprinted: an edited file must never be answered from the store."""

REQUIRED = ("torch", "transformers", "datasets", "evaluate", "accelerate")

TOWER = ("core", "worker")
"""Our own folders that workers run: every file there is fingerprinted, and no other of ours."""

_FLAGS = re.compile(
    r"^(OMP|KMP|MKL|OPENBLAS|GOMP|ATEN|DNNL|ONEDNN|TORCH|PYTORCH|TORCHINDUCTOR|CUDA|CUBLAS|CUDNN"
    r"|NCCL|NVIDIA_TF32|ACCELERATE|TRANSFORMERS|FLASH_ATTENTION)_"
)
_SETS = ("avx512f", "avx2", "avx", "sve", "asimd")
"""Instruction sets that libraries choose kernels by, the widest first."""

_SUFFIXES = (".py", ".so", ".pyd", ".dylib", ".json", ".pth")


def describe(cache: Path | None = None, passed: Collection[str] = ()) -> dict[str, Any]:
    """Everything about this interpreter that can change what a run computes.

    Returns:
        JSON: `python`, `platform`, `cpu`, `accelerator`, `packages` (every installed version),
        `files` (a digest for each judged package and for the judged tower), `flags`
        (environment variables that change numerics, and those that the user passes on),
        `missing` (required packages).
    """
    flags = {k: v for k, v in os.environ.items() if _FLAGS.match(k) or k in passed}
    roots = {name: root for name in JUDGED if (root := _root(name)) is not None}
    with _Digests(cache) as digests:
        files = {name: digests.of_tree(root, _importable(root)) for name, root in roots.items()}
        ours = Path(__file__).resolve().parents[1]
        files["harness"] = digests.of_tree(ours, tower_files(ours))
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": f"{platform.system()}-{platform.machine()}",
        "cpu": _cpu(),
        "accelerator": nvml.describe(),
        "packages": _versions(),
        "files": files,
        "flags": redaction.values(flags),
        "missing": [name for name in REQUIRED if name not in roots],
    }


def key(environment: dict[str, Any], *, device: str, threads: int) -> str:
    """The environment key: digest of a description, the device and the thread count.

    Where the interpreter lies is left out: two folders with the same bytes are one environment.
    """
    decisive = {name: value for name, value in environment.items() if name != "executable"}
    return digest.of_json({**decisive, "device": device, "threads": threads})


DESCRIBED = ("python", "platform", "cpu", "accelerator", "packages", "flags")
"""Parts of a description that people compare."""


def summary(environment: Mapping[str, Any]) -> dict[str, Any]:
    """A description less what only its key is made of."""
    return {name: environment[name] for name in DESCRIBED if name in environment}


def device_class(environment: Mapping[str, Any], device: str) -> str:
    """The kind of machine that figures can be compared within.

    A GPU's name; or a processor's architecture and its widest set of vector instructions, which
    decide the kernels. Its model may be another every night on a hosted runner.
    """
    if device == "cuda":
        return str(next(iter(environment["accelerator"].get("devices", [])), "unknown GPU"))
    machine = environment["platform"].partition("-")[2]
    return f"{machine} {environment['cpu'].get('isa', '')}".strip()


def _root(name: str) -> Path | None:
    """Folder of an importable package, or file of a module, without importing it.

    Follows editable installs and everything else that the import system knows.
    """
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None


def _importable(root: Path) -> Iterator[str]:
    """Files of a package that can change what it does: thousands, for which a `Path` is dear."""
    for path in _files(root):
        if path.endswith(_SUFFIXES) or ".so." in path or path == str(root):
            yield path


def tower_files(package: Path) -> Iterator[str]:
    """Our own files that a worker may load: all of the judged tower's, and no other."""
    for folder in TOWER:
        yield from _files(package / folder)


def _files(root: Path) -> Iterator[str]:
    """A file; or every file below a folder, in order, less compiled bytecode."""
    if root.is_file():
        yield str(root)
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name != "__pycache__")
        yield from (f"{folder}{os.sep}{name}" for name in sorted(files))


def _versions() -> dict[str, str]:
    """Every installed distribution's version, by normalized name; the first on the path wins."""
    versions: dict[str, str] = {}
    for distribution in distributions():
        metadata = distribution.metadata  # parsed anew at every access
        if metadata["Name"]:
            name = re.sub(r"[-_.]+", "-", metadata["Name"]).lower()
            versions.setdefault(name, metadata["Version"])
    return dict(sorted(versions.items()))


def _cpu() -> dict[str, Any]:
    """Model and instruction sets, which select kernels, and the usable cores."""
    properties: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            properties.setdefault(name.strip(), value.strip())
    except OSError:
        properties["model name"] = platform.processor()
    flags = sorted((properties.get("flags") or properties.get("Features") or "").split())
    return {
        "model": properties.get("model name", platform.machine()),
        "isa": next((name for name in _SETS if name in flags), ""),
        "flags": digest.of_json(flags)[:16],
        "cores": cores.usable(),
    }


class _Digests:
    """Digests of files, remembered by path, size and time stamps between processes."""

    def __init__(self, cache: Path | None) -> None:
        """Remember in a file, or not at all."""
        self.cache = cache
        self.known: dict[str, list[Any]] = {}
        self.changed = False

    def __enter__(self) -> Self:
        """Read what is remembered; a damaged file is forgotten."""
        if self.cache is not None and self.cache.is_file():
            try:
                remembered_digests = json.loads(self.cache.read_text(encoding="utf-8"))
                self.known = dict(filter(_is_digest, remembered_digests.items()))
            except (OSError, ValueError, AttributeError, RecursionError):
                self.known = {}
        return self

    def __exit__(self, *_: object) -> None:
        """Write beside and rename; a cache that cannot be written only costs time."""
        if self.cache is None or not self.changed:
            return
        beside = self.cache.with_suffix(f".{os.getpid()}")
        try:
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(self.known), encoding="utf-8")
            beside.replace(self.cache)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)

    def of_tree(self, root: Path, paths: Iterator[str]) -> str:
        """Digest of files below a root: relative names and contents.

        A tree is hashed anew when any file's size, modification or status time has changed:
        an edit that keeps size and modification time still moves the status time.
        """
        files = list(paths)
        signature = digest.of_json(
            [
                [path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
                for path, stat in zip(files, map(os.stat, files), strict=True)
            ]
        )
        place = digest.of_json(str(root))  # a path may hold what no file should
        remembered = self.known.get(place)
        if remembered is not None and remembered[0] == signature:
            return str(remembered[1])
        content = digest.of_files(map(Path, files), root)
        self.known[place] = [signature, content]
        self.changed = True
        return content


def _is_digest(item: tuple[str, object]) -> bool:
    """Whether a remembered tree is what we write: its signature, and the digest of its content."""
    _, parts = item
    return isinstance(parts, list) and len(parts) == 2 and {*map(type, parts)} == {str}  # noqa: PLR2004 - these


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe(Path(sys.argv[1]), sys.argv[2:])))
