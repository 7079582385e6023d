"""The Mask R-CNN segmenter: its size, its targets, where it starts, and what it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor
from torchvision.models.detection import maskrcnn_resnet50_fpn

from restore_recog import registry, weights
from restore_recog.cli import main
from restore_recog.errors import (
    NotTrainableError,
    PluginError,
    RestoreRecogError,
    TrainingError,
    WeightsError,
)
from restore_recog.evaluation.cache.identity import identity
from restore_recog.nn.distributed import GlobalBatchNorm
from restore_recog.nn.masks import grow
from restore_recog.segmenters import names
from restore_recog.segmenters.average import AverageMask
from restore_recog.segmenters.maskrcnn import MaskRCNNSegmenter
from restore_recog.segmenters.maskrcnn.networks import CoveringNet, instances
from restore_recog.segmenters.maskrcnn.presets import PRESETS
from restore_recog.segmenters.maskrcnn.start import COCO
from restore_recog.segmenters.maskrcnn.training import MaskRCNNTraining, overlaps
from restore_recog.types import FaceBatch

OWN_LOSSES = {
    "loss_objectness",
    "loss_rpn_box_reg",
    "loss_classifier",
    "loss_box_reg",
    "loss_mask",
}


SIZES = {"width": 16, "head": 32, "rois": 32}
"""Large enough to learn one scene by heart."""


def scene() -> FaceBatch:
    """Return an image with a dark covering and the same one bare, at 64 pixels."""
    torch.manual_seed(0)
    clean = 0.6 + 0.3 * torch.rand(2, 3, 64, 64)
    masks = torch.zeros(2, 1, 64, 64)
    masks[0, :, 30:58, 12:50] = 1
    return FaceBatch(clean * (1 - masks) + 0.1 * masks, masks, clean=clean)


def steps(model: MaskRCNNTraining, batch: FaceBatch, count: int) -> list[float]:
    """Return the losses of steps on one batch, at the full rate."""
    return [model.phases[0].step(batch, 0.0)["loss"] for _ in range(count)]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[float], MaskRCNNTraining, Path]:
    """Return the losses of a few steps on one scene, what learnt, and its weights in a file."""
    torch.manual_seed(1)
    model = MaskRCNNTraining("tiny", **SIZES, lr=3e-3)
    losses = steps(model, scene(), 60)
    path = tmp_path_factory.mktemp("learnt") / "maskrcnn.safetensors"
    weights.save(path, "maskrcnn", *model.weights())
    return losses, model, path


class TestNetwork:
    def test_the_papers_has_the_size_of_torchvisions(self) -> None:
        net = CoveringNet(PRESETS["paper"])
        assert sum(one.numel() for one in net.parameters()) == 43_975_515
        heads, region = net.rcnn.roi_heads, net.rcnn.rpn
        assert (net.rcnn.transform.min_size, net.rcnn.transform.max_size) == ((256,), 256)
        assert (heads.score_thresh, heads.nms_thresh, heads.detections_per_img) == (0.05, 0.5, 100)
        assert heads.proposal_matcher.low_threshold == 0.5
        assert region.proposal_matcher.high_threshold == 0.7
        assert region.anchor_generator.sizes == ((32,), (64,), (128,), (256,), (512,))

    def test_the_compact_ones_file_is_small(self, tmp_path: Path) -> None:
        path = tmp_path / "compact.safetensors"
        weights.save(path, "maskrcnn", *MaskRCNNTraining("compact").weights())
        assert path.stat().st_size < 10 * 2**20

    def test_a_covering_is_one_instance_and_a_bare_face_has_none(self) -> None:
        masks = torch.zeros(2, 1, 8, 10)
        masks[0, 0, 2:5, 3:9] = 1
        masks[0, 0, 6, 1] = 1  # a second piece of the same covering
        covered, bare = instances(masks)
        assert covered["boxes"].tolist() == [[1, 2, 9, 7]] and covered["labels"].tolist() == [1]
        assert torch.equal(covered["masks"][0], masks[0, 0].byte())
        assert bare["boxes"].shape == (0, 4) and bare["masks"].shape == (0, 8, 10)

    def test_nothing_after_the_backbone_is_computed_in_bfloat16(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The gradient at the features under autocast is the float32 one, bit for bit."""
        torch.manual_seed(0)
        net = CoveringNet(PRESETS["tiny"]).train()
        batch = scene()
        with torch.no_grad():
            levels = net.rcnn.backbone(batch.images)

        def gradient(half: bool) -> Tensor:
            torch.manual_seed(2)
            given = {name: one.clone().requires_grad_() for name, one in levels.items()}
            monkeypatch.setattr(net.rcnn.backbone, "forward", lambda images: given)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                losses = net.losses(batch.images, batch.masks)
            assert {loss.dtype for loss in losses.values()} == {torch.float32}
            torch.stack(list(losses.values())).sum().backward()
            return torch.cat([one.grad.flatten() for one in given.values() if one.grad is not None])

        assert torch.equal(gradient(True), gradient(False))


