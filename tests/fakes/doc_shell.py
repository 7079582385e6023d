"""Runs a shell block of the tutorials: our commands in this process, whose imports are done."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys

import doc_pages
from click.testing import CliRunner
from doc_pages import Block

from restore_recog.cli import main

TORCHRUN = f"{sys.executable} -m torch.distributed.run"


def run(block: Block) -> str:
    """Do what a block says in the working directory; return what it prints."""
    return "".join(_step(step) for step in doc_pages.steps(block))


def _step(step: str) -> str:
    if step.startswith("python - <<"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(doc_pages.heredoc(step), "heredoc", "exec"), {"__name__": "heredoc"})
        return printed.getvalue()
    words = doc_pages.words(step)
    if words[0] in ("torchrun", "cat", "ls"):
        return _by_the_shell(step.replace("torchrun", TORCHRUN, 1))
    ((program, arguments),) = doc_pages.commands(words)
    assert program == "restore-recog"
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def _by_the_shell(script: str) -> str:
    path = os.pathsep.join([str(doc_pages.ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        ["sh", "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
