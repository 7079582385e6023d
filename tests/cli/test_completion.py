"""What the shell completes."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

from restore_recog.cli import main


def completed(words: list[str], begun: str) -> list[str]:
    shell = ShellComplete(main, {}, "restore-recog", "_RESTORE_RECOG_COMPLETE")
    return [item.value for item in shell.get_completions(words, begun)]


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        ([], "ev", ["eval"]),
        (["eval"], "--restor", ["--restorer"]),
        (["eval", "-r"], "gan", ["ganmasker"]),
        (["eval", "-p"], "fm", ["fmor"]),
        (["eval", "-p"], "fmor,m", ["fmor,mfr2", "fmor,mlfw"]),
        (["eval", "--recognizer"], "dli", ["dlib", "dlib-native"]),
        (["eval", "--segmenter"], "ma", ["maskrcnn"]),
        (["eval", "--segmenter"], "fmo", ["fmodr"]),
        (["validate", "-d"], "utk", ["utkface"]),
        (["train-classifier", "--classifier"], "ge", ["gender"]),
        (["restore", "--segmenter"], "av", ["average"]),
    ],
)
def test_names_are_completed(words: list[str], begun: str, expected: list[str]) -> None:
    assert completed(words, begun) == expected
