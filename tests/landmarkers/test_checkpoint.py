"""The published checkpoint, made here in its layout: read where it fits, refused where not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from restore_recog import registry
from restore_recog.errors import WeightsError
from restore_recog.landmarkers.hourglass import HourglassLandmarker, checkpoint
from restore_recog.landmarkers.hourglass.networks import HourglassNet
from restore_recog.landmarkers.hourglass.presets import PRESETS
from restore_recog.landmarkers.hourglass.training import HourglassTraining


def norm(channels: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {**{name: (channels,) for name in names}, "num_batches_tracked": ()}


def conv(inside: int, outside: int, kernel: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {"weight": (outside, inside, kernel, kernel), **({"bias": (outside,)} if bias else {})}


def below(name: str, parts: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": shape for part, shape in parts.items()}


def block(inside: int, outside: int) -> dict[str, tuple[int, ...]]:
    half, quarter = outside // 2, outside // 4
    shapes = below("bn1", norm(inside)) | below("conv1", conv(inside, half, 3, False))
    shapes |= below("bn2", norm(half)) | below("conv2", conv(half, quarter, 3, False))
    shapes |= below("bn3", norm(quarter)) | below("conv3", conv(quarter, quarter, 3, False))
    if inside != outside:
        shapes |= below("downsample.0", norm(inside))
        shapes |= below("downsample.2", conv(inside, outside, 1, False))
    return shapes


def layout(stacks: int, f: int, maps: int = 99) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every tensor in a published checkpoint of *f* features."""
    shapes = below("conv1.conv", conv(6, f // 4, 7)) | below("bn1", norm(f // 4))
    shapes |= below("conv2", block(f // 4, f // 2)) | below("conv3", block(f // 2, f // 2))
    shapes |= below("conv4", block(f // 2, f))
    for n in range(stacks):
        shapes |= below(f"m{n}.coordconv.conv", conv(f + (5 if n else 3), f, 1))
        for level in (4, 3, 2, 1):
            for branch in ("b1", "b2", "b3"):
                shapes |= below(f"m{n}.{branch}_{level}", block(f, f))
        shapes |= below(f"m{n}.b2_plus_1", block(f, f)) | below(f"top_m_{n}", block(f, f))
        shapes |= below(f"conv_last{n}", conv(f, f, 1)) | below(f"bn_end{n}", norm(f))
        shapes |= below(f"l{n}", conv(f, maps, 1))
        if n < stacks - 1:
            shapes |= below(f"bl{n}", conv(f, f, 1)) | below(f"al{n}", conv(maps, f, 1))
    return shapes


def write(path: Path, stacks: int = 2, f: int = 16, maps: int = 99, **change: object) -> Path:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.rand(shape, generator=generator) if shape else torch.tensor(7)
        for name, shape in layout(stacks, f, maps).items()
    }
    torch.save({"state_dict": tensors | change, "epoch": 60}, path)
    return path


def test_the_layout_is_that_of_the_paper() -> None:
    sizes = [
        torch.Size(shape).numel()
        for name, shape in layout(4, 256).items()
        if "running" not in name and "tracked" not in name
    ]
    assert sum(sizes) == 24_153_036


def test_every_tensor_has_its_place() -> None:
    net = HourglassNet(PRESETS["paper"] | {"features": 16})
    named = {checkpoint.theirs(name, 4): one.shape for name, one in net.state_dict().items()}
    assert {n: tuple(shape) for n, shape in named.items()} == layout(4, 16)


def test_it_is_used_by_name_and_finds_points(tmp_path: Path) -> None:
    path = write(tmp_path / "WFLW_4HG.pth")
    landmarker = registry.landmarkers.create(f"hourglass={path}")
    assert isinstance(landmarker, HourglassLandmarker)
    assert landmarker.image_size == (256, 256)
    assert dict(landmarker.settings) == {"stacks": 2, "features": 16}
    held = torch.load(path, weights_only=True)["state_dict"]
    own = landmarker.net.state_dict()
    level = own["stacks.1.hourglass.inner.inner.inner.inner.first.2.weight"]
    assert torch.equal(level, held["m1.b2_plus_1.conv1.weight"])
    assert torch.equal(own["stacks.0.hourglass.up.third.0.bias"], held["m0.b3_4.bn3.bias"])
    assert landmarker.find(torch.rand(1, 3, 256, 256)).shape == (1, 98, 2)


def test_a_training_may_start_from_it(tmp_path: Path) -> None:
    path = write(tmp_path / "own.pth", stacks=1)
    training = HourglassTraining("paper", stacks=1, features=16, init=str(path))
    held = torch.load(path, weights_only=True)["state_dict"]
    assert torch.equal(training.net.stacks[0].maps.weight, held["l0.weight"])
    assert training.describe()["options"]["init"].startswith("sha256:")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"maps": 69}, "finds 68 landmarks, and 98 are wanted; get the checkpoint of WFLW"),
        ({"l0.weight": torch.rand(99, 16, 3, 3)}, "does not fit HourglassNet: 1 tensors"),
        ({"conv9.weight": torch.rand(2)}, r"unexpected or of another shape, first 'conv9\.weight'"),
        ({"l1.bias": torch.full((99,), torch.nan)}, "hold NaN or infinite numbers"),
        ({"l1.bias": "text"}, "holds no table of tensors"),
    ],
)
def test_another_file_is_one_sentence(change, words, tmp_path: Path) -> None:
    path = write(tmp_path / "wrong.pth", **change)
    with pytest.raises(WeightsError, match=words):
        registry.landmarkers.create(f"hourglass={path}")


def test_no_checkpoint_at_all(tmp_path: Path) -> None:
    (tmp_path / "torn.pth").write_bytes(b"PK torn")
    with pytest.raises(WeightsError, match="no readable file of PyTorch weights"):
        registry.landmarkers.create(f"hourglass={tmp_path / 'torn.pth'}")
    torch.save({"fc.weight": torch.rand(3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="no checkpoint of the adaptive wing loss"):
        registry.landmarkers.create(f"hourglass={tmp_path / 'other.pth'}")
