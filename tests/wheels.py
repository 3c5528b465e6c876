"""Wheels of a package that is installed, with a fault built in."""

import base64
import hashlib
import re
import zipfile
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

FAULTY = '''

def _begin_fault():
    """Break what is imported, once, in the first process that is forked: there training begins."""
    begun = sys.__dict__.setdefault("_faults_begun", set())
    if {path} not in begun:  # this file may be run twice, and stand in several packages
        begun.add({path})
        runpy.run_path({path})


import os, runpy, sys

os.register_at_fork(after_in_child=_begin_fault)
'''
"""Stands at the end of the package's `__init__.py`; the zygote forks once all is imported."""


def small(folder: Path, name: str, version: str, *requires: str) -> Path:
    """A wheel of a package that holds nothing but its version."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    described = f"{name}-{version}.dist-info"
    texts = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{described}/METADATA": "\n".join(
            [
                *("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"),
                *(f"Requires-Dist: {other}" for other in requires),
            ]
        ),
        f"{described}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    texts[f"{described}/RECORD"] = "".join(
        f"{inside},,\n" for inside in (*texts, f"{described}/RECORD")
    )
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in texts.items():
            wheel.writestr(inside, text)
    return path


def distribution_of(module: str) -> str:
    """The distribution that installs a module."""
    (name,) = set(packages_distributions()[module])
    return name


def faulty(module: str, fault: Path, folder: Path) -> Path:
    """A wheel of an installed package, of the same version with the fault's name behind it."""
    name = distribution_of(module)
    installed = distribution(name)
    mark = re.sub(r"[^a-z0-9]+", ".", fault.stem.lower())
    version = f"{installed.version}{'.' if '+' in installed.version else '+'}{mark}"
    stem = re.sub(r"[-.]+", "_", name)
    path = folder / f"{stem}-{version}-py3-none-any.whl"
    init, built_in = f"{module}/__init__.py", f"{module}/_fault.py"
    record = []
    with zipfile.ZipFile(path, "w") as wheel:

        def add(inside: str, content: bytes) -> None:
            wheel.writestr(inside, content)
            sha = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{inside},sha256={sha},{len(content)}")

        for file in installed.files or []:
            inside = str(file)
            if inside.startswith("..") or inside.endswith((".pyc", "RECORD", "direct_url.json")):
                continue
            content = Path(str(file.locate())).read_bytes()
            if inside == init:
                where = "__file__.removesuffix('__init__.py') + '_fault.py'"
                content += FAULTY.format(path=where).encode()
            _, _, rest = inside.partition(".dist-info/")
            if rest:
                inside = f"{stem}-{version}.dist-info/{rest}"
                if rest == "METADATA":
                    content = content.replace(
                        f"\nVersion: {installed.version}\n".encode(),
                        f"\nVersion: {version}\n".encode(),
                        1,
                    )
            add(inside, content)
        add(built_in, fault.read_bytes())
        listed = f"{stem}-{version}.dist-info/RECORD"
        wheel.writestr(listed, "\n".join([*record, f"{listed},,"]) + "\n")
    return path
