"""Recognisers from TorchScript files, and what is said to other spellings."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from recognizer_files import script
from torch import nn

from restore_recog import registry
from restore_recog.errors import PluginError, UnknownPluginError, WeightsError
from restore_recog.recognizers.torchscript import TorchScriptRecognizer


class Net(nn.Module):
    """Coarse colours through one linear layer."""

    def __init__(self, side: int = 4, dimension: int = 8) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(side)
        self.linear = nn.Linear(3 * side * side, dimension)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.linear(self.pool(images).flatten(1))


class Maps(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


class Two(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images.flatten(1), images


class Sized(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.reshape(images.shape[0], 3 * 24 * 24)


def test_it_gives_the_networks_own_templates(tmp_path):
    torch.manual_seed(0)
    net, images = Net(), torch.rand(3, 3, 112, 112)
    file = script(net, tmp_path / "net.pt")
    recognizer = registry.recognizers.create(f"torchscript:{file}", input="bgr", flip=True)
    assert recognizer.image_size == (112, 112)
    prepared = images[:, [2, 1, 0]] * 2 - 1
    with torch.no_grad():
        wanted = (net(prepared) + net(prepared.flip(-1))) / 2
    for _ in range(3):  # a network that is compiled as it runs may round another way later
        templates = recognizer.embed(images)
        torch.testing.assert_close(templates, F.normalize(wanted), atol=1e-6, rtol=0)
    images.requires_grad_()
    recognizer.net(images).sum().backward()
    assert images.grad is not None and float(images.grad.abs().sum()) > 0


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"template": "facenet160"}, (160, 160)),
        ({"template": "own", "size": 64}, (64, 64)),
        ({"template": "sphereface96x112"}, (112, 96)),
        ({"template": "sphereface96x112", "size": [56, 48]}, (56, 48)),
    ],
)
def test_the_size_is_the_templates_or_the_one_asked_for(tmp_path, settings, size):
    recognizer = TorchScriptRecognizer(str(script(Net(), tmp_path / "net.pt")), **settings)
    assert recognizer.image_size == size
    assert recognizer.embed(torch.rand(1, 3, *size)).shape == (1, 8)


def test_a_size_that_the_network_does_not_take_is_told_of(tmp_path):
    file = script(Sized(), tmp_path / "net.pt")
    with pytest.raises(WeightsError, match="fails on two images of 112 x 112.*size=160"):
        TorchScriptRecognizer(str(file))
    assert TorchScriptRecognizer(str(file), size=24).image_size == (24, 24)
    with pytest.raises(PluginError, match="'size' given is 7; it is a side in pixels"):
        TorchScriptRecognizer(str(file), size=7)


@pytest.mark.parametrize(
    ("net", "match"),
    [(Maps(), r"makes \[2, 3, 112, 112\] of two"), (Two(), "makes a tuple of two")],
)
def test_other_networks_are_refused(tmp_path, net, match):
    with pytest.raises(WeightsError, match=match):
        TorchScriptRecognizer(str(script(net, tmp_path / "net.pt")))


def test_a_file_of_weights_alone_is_none(tmp_path):
    torch.save(Net().state_dict(), tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=r"no TorchScript module.*torch\.jit\.script"):
        TorchScriptRecognizer(str(tmp_path / "net.pt"))


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        ("model.onnx", "Write 'onnx:model.onnx'."),
        ("nets/Model.ONNX", "Write 'onnx:nets/Model.ONNX'."),
        ("insightface:buffalo_l", r"write 'onnx:FILE', e\.g\. .*w600k_r50\.onnx"),
        ("buffalo_l", "onnx:FILE"),
        ("net.pth", "'torchscript:net.pth', if torch.jit.save"),
        ("face_recognition", "write 'dlib'"),
        ("dlib_face_recognition_resnet_model_v1.dat", "'dlib=dlib_face"),
        ("runs/best.safetensors", "'timm=runs/best"),
        ("face-net", "Did you mean 'facenet'"),
    ],
)
def test_other_spellings_are_answered_with_the_right_one(spec, answer):
    with pytest.raises(UnknownPluginError, match=answer) as caught:
        registry.recognizers.check(spec)
    assert " Installed: " in str(caught.value) and "  " not in str(caught.value)


def test_a_bare_file_is_answered_too(tmp_path):
    (tmp_path / "net").write_bytes(b"")
    with pytest.raises(UnknownPluginError, match=r"Write 'onnx:.*net' or 'torchscript:.*net'"):
        registry.recognizers.check(str(tmp_path / "net"))


def test_the_answer_does_not_wait_for_pytorch():
    code = """
import sys
from restore_recog import registry
try:
    registry.recognizers.check("model.onnx")
except Exception as error:
    print(error)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Write 'onnx:model.onnx'" in done.stdout and done.stdout.endswith("False\n")
