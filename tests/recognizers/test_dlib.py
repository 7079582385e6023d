"""dlib's recogniser in PyTorch: its file format, its arithmetic, and dlib itself beside it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from dlib_files import MEAN, DlibFile, dlib_file, integer, real, small_network, text

from restore_recog import registry
from restore_recog.errors import NotTrainableError, PluginError, WeightsError
from restore_recog.recognizers.crop_templates import DLIB
from restore_recog.recognizers.dlib import DlibRecognizer
from restore_recog.recognizers.dlib_file import FILE, _Stream, model_file
from restore_recog.recognizers.dlib_native import DlibNative
from restore_recog.recognizers.dlib_net import load
from restore_recog.testing import face_batch

HERE = importlib.util.find_spec("face_recognition_models") is not None
NATIVE = HERE and importlib.util.find_spec("dlib") is not None


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 41, 41, generator=torch.Generator().manual_seed(0))


def plainly(file: DlibFile, images: torch.Tensor) -> torch.Tensor:
    """Return the descriptors of :func:`small_network`, layer by layer as dlib documents them."""
    values = iter([torch.from_numpy(array) for _, array in file.parameters])

    def con(x: torch.Tensor, filters: int, side: int, stride: int) -> torch.Tensor:
        weights, bias = next(values).split([filters * x.shape[1] * side * side, filters])
        shaped = weights.view(filters, x.shape[1], side, side)
        return F.conv2d(x, shaped, bias, stride, 0 if stride > 1 else side // 2)

    def affine(x: torch.Tensor) -> torch.Tensor:
        factor, shift = next(values).split(x.shape[1])
        return x * factor[:, None, None] + shift[:, None, None]

    def block(x: torch.Tensor, filters: int, stride: int = 1) -> torch.Tensor:
        made = affine(con(F.relu(affine(con(x, filters, 3, stride))), filters, 3, 1))
        beside = F.avg_pool2d(x, 2) if stride > 1 else x
        side = max(made.shape[2], beside.shape[2])
        total = torch.zeros(len(x), filters, side, side)
        total[:, :, : made.shape[2], : made.shape[3]] += made
        total[:, : x.shape[1], : beside.shape[2], : beside.shape[3]] += beside
        return F.relu(total)

    x = (images * 255 - torch.tensor(MEAN)[:, None, None]) / 256
    x = F.max_pool2d(F.relu(affine(con(x, 4, 7, 2))), 3, 2)
    x = block(block(block(x, 4), 6, 2), 8, 2)
    return x.mean((2, 3)) @ next(values).view(8, 16)


def test_a_file_in_dlibs_format_computes_what_its_layers_say(tmp_path, images):
    file = small_network()
    recognizer = DlibRecognizer(weights=dlib_file(tmp_path / "net.dat", file))
    assert recognizer.image_size == (41, 41)
    wanted = plainly(file, images)
    torch.testing.assert_close(recognizer.net(images), wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(recognizer.embed(images), F.normalize(wanted), atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 4736, -3, -70000])
def test_integers_are_read_back(value):
    stream = _Stream(integer(value) + b"x")
    assert stream.integer() == value and stream.take(1) == b"x"


@pytest.mark.parametrize("value", [0.0, 0.5, -1.25, 122.78199768066406, 1e-8, 3e7])
def test_real_numbers_are_read_back(value):
    assert _Stream(real(value)).real() == pytest.approx(value, rel=1e-6, abs=0)


def test_gradients_reach_the_images(tmp_path, images):
    net = load(dlib_file(tmp_path / "net.dat"))
    images.requires_grad_()
    net(images)[:, 0].sum().backward()
    step = 1e-3 * images.grad / images.grad.norm()
    with torch.no_grad():
        rise = (net(images + step) - net(images - step))[:, 0].sum() / 2
    assert float(rise) == pytest.approx(1e-3 * float(images.grad.norm()), rel=0.02)
    assert all(parameter.grad is None for parameter in net.parameters())


def another_order() -> bytes:
    file = DlibFile()
    file.con(3, 4, 7, 2)
    file.plain("relu_")
    file.fc(4, 16)
    return file.data()


def half_a_block() -> bytes:
    file = DlibFile()
    file.con(3, 4, 7, 2)
    file.affine(4)
    file.plain("relu_")
    file.plain("max_pool_2", 3, 3, 2, 2, 0, 0)
    file.con(4, 4, 3, 1)
    file.plain("avg_pool_2", 0, 0, 1, 1, 0, 0)
    file.fc(4, 16)
    return file.data()


BAD = {
    "empty": (lambda: b"", "ends too early"),
    "truncated": (lambda: small_network().data()[:-50], "ends too early"),
    "pickle": (lambda: b"\x80\x02}q\x00." * 9, "no face recogniser of dlib's"),
    "landmarks": (lambda: integer(1) + text("shape"), "begins with 'shape'"),
    "layer": (lambda: small_network().data().replace(b"relu_", b"sigm_", 1), "is 'sigm_'"),
    "order": (another_order, "another order"),
    "half a block": (half_a_block, "no residual block"),
}


@pytest.mark.parametrize("case", BAD)
def test_other_files_are_refused_in_one_sentence(tmp_path, case):
    write, match = BAD[case]
    (tmp_path / "net.dat").write_bytes(write())
    with pytest.raises(WeightsError, match=match) as caught:
        DlibRecognizer(weights=tmp_path / "net.dat")
    assert str(tmp_path / "net.dat") in str(caught.value) and "\n" not in str(caught.value)


def test_the_weights_are_found_without_importing_their_package(tmp_path, monkeypatch):
    package = tmp_path / "face_recognition_models"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("import pkg_resources_that_is_not_there")
    dlib_file(package / "models" / FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert model_file("dlib", None, None) == package / "models" / FILE
    assert registry.recognizers.create("dlib").net.size == (41, 41)
    assert "face_recognition_models" not in sys.modules


def test_without_the_extra_its_command_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install 'restore-recog\[dlib\]'.*--recognizer-we"):
        DlibRecognizer()
    with pytest.raises(PluginError, match=r"dlib-bin.*pip install 'restore-recog\[dlib\]'"):
        DlibNative()


def test_what_it_does_not_take(tmp_path):
    with pytest.raises(PluginError, match="takes no argument, and 'large' is given"):
        DlibRecognizer("large")
    with pytest.raises(WeightsError, match=r"no file .*gone\.dat"):
        DlibRecognizer(weights=tmp_path / "gone.dat")
    with pytest.raises(NotTrainableError):
        DlibRecognizer.trainable(None)


@pytest.mark.slow
@pytest.mark.skipif(not NATIVE, reason="needs the extra dlib")
def test_descriptors_are_dlibs_own():
    chips = face_batch(4, DLIB.size, seed=3).images
    chips = (chips * 255).round() / 255  # dlib takes whole numbers
    native, own = DlibNative(), DlibRecognizer()
    with torch.no_grad():
        difference = (own.net(chips) - native.descriptors(chips)).abs().max()
    assert float(difference) < 1e-4
    np.testing.assert_allclose(own.embed(chips), native.embed(chips), atol=1e-4)
    assert own.image_size == DLIB.size and Path(own.weights).name == FILE
