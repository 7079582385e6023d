"""No circle of imports, packages in the order that CONTRIBUTING states, short files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "restore_recog"
MAPPED = ("restorers", "protocols")
"""Folders at the top that are installed inside the package."""

LONGER = {"restorers/ganmasker/networks.py"}
"""Networks may take more than 300 lines, so that a paper's model is read in one file."""


def package_files() -> dict[str, Path]:
    """Return every file of the package by the name it is imported by."""
    places = [(ROOT / PACKAGE, ())] + [(ROOT / name, (name,)) for name in MAPPED]
    files = {}
    for folder, under in places:
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder).with_suffix("").parts
            if not under and inside[0] in MAPPED:
                continue  # by way of the links
            parts = [PACKAGE, *under, *inside]
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imported(name: str, path: Path, files: Mapping[str, Path]) -> set[str]:
    """Return the files that a file imports, anywhere in it, also only for type checking."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {one if one in files else str(node.module) for one in whole}
    return {one for one in names if one in files} - {name}


@pytest.fixture(scope="module")
def files() -> dict[str, Path]:
    return package_files()


@pytest.fixture(scope="module")
def imports(files: dict[str, Path]) -> dict[str, set[str]]:
    return {name: imported(name, path, files) for name, path in files.items()}


def room(name: str) -> str:
    """Return the package (or the file at the top level) that a file belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else PACKAGE


def layers() -> Iterator[tuple[int, str]]:
    """Yield the packages that CONTRIBUTING lists, each with the number of its row."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = text.partition("<!-- layers -->")[2].partition("<!-- /layers -->")[0]
    rows = [line for line in block.splitlines() if line.startswith("| `")]
    for number, row in enumerate(rows):
        for name in re.findall(r"`(\w+)(?:\.py|/)`", row.split("|")[1]):
            yield number, name


def test_no_circle_of_imports(imports: dict[str, set[str]]) -> None:
    """The front door imports everything, and everything may ask it for the version only."""
    graph = {name: others - {PACKAGE} for name, others in imports.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("imports in a circle: " + " <- ".join(error.args[1]))


def test_nothing_imports_from_a_row_below_it(imports: dict[str, set[str]]) -> None:
    """A row of the table in CONTRIBUTING imports itself and the rows above it."""
    order = {name: number for number, name in layers()}
    wrong = [
        f"{name} imports {other}"
        for name, others in imports.items()
        for other in sorted(others - {PACKAGE})
        if name != PACKAGE and order.get(room(other), -1) > order.get(room(name), -1)
    ]
    assert wrong == []


def test_the_table_names_every_package_once(files: dict[str, Path]) -> None:
    listed = [name for _, name in layers()]
    assert len(listed) == len(set(listed))
    assert set(listed) == {room(name) for name in files} - {PACKAGE}


def test_files_are_short(files: dict[str, Path]) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files.values()
    }
    assert {name: n for name, n in lengths.items() if n > 300 and name not in LONGER} == {}


def test_evaluation_is_in_rooms(files: dict[str, Path]) -> None:
    at_its_own_level = [path for path in files.values() if path.parent.name == "evaluation"]
    assert 1 < len(at_its_own_level) <= 10