class TestTraining:
    def test_a_few_steps_lower_every_loss_together(
        self, learnt: tuple[list[float], MaskRCNNTraining, Path]
    ) -> None:
        losses = learnt[0]
        assert np.mean(losses[-10:]) < 0.4 * np.mean(losses[:5])
        figures = MaskRCNNTraining("tiny").phases[0].step(scene(), 0.0)
        assert set(figures) == {"loss", *OWN_LOSSES}
        assert figures["loss"] == pytest.approx(sum(figures[name] for name in OWN_LOSSES), rel=1e-5)

    def test_stored_weights_find_the_covering_and_nothing_on_a_bare_face(
        self, learnt: tuple[list[float], MaskRCNNTraining, Path]
    ) -> None:
        _, model, path = learnt
        batch = scene()
        masks = MaskRCNNSegmenter(weights=path).segment(batch.images)
        dice, _ = overlaps(masks, batch.masks)
        assert float(dice[0]) > 0.8 and not masks[1].any()
        assert torch.equal(masks, model.preview(batch)[2:4, :1])
        assert model.validate(batch)["dice"] == pytest.approx(float(dice.mean()))

    def test_overlaps_by_hand(self) -> None:
        found, true = torch.zeros(3, 1, 2, 4), torch.zeros(3, 1, 2, 4)
        found[0, 0, 0], true[0, 0, :, :2] = 1, 1  # 4 each, 2 shared
        found[1, 0, 0, 0] = 1  # something on a bare face
        dice, iou = overlaps(found, true)
        assert dice.tolist() == [0.5, 0, 1] and iou.tolist() == [pytest.approx(1 / 3), 0, 1]

    def test_a_batch_of_bare_faces_can_be_learnt_from(self) -> None:
        torch.manual_seed(0)
        batch = scene()
        bare = FaceBatch(batch.images, torch.zeros_like(batch.masks), clean=batch.clean)
        figures = MaskRCNNTraining("tiny").phases[0].step(bare, 0.0)
        assert figures["loss_mask"] == figures["loss_box_reg"] == 0 < figures["loss_classifier"]

    def test_the_rate_rises_and_falls_by_images(self) -> None:
        model = MaskRCNNTraining("tiny", images=100, warm_up=20, drops="50,80")
        shares = [model._share(seen / 100) for seen in (0, 8, 18, 49, 50, 80)]
        assert shares == pytest.approx([0.1, 0.5, 1, 1, 0.1, 0.01])

    def test_the_papers_optimiser(self) -> None:
        model = MaskRCNNTraining("tiny", optimizer="sgd", lr="2.5e-4")
        assert isinstance(model.optimizer, torch.optim.SGD)
        (group,) = model.optimizer.param_groups
        assert (group["momentum"], group["initial_lr"]) == (0.9, 2.5e-4)
        paper = PRESETS["paper"]
        assert paper["images"] / paper["batch_size"] == 10_000


