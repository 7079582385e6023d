"""A checkout on a system without links, such as Windows, works as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the packages in which the links are text files, as Git leaves them there."""
    place = tmp_path_factory.mktemp("checkout")
    unwanted = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for name in ("restorers", "protocols"):
        shutil.copytree(ROOT / name, place / name, ignore=unwanted)

    def links(folder: str, names: list[str]) -> set[str]:
        at_top = Path(folder) == ROOT / "restore_recog"
        return unwanted(folder, names) | ({"restorers", "protocols"} if at_top else set())

    shutil.copytree(ROOT / "restore_recog", place / "restore_recog", ignore=links)
    for name in ("restorers", "protocols"):
        (place / "restore_recog" / name).write_text(f"../{name}")
    return place


def run(checkout: Path, *words: str) -> str:
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=checkout,
        env=clean | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_folders_at_the_top_are_found(checkout: Path) -> None:
    code = (
        "import restore_recog.restorers.none as r, restore_recog.protocols.fmor as p;"
        "print(r.__file__); print(p.__file__)"
    )
    restorer, protocol = run(checkout, "-c", code).split()
    assert Path(restorer) == checkout / "restorers" / "none.py"
    assert Path(protocol) == checkout / "protocols" / "fmor.py"


def test_the_command_line_starts(checkout: Path) -> None:
    assert "eval" in run(checkout, "-m", "restore_recog", "--help")


def test_with_links_the_package_is_looked_for_in_its_own_folder_only() -> None:
    import restore_recog

    assert [Path(place) for place in restore_recog.__path__] == [ROOT / "restore_recog"]
