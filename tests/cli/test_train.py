"""The two training commands: what they print, write, refuse, and survive."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from distributed_commands import SLOW, kill, start, wait_until
from forked import finish

from restore_recog import weights
from restore_recog.cli import main
from restore_recog.training import checkpoint

HERE = "training_fakes.plugins"
"""How a dotted path reaches the fakes: pytest puts this folder on the path."""


def restorer_arguments(output: Path, *more: str) -> list[str]:
    return [
        *("train-restorer", "--restorer", f"{HERE}:Smoother", "--data", f"{HERE}:Booth"),
        *("--output", str(output), "--device", "cpu", "--workers", "0", *more),
    ]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def train(output: Path, *more: str) -> Result:
    return invoke(*restorer_arguments(output, *more))


def record(output: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((output / "run.json").read_text())
    return loaded


class TestRun:
    def test_says_what_it_did(self, tmp_path: Path) -> None:
        result = train(tmp_path / "run", "--set", "word=red", "--seed", "3")
        assert result.exit_code == 0, result.output
        assert result.stdout == f"Finished: {tmp_path / 'run' / 'weights.safetensors'}\n"
        assert "16 images of 4 people; 0 could not be used" in result.stderr
        written = record(tmp_path / "run")
        assert written["model"] == {
            "model": "smoother",
            "options": {"preset": "compact", "word": "red"},
        }
        assert (written["seed"], written["pictures"]) == (3, 16)
        assert written["datasets"] == [f"{HERE}:Booth"]

    def test_recogniser_gets_its_argument_and_the_share_covered(self, tmp_path: Path) -> None:
        result = invoke(
            *("train-recognizer", "--recognizer", f"{HERE}:Looker:small", "--covered", "0.5"),
            *("--data", f"{HERE}:Booth", "--output", str(tmp_path / "run"), "--set", "depth=2"),
            *("--device", "cpu", "--workers", "0"),
        )
        assert result.exit_code == 0, result.output
        assert record(tmp_path / "run")["model"]["options"] == {
            "argument": "small",
            "covered": 0.5,
            "depth": 2,
        }
        trained = weights.training(tmp_path / "run" / "weights.safetensors")
        assert trained == {"covered": 0.5, "coverings": "random"}

    def test_length_and_limit(self, tmp_path: Path) -> None:
        train(tmp_path / "run", "--images-scale", "2", "--limit", "5")
        assert record(tmp_path / "run")["images_seen"] == 24
        assert record(tmp_path / "run")["pictures"] == 5

    def test_protocol_keeps_its_people(self, tmp_path: Path) -> None:
        result = train(tmp_path / "run", "--protocol", f"{HERE}:Third")
        assert result.exit_code == 0, result.output
        assert record(tmp_path / "run")["people"] == 2

    @pytest.mark.parametrize(("data", "code"), [("Booth", 1), ("ListedBooth", 0)])
    def test_protocol_follows_the_pairs_that_came_with_the_data(
        self, tmp_path: Path, data: str, code: int
    ) -> None:
        result = invoke(
            *("train-restorer", "--restorer", f"{HERE}:Smoother", "--data", f"{HERE}:{data}"),
            *("--protocol", f"{HERE}:NeedsPairs", "--output", str(tmp_path / "run")),
            *("--device", "cpu", "--workers", "0"),
        )
        assert result.exit_code == code, result.output
        assert ("The list of pairs is missing" in result.output) == (code == 1)

    def test_time_limit_and_resume(self, tmp_path: Path) -> None:
        first = train(tmp_path / "run", "--max-minutes", "1e-9")
        assert first.stdout.startswith("Time is up; weights so far:")
        again = train(tmp_path / "run", "--resume")
        assert again.stdout.startswith("Finished:")
        assert record(tmp_path / "run")["images_seen"] == 12

    def test_resume_of_a_run_without_checkpoint_begins(self, tmp_path: Path) -> None:
        (tmp_path / "run" / "crops").mkdir(parents=True)
        result = train(tmp_path / "run", "--resume")
        assert result.exit_code == 0 and "no checkpoint yet; the training starts" in result.stderr


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "code", "words"),
        [
            (["--device", "cuda:99"], 1, "'cuda:99' was asked for"),
            (["--resume"], 1, "There is no folder"),
            (["--set", "colour"], 2, "'colour' is not of the form key=value"),
            (["--set", "colour=red"], 2, "unexpected keyword argument 'colour'"),
            (["--limit", "3"], 1, "3 training images, fewer than one batch of 4"),
            (["--data", "fantom"], 1, "No data set named 'fantom'"),
            (["--protocol", "fmr"], 1, "No protocol named 'fmr'"),
            (["--restorer", f"{HERE}:Fixed"], 1, "has nothing to train"),
            (["--restorer", "fmodrr"], 1, "No restorer named 'fmodrr'"),
        ],
    )
    def test_one_sentence(self, tmp_path: Path, more: list[str], code: int, words: str) -> None:
        result = train(tmp_path / "run", *more)
        assert result.exit_code == code
        assert words in " ".join(result.output.split())
        assert "Traceback" not in result.output

    def test_a_folder_that_holds_something(self, tmp_path: Path) -> None:
        train(tmp_path / "run")
        before = (tmp_path / "run" / "last.pt").read_bytes()
        result = train(tmp_path / "run")
        assert result.exit_code == 1
        assert "exists; use --resume or another --output" in result.output
        assert (tmp_path / "run" / "last.pt").read_bytes() == before

    def test_other_options_on_resume(self, tmp_path: Path) -> None:
        train(tmp_path / "run")
        result = train(tmp_path / "run", "--resume", "--set", "word=blue")
        assert result.exit_code == 1
        assert "model.options.word was '', is 'blue'" in " ".join(result.output.split())


class TestProcess:
    """A process of its own gets signals; that it is started as a user would is tested elsewhere."""

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
        output = tmp_path_factory.mktemp("whole") / "run"
        result = train(output, "--set", "steps=40")
        assert result.exit_code == 0, result.output
        state: Mapping[str, Any] = checkpoint.load(output / "last.pt")["state"]
        return state

    def stopped(self, folder: Path, number: int, *more: str) -> tuple[int, str]:
        """Send a signal to a training with a checkpoint; return exit code and standard error."""
        running = start(folder, "run", "--output", str(folder / "run"), *SLOW, *more, world=1)
        wait_until(folder / "run", 12, running)
        kill(running, number, range(1))
        finish(folder, "run", running)
        (code,) = json.loads((folder / "run.json").read_text())
        return code, (folder / "run-0.err").read_text()

    def finish(self, output: Path, whole: Mapping[str, Any]) -> None:
        assert 0 < record(output)["images_seen"] < 160
        result = train(output, "--set", "steps=40", "--resume")
        assert result.exit_code == 0, result.output
        state = checkpoint.load(output / "last.pt")["state"]
        for name, tensor in whole["net"].items():
            assert torch.equal(state["net"][name], tensor)

    def test_survives_a_kill(self, tmp_path: Path, whole: Mapping[str, Any]) -> None:
        code, _ = self.stopped(tmp_path, signal.SIGKILL)
        assert code == -signal.SIGKILL
        self.finish(tmp_path / "run", whole)

    def test_ctrl_c_saves_and_says_how_to_go_on(
        self, tmp_path: Path, whole: Mapping[str, Any]
    ) -> None:
        code, stderr = self.stopped(tmp_path, signal.SIGINT, "--checkpoint-every", "12")
        assert code == 130
        assert "Stopped in phase 'blur'" in stderr and "--resume" in stderr
        assert "Traceback" not in stderr
        self.finish(tmp_path / "run", whole)


@pytest.mark.parametrize("name", ["train-restorer", "train-recognizer"])
def test_help_does_not_wait_for_torch(name: str) -> None:
    code = (
        "import sys\n"
        "from restore_recog.cli import main\n"
        f"main(['{name}', '--help'], standalone_mode=False)\n"
        "assert not {'torch', 'numpy', 'cv2'} & set(sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "--max-minutes" in result.stdout