class TestStart:
    @pytest.fixture
    def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return where torchvision looks for its COCO file first; there is no network."""

        def refuse(*given: Any, **more: Any) -> None:
            raise URLError("no network")

        monkeypatch.setattr("torch.hub.urlopen", refuse)
        monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
        (tmp_path / "checkpoints").mkdir()
        return tmp_path / "checkpoints" / Path(COCO.url).name

    @staticmethod
    def coco(path: Path) -> None:
        """Write a file with COCO's names and shapes, all values 0.25."""
        with torch.device("meta"):
            own = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
        quarter = torch.tensor(0.25)
        tensors = {n: quarter.expand(t.shape) for n, t in own.state_dict().items() if t.ndim}
        torch.save(tensors, path)  # an expanded tensor takes the room of one number

    def test_coco_weights_but_for_the_classes(self, hub: Path) -> None:
        self.coco(hub)
        model = MaskRCNNTraining("paper")
        rcnn = model.net.rcnn
        body, heads = rcnn.backbone.body, rcnn.roi_heads
        assert bool((body.layer4[0].conv1.weight == 0.25).all())
        assert bool((heads.mask_predictor.conv5_mask.weight == 0.25).all())
        assert heads.box_predictor.cls_score.weight.shape[0] == 2
        assert heads.mask_predictor.mask_fcn_logits.weight.std() > 0
        torch.testing.assert_close(body.bn1.running_var + body.bn1.eps, torch.full((64,), 0.25))
        assert model.options["init"] == f"coco:{hub.stem}"
        stuck = {n for n, one in model.net.named_parameters() if not one.requires_grad}
        assert {"rcnn.backbone.body.conv1.weight", "rcnn.backbone.body.layer4.0.bn1.bias"} < stuck
        assert "rcnn.backbone.body.layer2.0.conv1.weight" not in stuck
        assert not any(name.startswith("rcnn.roi_heads") for name in stuck)
        body.bn1 = GlobalBatchNorm(body.bn1)  # as in a training of several processes
        model._make_ready()
        assert not body.bn1.training and not body.layer4[0].bn1.training and heads.training
        learning = sum(p.numel() for g in model.optimizer.param_groups for p in g["params"])
        assert learning == sum(p.numel() for p in model.net.parameters() if p.requires_grad)

    @pytest.mark.parametrize(
        ("preset", "options", "words"),
        [
            ("paper", {}, r"cannot be had \(<urlopen error no network>\).*--set init=scratch"),
            ("tiny", {"init": "coco"}, "COCO weights are those of ResNet-50"),
            ("tiny", {"init": "here.pth"}, "COCO weights are those of ResNet-50"),
            ("tiny", {"init": "no.safetensors"}, "There is no weights file no.safetensors"),
            ("tiny", {"size": 100}, "'size' must be a multiple of 32, not 100"),
            ("tiny", {"size": 4096}, "'size' cannot be 4096; it is a number from 32 to 1024"),
            ("tiny", {"lr": 0}, "'lr' must be positive"),
            ("tiny", {"clip": -1}, "'clip' cannot be -1"),
            ("tiny", {"covered": 2}, "'covered' cannot be 2.0; it is a number from 0 to 1"),
            ("tiny", {"backbone": "vgg"}, "choose one of resnet50, mobilenet_large"),
            ("tiny", {"colour": 1}, "has no option 'colour'; valid options are"),
            ("huge", {}, "has no preset 'huge'; choose paper or compact or tiny"),
        ],
    )
    def test_one_sentence(
        self, preset: str, options: dict[str, Any], words: str, hub: Path
    ) -> None:
        with pytest.raises(RestoreRecogError, match=words):
            MaskRCNNTraining(preset, **options)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"no weights", "is no readable file of PyTorch weights"),
            ({"a": 3}, "holds no table of tensors"),
            ({"a": torch.zeros(2)}, "does not fit MaskRCNN"),
            ({"a": torch.tensor([float("nan")])}, "hold NaN"),
        ],
    )
    def test_a_local_file_that_is_none(self, content: Any, words: str, tmp_path: Path) -> None:
        path = tmp_path / "coco.pth"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(WeightsError, match=words):
            MaskRCNNTraining("tiny", backbone="resnet50", init=str(path))

    def test_goes_on_from_its_own_file(
        self, learnt: tuple[list[float], MaskRCNNTraining, Path]
    ) -> None:
        path = learnt[2]
        again = MaskRCNNTraining("tiny", **SIZES, init=str(path))
        stored = weights.load(path, "maskrcnn")[1]
        assert all(torch.equal(one, stored[name]) for name, one in again.net.state_dict().items())
        assert again.options["init"] == f"sha256:{weights.fingerprint(path)}"
        with pytest.raises(WeightsError, match="does not fit"):
            MaskRCNNTraining("tiny", init=str(path))


