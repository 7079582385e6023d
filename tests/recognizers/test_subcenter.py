"""Sub-center ArcFace: its formula and unit, its centres, and a training with them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner

from restore_recog.cli import main
from restore_recog.errors import TrainingError
from restore_recog.recognizers.subcenter import SubCenterTraining
from restore_recog.recognizers.timm import TimmRecognizer
from restore_recog.types import FaceBatch

SMALL = {"image_size": 32, "dimension": 16, "batch_size": 16, "identities_per_batch": 4}


def made(labels: tuple[int, ...] = (0, 1, 2, 3), **options: Any) -> SubCenterTraining:
    torch.manual_seed(0)
    training = TimmRecognizer.trainable(
        "regnetx_002", **SMALL, loss="subcenter-arcface", learning_rate=3e-3, **options
    )
    assert isinstance(training, SubCenterTraining)
    training.expect(torch.tensor(labels))
    return training


def batch(labels: tuple[int, ...] = (0, 1, 2, 3), shots: int = 4) -> FaceBatch:
    generator = torch.Generator().manual_seed(0)
    colours = torch.rand(len(labels), 3, 1, 1, generator=generator).repeat_interleave(shots, 0)
    noise = 0.1 * torch.randn(len(colours), 3, 32, 32, generator=generator)
    images = (colours + noise).clamp(0, 1)
    subjects = torch.tensor(labels).repeat_interleave(shots)
    return FaceBatch(images, torch.zeros_like(images[:, :1]), attributes={"subject": subjects})


def test_the_loss_is_the_papers_with_a_margin_of_half_a_radian() -> None:
    training = made()
    embeddings = torch.randn(6, 16, generator=torch.Generator().manual_seed(1))
    subjects = torch.tensor([0, 3, 1, 2, 0, 1])
    centres = F.normalize(training.loss.W.detach(), dim=0).view(16, 4, 3)
    cosine = torch.einsum("nd,dpc->npc", F.normalize(embeddings), centres).amax(2)  # (6, 4)
    rows = torch.arange(6)
    logits = 64 * cosine
    logits[rows, subjects] = 64 * torch.cos(torch.acos(cosine[rows, subjects]) + 0.5)
    loss, figures = training.compared(embeddings, subjects)
    # 28.6 degrees are 0.4992 in radians.
    torch.testing.assert_close(loss, F.cross_entropy(logits, subjects), rtol=2e-3, atol=0)
    assert training.loss.margin == pytest.approx(math.radians(28.6))
    right = (cosine.argmax(1) == subjects).float().mean()
    assert figures == {"accuracy": pytest.approx(float(right))}


def test_it_learns_the_people_and_their_centres() -> None:
    training, faces = made(margin=10.0), batch()
    before = training.loss.W.detach().clone()
    steps = [training.step(faces, 0.2) for _ in range(12)]
    assert steps[-1]["subcenter-arcface"] < 0.7 * steps[0]["subcenter-arcface"]
    assert steps[-1]["accuracy"] > steps[0]["accuracy"] and steps[-1]["accuracy"] > 0.9
    moved = (training.loss.W - before).norm(dim=0)
    assert bool((moved > 0).any()) and training.loss.W.shape == (16, 12)
    # The recogniser's file has no use for the centres; a checkpoint has.
    assert not any("W" in name for name in training.weights()[1])
    assert set(training.state()) == {"net", "optimizer", "centres"}


def test_labels_of_people_who_are_held_out_have_no_centre() -> None:
    labels = (2, 5, 11, 40)
    plain, sparse = made(), made(labels)
    assert sparse.loss.num_classes == 4
    figures = []
    for training, faces in ((plain, batch()), (sparse, batch(labels))):
        torch.manual_seed(1)  # of the dropout
        figures.append([training.step(faces, 0.2) for _ in range(2)])
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "arcface"}, "no loss 'arcface'; choose from triplet, subcenter-arcface"),
        ({"loss": "subcenter-arcface", "miner": "hard"}, "no option 'miner'; choose from"),
        ({"loss": "subcenter-arcface", "margin": 100}, "angle in degrees"),
        ({"loss": "subcenter-arcface", "sub_centers": 0}, "sub_centers >= 1"),
        ({"scale": 64}, "no option 'scale'"),
    ],
)
def test_wrong_options_are_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        TimmRecognizer.trainable("regnetx_002", **SMALL, **options)


def test_the_command_trains_and_a_checkpoint_holds_the_centres(tmp_path: Path) -> None:
    command = [
        *("train-recognizer", "--recognizer", "timm", "--data", "phantom:6x3", "--device", "cpu"),
        *("--set", "loss=subcenter-arcface", "--set", "image_size=32", "--set", "dimension=16"),
        *("--set", "batch_size=8", "--set", "identities_per_batch=4", "--set", "images=24"),
        *("--workers", "0", "--validation-share", "0"),
    ]
    runner = CliRunner()
    whole = runner.invoke(main, [*command, "--output", str(tmp_path / "run")])
    assert whole.exit_code == 0, whole.output
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["model"]["loss"] == "subcenter-arcface"
    assert record["model"]["options"]["scale"] == 64
    other = [*command, "--output", str(tmp_path / "run"), "--resume", "--set", "loss=triplet"]
    refused = runner.invoke(main, other)
    assert refused.exit_code == 1 and "loss" in refused.stderr
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert state["state"]["centres"]["W"].shape == (16, 3 * record["people"])
    recognizer = TimmRecognizer(weights=tmp_path / "run" / "weights.safetensors")
    assert recognizer.embed(torch.rand(2, 3, 32, 32)).shape == (2, 16)
