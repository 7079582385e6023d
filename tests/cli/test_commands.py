"""The command line as a whole: help, list, exit codes, errors in one sentence."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from restore_recog import __version__, cli, registry
from restore_recog.cli import COMMANDS, main
from restore_recog.errors import DataError
from restore_recog.system.atomic import whole_folder


def run(*args: str):
    return CliRunner().invoke(main, list(args))


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help(command):
    result = run(*command, "-h")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Usage: ")
    assert " ".join(["restore-recog", *command]) in result.stdout
    assert run(*command, "--help").stdout == result.stdout


def test_the_overview_names_every_command():
    result = run("-h")
    assert all(f"  {name} " in result.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(name):
    assert f"restore-recog {name}" in run(name, "-h").stdout


def test_help_and_list_import_nothing_heavy():
    """One process asks for them all; what it names is the first that imports too much."""
    commands = [["--help"], ["list"], *([name, "--help"] for name in COMMANDS)]
    code = (
        "import sys\n"
        "from restore_recog.cli import main\n"
        f"for args in {commands!r}:\n"
        "    main(args, standalone_mode=False)\n"
        "    heavy = {'torch', 'cv2', 'timm', 'matplotlib', 'scipy'} & sys.modules.keys()\n"
        "    assert not heavy, (args, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_is_the_same_wherever_it_stands():
    root = Path(__file__).parents[2]
    newest = re.search(
        r"^## \[(\d.+)\] - (\S+)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    citation = (root / "CITATION.cff").read_text()
    assert newest is not None and newest[1] == __version__
    assert f"version: {__version__}\n" in citation and f"date-released: {newest[2]}" in citation


def test_version():
    assert run("--version").stdout.strip().endswith(__version__)


def test_python_dash_m():
    done = subprocess.run(
        [sys.executable, "-m", "restore_recog", "list", "protocols"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "fmor" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["evil"], "No such command 'evil'. Did you mean 'eval'?"),
        (["sausages"], "No such command 'sausages'.\n"),
        (["eval", "--protocl"], "Did you mean '--protocol'?"),
        (["eval", "--no-such-option"], "No such option"),
        (["eval", "--limit", "0"], "--limit"),
        (["eval", "--batch-size", "many"], "--batch-size"),
        (["eval", "--faces", "all"], "--faces"),
        (["list", "sausages"], "sausages"),
        (["restore"], "Missing argument"),
        (["restore", "a.jpg"], "--output"),
    ],
)
def test_usage_errors_exit_2(args, said):
    result = run(*args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_options_are_spelt_the_same_in_every_command():
    short = {"--restorer": "-r", "--data": "-d", "--output": "-o", "--protocol": "-p"}
    helps = {}
    for name in COMMANDS:
        command = cli.main.get_command(click.Context(cli.main), name)
        for option in command.params:
            for long in option.opts:
                assert short.get(long, long) in option.opts, (name, long)
                if long in ("--device", "--threads"):
                    helps.setdefault(long, set()).add(option.help)
    assert {long: len(texts) for long, texts in helps.items()} == {"--device": 1, "--threads": 1}


def test_list_names_every_plugin_with_its_package():
    result = run("list")
    assert result.exit_code == 0
    for group, plugins in registry.GROUPS.items():
        assert group in result.stdout
        for name in plugins.names():
            assert f"  {name} " in result.stdout
    assert "restore-recog" in result.stdout


def test_list_one_group():
    result = run("list", "protocols")
    assert "fmor" in result.stdout
    assert "telea" not in result.stdout


def test_list_long_shows_the_summaries():
    result = run("list", "restorers", "--long")
    assert "Fill the hole from its rim inwards" in result.stdout


def test_list_json():
    rows = json.loads(run("list", "--json").stdout)
    wanted = {"group": "protocols", "name": "fmor"}.items()
    assert any(wanted <= row.items() for row in rows)


def test_list_long_reports_a_broken_plugin_and_goes_on(tmp_path, monkeypatch):
    info = tmp_path / "broken_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[restore_recog.protocols]\nbroken = no_such_mod:X\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run("list", "protocols", "--long")
    assert result.exit_code == 0
    assert "not usable" in result.stdout
    assert "broken-package 1.0" in result.stdout
    assert "FMOR" in result.stdout


def test_list_with_nothing_installed(monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: ())
    result = run("list")
    assert result.exit_code == 0
    assert "No plug-ins are registered; run 'pip install .'" in result.stdout


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("The folder is empty."), 1, "Error: The folder is empty.\n"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x.png"), 1, "The disk is full (x.png)"),
        (PermissionError(errno.EACCES, "no", "y"), 1, "Permission denied (y)"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
def test_expected_failures_are_one_sentence(monkeypatch, error, code, said):
    @click.command("list")
    def failing():
        raise error

    monkeypatch.setattr("restore_recog.cli.list.command", failing)
    result = run("list")
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_terminated_command_ends_like_an_interrupted_one(monkeypatch, tmp_path):
    @click.command("list")
    def working():
        with whole_folder(tmp_path / "out"):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("restore_recog.cli.list.command", working)
    result = run("list")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")
    assert list(tmp_path.iterdir()) == [] and signal.getsignal(signal.SIGTERM) is before
    assert result.stdout == ""


def test_a_bug_keeps_its_traceback(monkeypatch):
    @click.command("list")
    def failing():
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("restore_recog.cli.list.command", failing)
    result = run("list")
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("argument", "code", "said"),
    [("--version", 0, "restore-recog, version"), ("nonsense", 2, ""), ("list", 1, "A sentence.")],
)
def test_the_program_ends_with_the_code_after_everybody_elses_exit_functions(argument, code, said):
    script = f"""
import atexit, sys, click
import restore_recog.cli.list
from restore_recog.errors import DataError
@click.command("list")
def failing():
    raise DataError("A sentence.")
restore_recog.cli.list.command = failing
main = restore_recog.cli.main.main
def noted(*args, **kwargs):
    atexit.register(print, "the last word")
    return main(*args, **kwargs)
restore_recog.cli.main.main = noted
sys.argv = ["restore-recog", "{argument}"]
from restore_recog.__main__ import run
run()
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == code and said in result.stdout + result.stderr
    assert result.stdout.endswith("the last word\n")


def test_every_command_module_has_its_command():
    for name in COMMANDS:
        command = cli.main.get_command(click.Context(cli.main), name)
        assert command is not None
        assert command.name == name
