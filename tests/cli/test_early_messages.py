"""What is wrong with a command line is said before PyTorch is imported, and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from restore_recog.cli import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "my-lfw-copy").mkdir()


CASES = {
    "a path without its layout": (["-d", "my-lfw-copy"], "layout before it: 'lfw:my-lfw-copy'"),
    "a path of no known name": (["-d", "./there"], "'folder:./there', which has a folder for each"),
    "a folder of data that is missing": (["-d", "lfw:gone"], "gone"),
    "results that exist": (["-o", "there"], "--resume, replace it with --overwrite, or name"),
    "an arm": (["--arms", "clean,ocluded"], "Did you mean 'occluded'?"),
    "a covering": (["--coverings", "surgicl"], "'surgicl' is unknown"),
    "a weights file": (["--weights", "gone.safetensors"], "no weights file gone.safetensors"),
    "a recogniser's weights": (["--recognizer-weights", "gone.pt"], "no weights file gone.pt"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_and_what_to_do(case: str) -> None:
    words, message = CASES[case]
    result = CliRunner().invoke(main, ["eval", *words])
    assert result.exit_code == 1 and message in result.stderr


def test_none_of_it_needs_torch() -> None:
    """One process for all cases, since each would take a second to start."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from click.testing import CliRunner\n"
        "from restore_recog.cli import main\n"
        f"for words in {[words for words, _ in CASES.values()]!r}:\n"
        "    result = CliRunner().invoke(main, ['eval', *words])\n"
        "    assert result.exit_code == 1, (words, result)\n"
        "    assert result.stderr.startswith('Error: '), result.stderr\n"
        "    assert 'torch' not in result.stderr, result.stderr\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_word_for_a_command() -> None:
    assert "Did you mean 'eval'?" in CliRunner().invoke(main, ["evaluate"]).stderr
    assert "Did you mean 'validate'?" in CliRunner().invoke(main, ["validat"]).stderr


def test_a_module_that_is_not_there() -> None:
    result = CliRunner().invoke(main, ["eval", "-r", "my_module:Mine"])
    assert "there is no module 'my_module'" in result.stderr and "PYTHONPATH=" in result.stderr
