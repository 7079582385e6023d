"""What is installed: every module once, under restore_recog only; and the README's commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PARTS = ("restore_recog", "restorers", "protocols")
FILES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


@pytest.fixture(scope="module", params=["links", "no links"])
def wheel(request, tmp_path_factory):
    """Build a wheel of a copy; without links as on systems that do not keep them."""
    work = tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        shutil.copytree(ROOT / part, work / "source" / part, symlinks=True, ignore=leave)
    for name in FILES:
        shutil.copy(ROOT / name, work / "source" / name)
    if request.param == "no links":
        for part in PARTS[1:]:
            (work / "source" / "restore_recog" / part).unlink()
        # The other wheel has told how large they are.
        for file in (work / "source" / "restore_recog" / "weights").glob("*.safetensors"):
            file.write_bytes(b"")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--wheel-dir", str(work), str(work / "source")],
        check=True,
    )  # fmt: skip
    (path,) = work.glob("*.whl")
    assert path.stat().st_size < 40e6
    with zipfile.ZipFile(path) as file:
        return file.namelist()


def test_the_wheel_holds_every_module_once(wheel):
    assert len(wheel) == len(set(wheel))
    for part, name in zip(
        PARTS, ("restore_recog", "restore_recog/restorers", "restore_recog/protocols"), strict=True
    ):
        for path in (ROOT / part).rglob("*.py"):
            inside = path.relative_to(ROOT / part)
            if part == "restore_recog" and inside.parts[0] in PARTS[1:]:
                continue
            assert f"{name}/{inside.as_posix()}" in wheel


def test_the_wheel_has_one_top_level_name(wheel):
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"restore_recog"}


def test_the_wheel_holds_the_data(wheel):
    assert "restore_recog/datasets/lfw_people.csv" in wheel
    for path in (ROOT / "restore_recog" / "weights").iterdir():
        assert f"restore_recog/weights/{path.name}" in wheel


def readme_command(mark: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    match = re.search(rf"<!-- ci: {mark} -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert match is not None
    return match[1].strip()


@pytest.mark.parametrize("mark", ["main job", "tests"])
def test_the_readmes_commands_are_one_line_each_on_its_first_screen(mark):
    command = readme_command(mark)
    assert "\n" not in command
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines.index(command) < 30


def test_ci_runs_the_readmes_test_command(tmp_path):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    readme = "# x\n```sh\nfalse\n```\n<!-- ci: tests -->\n```sh\necho ran; exit 3\n```\n"
    (tmp_path / "README.md").write_text(readme)
    done = subprocess.run([tmp_path / ".ci" / "run"], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["+ echo ran; exit 3", "ran"]
    assert done.returncode == 3


def test_ci_fails_without_a_command(tmp_path):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "README.md").write_text("# x\n")
    done = subprocess.run([tmp_path / ".ci" / "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
