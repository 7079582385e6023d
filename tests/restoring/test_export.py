"""Exported restorers give what the restorer gives, for any number of images."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import stored
from torch import Tensor

from restore_recog.api import Restorer
from restore_recog.errors import OutputError, PluginError
from restore_recog.restorers.fmodr import FMODR
from restore_recog.restorers.telea import Telea
from restore_recog.restoring.export import export
from restore_recog.types import FaceBatch


class Mirror(Restorer):
    name = "mirror"
    image_size = (16, 24)

    def restore(self, batch: FaceBatch) -> Tensor:
        return torch.where(batch.masks > 0.5, batch.images.flip(-1), batch.images)


class Blind(Mirror):
    """Reads no masks, as GANMasker of one stage."""

    def restore(self, batch: FaceBatch) -> Tensor:
        return batch.images.flip(-1)


class Careless(Mirror):
    """What it gives depends on a number that is fixed while it is exported."""

    calls = 0

    def restore(self, batch: FaceBatch) -> Tensor:
        type(self).calls += 1
        return super().restore(batch) * (0.5 if self.calls > 1 else 1.0)


def some(size: tuple[int, int], n: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    images = torch.rand(n, 3, *size, generator=generator)
    return images, (torch.rand(n, 1, *size, generator=generator) > 0.5).float()


@pytest.fixture(scope="module")
def fmodr(tmp_path_factory: pytest.TempPathFactory) -> FMODR:
    return FMODR(weights=stored(tmp_path_factory.mktemp("weights"), "fmodr", half=True))


@pytest.mark.slow
def test_onnx_gives_what_fmodr_gives(fmodr: FMODR, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    done = export(fmodr, tmp_path / "f.onnx", "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["f.onnx"]
    images, masks = some(fmodr.image_size)
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    restored = session.run(None, {"images": images.numpy(), "masks": masks.numpy()})[0]
    wanted = fmodr.restore(FaceBatch(images, masks))
    torch.testing.assert_close(torch.from_numpy(restored), wanted, atol=1e-4, rtol=0)


def test_torch_export_gives_what_a_restorer_gives(tmp_path: Path) -> None:
    done = export(Mirror(), tmp_path / "sub" / "m.pt2", "torch-export")
    images, masks = some(Mirror.image_size)
    restored = torch.export.load(done.path).module()(images, masks)
    assert torch.equal(restored, Mirror().restore(FaceBatch(images, masks)))
    assert done.difference == 0 and done.megabytes > 0


@pytest.mark.slow
def test_onnx_takes_masks_that_are_not_read(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    done = export(Blind(), tmp_path / "b.onnx", "onnx")
    images, masks = some(Blind.image_size)
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    restored = session.run(None, {"images": images.numpy(), "masks": masks.numpy()})[0]
    assert torch.equal(torch.from_numpy(restored), images.flip(-1))


def test_a_file_that_differs_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="differs from the restorer by"):
        export(Careless(), tmp_path / "c.pt2", "torch-export")
    assert not list(tmp_path.iterdir())


def test_what_is_no_torch_code_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="'telea' cannot be exported"):
        export(Telea(), tmp_path / "t.pt2", "torch-export")
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists and is never overwritten"):
        export(Mirror(), path, "torch-export")
    assert path.read_text() == "mine"
