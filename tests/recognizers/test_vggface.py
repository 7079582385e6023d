"""VGG-Face: whose tensors are read, under which names, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from recognizer_files import vgg_tensors
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import vgg16

from restore_recog.errors import WeightsError
from restore_recog.recognizers.vggface import MEAN, VggFace, network


def faces(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def by_hand(held: dict[str, Tensor], images: Tensor) -> Tensor:
    """Return what the layers make of prepared images, one after the other."""
    maps = images
    for stage, count in enumerate((2, 2, 3, 3, 3), 1):
        for place in range(1, count + 1):
            name = f"conv{stage}_{place}"
            maps = F.relu(F.conv2d(maps, held[f"{name}.weight"], held[f"{name}.bias"], padding=1))
        maps = F.max_pool2d(maps, 2)
    flat = maps.flatten(1)
    for name in ("fc6", "fc7"):
        flat = F.relu(F.linear(flat, held[f"{name}.weight"], held[f"{name}.bias"]))
    return flat


def test_every_way_of_naming_the_layers_gives_the_same_templates(tmp_path: Path) -> None:
    held = vgg_tensors()
    prepared = faces() * 255 - torch.tensor(MEAN)[:, None, None]
    wanted = F.normalize(by_hand(held, prepared))
    files = {}
    for names in ("own", "underscore", "torchvision"):
        files[names] = tmp_path / f"{names}.pth"
        torch.save(vgg_tensors(names), files[names])
    files["safetensors"] = tmp_path / "f.safetensors"  # which sorts its names as text
    save_file(vgg_tensors("torchvision", people=0), files["safetensors"])
    files["nested"] = tmp_path / "nested.pth"
    torch.save({"state_dict": {f"module.{n}": t for n, t in held.items()}}, files["nested"])
    full = vgg_tensors()
    full["fc6.weight"] = full["fc6.weight"].view(12, 2, 7, 7)  # as a convolution
    files["convolved"] = tmp_path / "convolved.pth"
    torch.save(full, files["convolved"])
    for name, file in files.items():
        recognizer = VggFace(str(file))
        torch.testing.assert_close(recognizer.embed(faces()), wanted, msg=name)
    assert recognizer.image_size == (224, 224) and recognizer.template is None
    assert "(x - (129.186, 104.762, 93.594)) / 1 of 0..255" in recognizer.notes[0]


def test_the_layers_are_those_of_the_real_network() -> None:
    with torch.device("meta"):
        real = vgg16(num_classes=2622)
    mine = vgg_tensors("torchvision", people=2622)
    assert [(n, t.ndim) for n, t in mine.items()] == [
        (name, tensor.ndim) for name, tensor in real.state_dict().items()
    ]
    assert sum(p.numel() for p in real.parameters()) == 145_002_878


def test_a_conversion_for_bgr_is_fed_bgr(tmp_path: Path) -> None:
    torch.save(vgg_tensors(), tmp_path / "net.pth")
    plain, swapped = VggFace(str(tmp_path / "net.pth")), None
    (tmp_path / "net.toml").write_text('input = "bgr"\nmean = 0\n')
    swapped = VggFace(str(tmp_path / "net.pth"))
    assert swapped.settings["input"] == "bgr" and swapped.settings["std"] == (1.0, 1.0, 1.0)
    torch.testing.assert_close(
        swapped.embed(faces()), F.normalize(by_hand(vgg_tensors(), faces().flip(1) * 255))
    )
    assert not torch.allclose(swapped.embed(faces()), plain.embed(faces()), atol=1e-3)


def test_gradients_reach_the_image(tmp_path: Path) -> None:
    torch.save(vgg_tensors(), tmp_path / "net.pth")
    images = faces(1).requires_grad_()
    VggFace(str(tmp_path / "net.pth")).net(images).sum().backward()
    assert images.grad is not None and float(images.grad.abs().sum()) > 0


def without(*names: str) -> dict[str, Tensor]:
    return {n: t for n, t in vgg_tensors().items() if n not in names}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: without("conv3_2.weight", "conv3_2.bias"), "12 convolutions and 3 full layers"),
        (lambda: without("fc7.bias"), "holds no VGG-Face"),
        (lambda: vgg_tensors(people=1000), "ImageNet's"),
        (lambda: vgg_tensors() | {"fc6.weight": torch.zeros(12, 50)}, "do not fit the layers"),
        (lambda: vgg_tensors() | {"conv2_1.bias": torch.zeros(3)}, "3 numbers and not 2"),
        (lambda: vgg_tensors() | {"conv1_1.weight": torch.zeros(2, 3, 5, 5)}, "not 3 x 3"),
        (lambda: [1, 2], "holds no table of tensors"),
        (lambda: torch.nn.Linear(2, 2), "no readable file of PyTorch weights"),
    ],
)
def test_other_files_are_refused(
    content: Callable[[], object], message: str, tmp_path: Path
) -> None:
    torch.save(content(), tmp_path / "net.pth")
    with pytest.raises(WeightsError, match=message):
        network(tmp_path / "net.pth")


def test_without_a_file_it_says_how_one_is_given(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="write --recognizer vggface:FILE.pth"):
        VggFace()
    (tmp_path / "net.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match="no readable file of PyTorch weights"):
        VggFace(str(tmp_path / "net.safetensors"))
