"""The average of weights, loss scaling, and the figures of a validation, against plain sums."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from restore_recog.errors import TrainingError
from restore_recog.nn.figures import pair_figures, psnr_figures
from restore_recog.nn.precision import LossScaling
from restore_recog.nn.stepping import adam, update
from restore_recog.training.ema import WeightAverage


def walk(steps: int) -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return [{"w": torch.randn(3), "n": torch.tensor(step)} for step in range(steps)]


class TestAverage:
    def test_is_the_recursion(self) -> None:
        states = walk(40)
        average = WeightAverage(0.8, states[0])
        wanted = states[0]["w"].double()
        for step, state in enumerate(states[1:], 1):
            average.update(state)
            decay = min(0.8, (1 + step) / (10 + step))
            wanted = decay * wanted + (1 - decay) * state["w"].double()
        torch.testing.assert_close(average.tensors["w"].double(), wanted, rtol=1e-5, atol=1e-6)
        assert average.tensors["n"] == 39 and average.tensors["n"].dtype == torch.int64

    def test_of_what_stays_is_itself(self) -> None:
        net = nn.BatchNorm2d(2)
        average = WeightAverage(0.99, net.state_dict())
        for _ in range(5):
            average.update(net.state_dict())
        for name, tensor in net.state_dict().items():
            assert torch.equal(average.tensors[name], tensor)

    def test_is_lent_and_taken_back(self) -> None:
        net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        average = WeightAverage(0.5, net.state_dict())
        nn.init.ones_(net[0].weight)  # type: ignore[arg-type]
        before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        with pytest.raises(ZeroDivisionError), average.lent(net.state_dict()):
            for name, tensor in net.state_dict().items():
                assert torch.equal(tensor, average.tensors[name])
            raise ZeroDivisionError
        for name, tensor in net.state_dict().items():
            assert torch.equal(tensor, before[name])

    def test_goes_on_bit_for_bit(self) -> None:
        states = walk(20)
        whole = WeightAverage(0.9, states[0])
        half = WeightAverage(0.9, states[0])
        for state in states[:10]:
            whole.update(state)
            half.update(state)
        again = WeightAverage(0.9, states[5])
        again.load_state_dict(half.state_dict())
        for state in states[10:]:
            whole.update(state)
            again.update(state)
        assert torch.equal(whole.tensors["w"], again.tensors["w"])
        with pytest.raises(ValueError, match="'n' does not fit"):
            again.load_state_dict({"steps": 1, "tensors": {"v": torch.zeros(3)}})


class TestScaling:
    def test_steps_as_without(self) -> None:
        """A scale is a power of two, so that float32 loses nothing by it."""
        ends = []
        for scaled in (False, True):
            torch.manual_seed(0)
            net = nn.Linear(4, 1)
            optimizer = adam(net, 0.1)
            scaling = LossScaling({"one": optimizer}, "cpu")
            for _ in range(5):
                loss = net(torch.randn(8, 4)).square().mean()
                if scaled:
                    with scaling.active():
                        update(optimizer, net, loss, 0.5, 0.01)
                else:
                    update(optimizer, net, loss, 0.5, 0.01)
            ends.append(net.weight.detach().clone())
            assert scaling.used == ({"one"} if scaled else set())
        assert torch.equal(*ends)

    def test_an_overflow_leaves_the_step_out(self) -> None:
        """Each optimiser has a scale of its own: the other's stays."""
        net, rival = nn.Linear(2, 1), nn.Linear(2, 1)
        parts = {"net": adam(net, 0.1), "rival": adam(rival, 0.1)}
        scaling = LossScaling(parts, "cpu")
        before = net.weight.detach().clone()
        with scaling.active():
            update(parts["net"], net, net(torch.ones(1, 2)).mean() * float("inf"), 1.0, 1.0)
            update(parts["rival"], rival, rival(torch.ones(1, 2)).mean(), 1.0, 1.0)
        assert torch.equal(net.weight, before)
        scales = scaling.scales()
        assert scales["net"] == scales["rival"] / 2
        again = LossScaling(parts, "cpu")
        again.load_state_dict(scaling.state_dict())
        with again.active():
            update(parts["rival"], rival, rival(torch.ones(1, 2)).mean(), 1.0, 0.0)
            update(parts["net"], net, net(torch.ones(1, 2)).mean(), 1.0, 0.0)
        assert again.scales() == scales and not torch.equal(net.weight, before)

    def test_an_optimiser_without_a_name_is_refused(self) -> None:
        net = nn.Linear(2, 1)
        with (
            pytest.raises(TrainingError, match="state\\(\\) does not name"),
            LossScaling({}, "cpu").active(),
        ):
            update(adam(net, 0.1), net, net(torch.ones(1, 2)).mean(), 1.0, 1.0)


class TestFigures:
    def test_psnr_by_hand(self) -> None:
        clean = torch.full((2, 3, 4, 4), 0.5)
        mask = torch.zeros(2, 1, 4, 4)
        mask[0, :, :2] = 1  # half of the first image, nothing of the second
        restored = clean + 0.1 * mask
        restored[1] += 0.01
        figures = psnr_figures(restored, clean, mask)
        assert figures["psnr_mask"] == pytest.approx(20, abs=1e-3)
        whole = -10 * torch.tensor([0.01 / 2, 0.0001]).log10().mean()
        assert figures["psnr"] == pytest.approx(float(whole), abs=1e-3)
        assert psnr_figures(clean, clean, mask)["psnr_mask"] == pytest.approx(100)

    def test_pairs_by_hand(self) -> None:
        one, two, half = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]
        assert pair_figures(torch.tensor([one, one, two, two])) == {"auc": 1.0, "rank1": 1.0}
        assert pair_figures(torch.tensor([one, two, two, one])) == {"auc": 0.0, "rank1": 0.0}
        # Genuine 0.71 and 1; impostor: second of one to first of two 0.71, of two to one 0.
        figures = pair_figures(torch.tensor([one, half, two, two]))
        assert figures["auc"] == pytest.approx((0.5 + 1 + 1 + 1) / 4)
