"""Several processes train as one would, up to rounding; what stops one stops all."""

from __future__ import annotations

import copy
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from distributed_run import BATCH, MODELS, STEPS, WORLD, built, crashed, run, steps, train
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from restore_recog.errors import TrainingError
from restore_recog.nn import distributed
from restore_recog.nn.distributed import GlobalBatchNorm, share_norms
from restore_recog.system.processes import Processes
from restore_recog.training import checkpoint
from restore_recog.training.distributed import check_batch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where two processes have left what they found in every task."""
    folder = tmp_path_factory.mktemp("two")
    crashed(folder / "more")
    run(folder)
    return folder


def results(folder: Path, task: str) -> list[dict[str, Any]]:
    """Return what each process reached in a task."""
    errors = "".join((folder / f"{task}-{rank}.err").read_text() for rank in range(WORLD))
    assert json.loads((folder / f"{task}.json").read_text()) == [0] * WORLD, errors
    return [torch.load(folder / f"{task}-{rank}.pt") for rank in range(WORLD)]


def apart(one: Mapping[str, Tensor], two: Mapping[str, Tensor]) -> dict[str, float]:
    """Return how far tensors are apart, as a share of their length.

    What is nothing but rounding, as the gradient of a bias before a normalisation, counts as a
    share of a thousandth of the longest gradient of its network.
    """
    assert one.keys() == two.keys()
    lengths = {name: float(tensor.double().norm()) for name, tensor in one.items()}
    longest: dict[str, float] = {}
    for name, length in lengths.items():
        network, slash, _ = name.partition("/")
        longest[network] = max(longest.get(network, 0.0), length if slash else 0.0)
    return {
        name: float((tensor.double() - two[name].double()).norm())
        / max(lengths[name], 1e-3 * longest[name.partition("/")[0]], 1e-7)
        for name, tensor in one.items()
    }


class TestOneStep:
    @pytest.fixture(scope="class")
    @classmethod
    def taken(cls, folder: Path) -> list[dict[str, Any]]:
        return results(folder, "steps")

    @pytest.mark.parametrize("name", MODELS)
    def test_gradients_are_those_of_the_whole_batch(
        self, taken: list[dict[str, Any]], name: str
    ) -> None:
        """Gradients as clipped, running figures, and what is logged."""
        alone = steps(name)
        assert len(alone) > 4
        wrong = {key: by for key, by in apart(alone, taken[0][name]).items() if by > 1e-9}
        assert wrong == {}

    @pytest.mark.parametrize("name", MODELS)
    def test_processes_stay_the_same_bit_for_bit(
        self, taken: list[dict[str, Any]], name: str
    ) -> None:
        first, second = (one[name] for one in taken)
        assert [key for key in first if not torch.equal(first[key], second[key])] == []


class TestRun:
    @pytest.fixture(scope="class")
    @classmethod
    def two(cls, folder: Path) -> list[dict[str, Any]]:
        return results(folder, "train")

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls, folder: Path) -> dict[str, Tensor]:
        return train(folder / "alone", built())

    def test_ends_where_one_process_ends(
        self, two: list[dict[str, Any]], alone: dict[str, Tensor]
    ) -> None:
        assert max(apart(alone, two[0]["ends"]["whole"]).values()) < 1e-4

    def test_processes_end_alike(self, two: list[dict[str, Any]]) -> None:
        for name, weights in two[0]["ends"].items():
            assert max(apart(weights, two[1]["ends"][name]).values()) == 0, name

    def test_resume_ends_like_an_uninterrupted_run(self, two: list[dict[str, Any]]) -> None:
        """Bit for bit, dropout and all."""
        ends = two[0]["ends"]
        assert max(apart(ends["dropout"], ends["resumed"]).values()) == 0
        assert max(apart(ends["whole"], ends["stopped"]).values()) == 0

    def test_resume_by_more_and_by_fewer(
        self, two: list[dict[str, Any]], alone: dict[str, Tensor], folder: Path
    ) -> None:
        assert max(apart(alone, two[0]["ends"]["more"]).values()) < 1e-4
        fewer = train(folder / "fewer", built(), resume=True)
        assert max(apart(alone, fewer).values()) < 1e-4

    def test_one_process_writes(self, two: list[dict[str, Any]], folder: Path) -> None:
        record = json.loads((folder / "whole" / "run.json").read_text())
        assert (record["processes"], record["images_seen"]) == (WORLD, STEPS * BATCH)
        assert len(list((folder / "whole" / "logs").iterdir())) == 1
        assert not list(folder.rglob("*.part"))
        streams = checkpoint.load(folder / "dropout" / "last.pt")
        first, second = streams["random"], *streams["random_others"]
        assert not torch.equal(first["torch"], second["torch"])

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("nan", "TrainingError: The loss 'l1' became nan in phase 'only' after 8 images"),
            ("stop", "TrainingInterrupted: Stopped in phase 'only' after 8 of 24 images"),
            ("own step", "it steps without averaging its gradients"),
            ("uneven", "A batch of 3 cannot be shared out evenly among 2 processes"),
            ("file", "OutputError"),
            ("images", "The processes do not have the same training images"),
        ],
    )
    def test_all_stop_with_one_sentence(
        self, two: list[dict[str, Any]], name: str, words: str
    ) -> None:
        for process in two:
            assert words in process["sentences"][name]
            assert "\n" not in process["sentences"][name]


def test_a_process_that_fails_stops_all(folder: Path) -> None:
    """Each with its sentence; gloo sometimes aborts after it, as a torn group is taken down."""
    surviving, failing = json.loads((folder / "fail.json").read_text())
    assert failing == 1 and surviving in (1, -signal.SIGABRT)
    first, second = ((folder / f"fail-{rank}.err").read_text() for rank in range(WORLD))
    assert "TrainingError: The model of the last process is broken." in second
    assert "RestoreRecogError: Another process of this run has stopped" in first


def test_alone_there_is_nothing_to_share() -> None:
    here = Processes.current()
    assert here.leads and here.part == (0, 1)
    check_batch(here, 7)
    assert here.any(False, True) == (False, True) and here.means({"a": 2.0}) == {"a": 2.0}
    with pytest.raises(TrainingError, match="torn"):
        here.lead(_torn)


@pytest.mark.parametrize(
    ("device", "kind"), [("cpu", GlobalBatchNorm), ("cuda:0", nn.SyncBatchNorm)]
)
def test_shared_norms_are_the_old_ones_in_new_clothes(
    monkeypatch: pytest.MonkeyPatch, device: str, kind: type[nn.Module]
) -> None:
    """Those of timm end in an activation, which must not be lost."""
    monkeypatch.setattr(distributed, "world", lambda: 2)
    net = nn.Sequential(nn.Conv2d(3, 4, 1), BatchNormAct2d(4), nn.Sequential(nn.BatchNorm2d(4)))
    nn.init.uniform_(net[1].bias, -2, 0)
    before = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    wanted = net.eval()(torch.ones(2, 3, 5, 5))
    share_norms(net, device)
    after = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    assert isinstance(net[1], kind) and isinstance(net[2][0], kind)
    assert list(before) == list(after) and all(before[name] is after[name] for name in before)
    assert torch.allclose(net(torch.ones(2, 3, 5, 5)), wanted, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5, 5)])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_norms_of_one_are_those_of_pytorch(shape: tuple[int, ...], momentum: float | None) -> None:
    like = {2: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)](4, momentum=momentum)
    own = GlobalBatchNorm(copy.deepcopy(like))
    for seed in range(3):
        values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3 + 1
        assert torch.allclose(own(values), like(values), atol=1e-5)
    for name, tensor in like.state_dict().items():
        assert torch.allclose(own.state_dict()[name], tensor, atol=1e-6), name


def _torn() -> None:
    raise TrainingError("It is torn.")