class TestPlugin:
    def test_widened_by_its_argument(
        self, learnt: tuple[list[float], MaskRCNNTraining, Path]
    ) -> None:
        path = learnt[2]
        images = scene().images
        plain = names.create(f"maskrcnn={path}", {}, "cpu").segmenter.segment(images)
        wide = names.create(f"maskrcnn:3={path}", {}, "cpu").segmenter.segment(images)
        assert torch.equal(wide, grow(plain, 3)) and wide.sum() > plain.sum()

    def test_use_does_not_change_what_it_is(
        self, learnt: tuple[list[float], MaskRCNNTraining, Path]
    ) -> None:
        segmenter = MaskRCNNSegmenter(weights=learnt[2])
        before = identity(segmenter)
        segmenter.segment(scene().images)
        assert identity(segmenter) == before

    @pytest.mark.parametrize("argument", ["-1", "33", "wide", "1.5", "9" * 80])
    def test_an_argument_that_is_no_width(self, argument: str, tmp_path: Path) -> None:
        with pytest.raises(PluginError, match="how many pixels masks are widened, 0 to 32"):
            MaskRCNNSegmenter(argument, weights=tmp_path / "none.safetensors")

    def test_without_weights_it_says_how_to_get_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(weights, "SHIPPED", tmp_path)
        with pytest.raises(WeightsError, match="train-segmenter --segmenter maskrcnn .*=RUN/best"):
            MaskRCNNSegmenter()

    def test_another_networks_file(self) -> None:
        with pytest.raises(WeightsError, match="holds weights for 'fmodr', not for 'maskrcnn'"):
            MaskRCNNSegmenter(weights=weights.shipped("fmodr"))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"size": 1 << 20}, "sets the option 'size'"),
            ({"head": 4096}, "does not fit|cannot be built"),
            ({"mask_convs": "two"}, "sets the option 'mask_convs'"),
            ({"backbone": "resnet50"}, "does not fit|cannot be built"),
        ],
    )
    def test_a_file_whose_header_was_changed(
        self, change: dict[str, Any], words: str, tmp_path: Path
    ) -> None:
        config, tensors = MaskRCNNTraining("tiny").weights()
        path = tmp_path / "changed.safetensors"
        weights.save(path, "maskrcnn", {**config, **change}, tensors)
        with pytest.raises(WeightsError, match=words):
            MaskRCNNSegmenter(weights=path)

    def test_what_cannot_be_trained_says_so(self) -> None:
        with pytest.raises(NotTrainableError, match="'average' cannot be trained"):
            AverageMask.trainable(None)
        with pytest.raises(TrainingError, match="changes nothing in a training"):
            MaskRCNNSegmenter.trainable("3")


def train(output: Path, *more: str) -> Result:
    arguments = [
        *("train-segmenter", "--segmenter", "maskrcnn", "--preset", "tiny", "--device", "cpu"),
        *("--data", "training_fakes.plugins:Booth", "--workers", "0", "--validation-share", "0.5"),
        *("--set", "images=8", "--output", str(output), *more),
    ]
    return CliRunner().invoke(main, arguments)


class TestCommand:
    def test_trains_stops_resumes_and_segments(self, tmp_path: Path) -> None:
        whole, parts = tmp_path / "whole", tmp_path / "parts"
        result = train(whole)
        assert result.exit_code == 0 and "validation: dice" in result.stderr, result.output
        first = train(parts, "--max-minutes", "1e-9")
        assert "Time is up" in first.stdout, first.output
        assert train(parts, "--resume").exit_code == 0
        one, two = (weights.load(f / "weights.safetensors", "maskrcnn")[1] for f in (whole, parts))
        assert all(torch.equal(one[name], two[name]) for name in one)
        assert (whole / "best.safetensors").is_file()
        chosen = names.create(f"maskrcnn={whole / 'best.safetensors'}", {}, "cpu")
        assert chosen.segmenter.segment(scene().images).shape == (2, 1, 64, 64)

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            (["--segmenter", "average"], "The segmenter 'average' cannot be trained"),
            (["--segmenter", "maskrcn"], "Did you mean 'maskrcnn'"),
            (["--segmenter", "maskrcnn:3"], "changes nothing in a training"),
            (["--set", "rois=0"], "'rois' cannot be 0; it is a number from 1 to 4096"),
        ],
    )
    def test_one_sentence(self, tmp_path: Path, more: list[str], words: str) -> None:
        result = train(tmp_path / "run", *more)
        assert result.exit_code == 1
        assert words in " ".join(result.output.split())
        assert "Traceback" not in result.output

    def test_it_is_registered(self) -> None:
        assert registry.segmenters.load("maskrcnn") is MaskRCNNSegmenter
