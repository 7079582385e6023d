"""Inpainters from ONNX and TorchScript files: what they are fed, gives back, and is refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from outside_fakes import Joined, Negative, onnx_net
from recognizer_files import script
from tiny import stored
from torch import nn

from restore_recog import registry
from restore_recog.errors import DataError, DeviceError, PluginError, WeightsError
from restore_recog.evaluation.cache.identity import identity
from restore_recog.restoring.export import export
from restore_recog.restoring.from_file import FileRestorer
from restore_recog.restoring.restoration import run_restorer
from restore_recog.testing import face_batch
from restore_recog.types import FaceBatch

SIDE = 40
PAIR = ("image", "mask")


def covered(count: int, side: int) -> FaceBatch:
    """Return faces under a covering of one colour that is not grey."""
    batch = face_batch(count, (side, side))
    colour = torch.tensor([0.2, 0.35, 0.6])[:, None, None]
    return replace(batch, images=torch.where(batch.masks > 0.5, colour, batch.images))


BATCH = covered(3, SIDE)


def made(spec: str) -> FileRestorer:
    restorer = registry.restorers.create(spec)
    assert isinstance(restorer, FileRestorer)
    return restorer


def negative(batch: FaceBatch) -> torch.Tensor:
    return torch.where(batch.masks > 0.5, 1 - batch.images, batch.images)


def onnx_pair(net: nn.Module, path: Path, free: str = "nhw", names: tuple[str, ...] = PAIR) -> Path:
    return onnx_net(net, path, [(1, 3, SIDE, SIDE), (1, 1, SIDE, SIDE)], names, free)


def torchscript_pair(net: nn.Module, path: Path) -> Path:
    return script(net, path.with_suffix(".pt"))


KINDS: dict[str, Callable[[nn.Module, Path], Path]] = {
    "onnx": onnx_pair,
    "torchscript": torchscript_pair,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("net", "says"),
    [
        (Negative(), "range = [0, 1]"),
        (Negative(-1, 1), "range = [-1, 1]"),
        (Negative(0, 255), "range = [0, 255]"),
        (Negative(bytes=True), "range = [0, 1]\noutput_range = [0, 255]"),
        (Negative(turned=True), 'range = [0, 1]\ninputs = ["image", "keep"]'),
        (Negative(), 'range = [0, 1]\ncolours = "bgr"'),
        (Negative(), "range = [0, 1]\nmultiple = 16"),
    ],
)
def test_what_stands_beside_the_file_holds(
    kind: str, net: nn.Module, says: str, tmp_path: Path
) -> None:
    file = KINDS[kind](net, tmp_path / "net.onnx")
    (tmp_path / "net.toml").write_text(f"{says}\nsize = {SIDE}\n")
    restorer = made(f"{kind}:{file}")
    assert restorer.image_size == (SIDE, SIDE)
    restored = restorer.restore(BATCH)
    torch.testing.assert_close(restored, negative(BATCH), atol=1e-5, rtol=0)
    outside = BATCH.masks.expand_as(restored) < 0.5
    assert torch.equal(restored[outside], BATCH.images[outside])
    assert len(restorer.notes) == 1


def test_what_is_said_before_the_file_goes_first(kind: str, tmp_path: Path) -> None:
    file = KINDS[kind](Negative(), tmp_path / "my net.onnx")
    file.with_suffix(".toml").write_text("range = [-1, 1]\nsize = 64\n")
    restorer = made(f"{kind}:range=[0,1] size={SIDE} inputs=image,mask '{file}'")
    torch.testing.assert_close(restorer.restore(BATCH), negative(BATCH), atol=1e-6, rtol=0)
    assert restorer.argument == file.name
    assert "as image and mask, with images in [0, 1]" in restorer.notes[0]
    named = made(f"{kind}:range=[0,1] size={SIDE} '{file}'")
    assert "as image and mask (by the names of the model's inputs), with" in named.notes[0]
    assert made(f"{kind}:{file}").settings["range"] == (-1, 1)  # no quotation marks needed
    assert made(f"{kind}={file}").settings["size"] == 64


class Sees(nn.Module):
    """Shows what it is given in the first of its inputs."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return image + 0 * mask


class SeesMask(nn.Module):
    """Shows the mask in the hole."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.where(mask == mask[:, :, :1, :1], image, mask)


@pytest.mark.parametrize(
    ("settings", "inside"),
    [("", 0.0), ("fill=0.25", 0.25), ("range=[-1,1]", 0.5), ("range=[0,255] fill=255", 1.0)],
)
def test_the_hole_is_filled_in_the_range_of_the_model(
    settings: str, inside: float, tmp_path: Path
) -> None:
    file = script(Sees(), tmp_path / "net.pt")
    given = f"size={SIDE} inputs=masked,mask range=[0,1] {settings} {file}"
    restored = made(f"torchscript:{given}").restore(BATCH)
    hole = BATCH.masks.expand_as(restored) > 0.5
    torch.testing.assert_close(restored[hole], torch.full_like(restored[hole], inside))


def test_masks_have_a_range_of_their_own(tmp_path: Path) -> None:
    file = script(SeesMask(), tmp_path / "net.pt")
    given = f"size={SIDE} range=[-1,1] {file}"
    for settings, inside in (("mask_range=[-0.5,0.5]", 0.75), ("inputs=image,keep", 0.5), ("", 1)):
        restored = made(f"torchscript:{settings} {given}").restore(BATCH)
        hole = BATCH.masks.expand_as(restored) > 0.5
        torch.testing.assert_close(restored[hole], torch.full_like(restored[hole], float(inside)))


@pytest.mark.parametrize("spec", ["onnx", "torchscript"])
def test_one_input_of_four_channels_in_the_order_that_was_said(spec: str, tmp_path: Path) -> None:
    if spec == "onnx":
        file = onnx_net(Joined(), tmp_path / "net.onnx", [(1, 4, SIDE, SIDE)], ["x"], "n")
    else:
        file = script(Joined(), tmp_path / "net.pt")
    said = f"size={SIDE} range=[0,1]"
    restored = made(f"{spec}:{said} inputs=mask+image {file}").restore(BATCH)
    torch.testing.assert_close(restored, negative(BATCH), atol=1e-6, rtol=0)
    with pytest.raises(PluginError, match=r"what its inputs take .*'x'.*net\.toml.*masked\+mask"):
        made(f"{spec}:{said} {file}")


class Trained(nn.Module):
    """Takes sides that are multiples of 8 only, and sees its whole neighbourhood."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        small = torch.nn.functional.pixel_unshuffle(image, 8)
        return torch.nn.functional.pixel_shuffle(small, 8) * (1 - mask) + mask


def test_sides_are_padded_to_a_multiple_and_cropped_again(tmp_path: Path) -> None:
    batch = covered(2, 44)
    file = script(Trained(), tmp_path / "net.pt")
    with pytest.raises(PluginError, match=r"fails on an image of 44 x 44 pixels .*multiple = 8"):
        made(f"torchscript:size=44 range=[0,1] {file}")
    restored = made(f"torchscript:size=44 range=[0,1] multiple=8 {file}").restore(batch)
    white = torch.where(batch.masks > 0.5, torch.ones_like(batch.images), batch.images)
    assert torch.equal(restored, white)
    with pytest.raises(PluginError, match=r"44 pixels cannot be padded .*size = 64"):
        made(f"torchscript:size=44 range=[0,1] multiple=64 {file}")


@pytest.mark.parametrize("free", ["", "n", "nhw"])
def test_a_size_that_the_file_fixes_is_that_of_the_crops(free: str, tmp_path: Path) -> None:
    file = onnx_pair(Negative(), tmp_path / "net.onnx", free)
    restorer = made(f"onnx:range=[0,1] {file}")
    assert restorer.image_size == ((128, 128) if free == "nhw" else (SIDE, SIDE))
    batch = covered(3, 96)  # which a run resizes and resizes back
    restored = run_restorer(restorer, batch)
    inside = (torch.nn.functional.max_pool2d(1 - batch.masks, 9, 1, 4) < 0.5).expand_as(restored)
    assert float((restored - negative(batch))[inside].abs().mean()) < 0.1
    if free != "nhw":
        with pytest.raises(PluginError, match="takes crops of 40 x 40 pixels and no others"):
            made(f"onnx:range=[0,1] size=64 {file}")
        with pytest.raises(PluginError, match="takes crops of 40 x 40 pixels and no others"):
            made(f"onnx:range=[0,1] multiple=16 {file}")


@pytest.mark.parametrize("free", ["", "n"])
def test_any_number_of_images_through_free_and_fixed_batches(free: str, tmp_path: Path) -> None:
    restorer = made(f"onnx:range=[0,1] {onnx_pair(Negative(), tmp_path / 'net.onnx', free)}")
    for count in (1, 11):
        batch = covered(count, SIDE)
        torch.testing.assert_close(restorer.restore(batch), negative(batch), atol=1e-6, rtol=0)


def test_a_size_that_is_not_square_is_refused(tmp_path: Path) -> None:
    file = onnx_net(Negative(), tmp_path / "net.onnx", [(1, 3, 32, 48), (1, 1, 32, 48)], PAIR, "n")
    with pytest.raises(PluginError, match="takes 48 x 32 pixels, and crops are square"):
        made(f"onnx:range=[0,1] {file}")


def test_bytes_and_channels_last_are_read_off_the_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from recognizer_files import write_graph

    kind, helper = onnx.TensorProto.UINT8, onnx.helper
    image, mask, out = (
        helper.make_tensor_value_info(name, kind, ["n", SIDE, SIDE, channels])
        for name, channels in (("image", 3), ("mask", 1), ("out", 3))
    )
    nodes = [helper.make_node("Max", ["image", "mask"], ["out"])]
    file = write_graph(tmp_path / "net.onnx", nodes, [image, mask], [out])
    restorer = made(f"onnx:{file}")
    restored = restorer.restore(BATCH)
    white = torch.where(BATCH.masks > 0.5, torch.ones_like(BATCH.images), BATCH.images)
    assert torch.equal(restored, white)
    assert "images in [0, 255] and masks in [0, 255]" in restorer.notes[0]


def test_nothing_is_guessed(tmp_path: Path) -> None:
    file = script(Negative(), tmp_path / "net.pt")
    with pytest.raises(PluginError, match=r"which range it takes images; .*net\.toml.*range = \[0"):
        made(f"torchscript:{file}")
    named = onnx_pair(Negative(), tmp_path / "net.onnx", names=("l_image_", "l_mask_"))
    with pytest.raises(PluginError, match=r"'l_image_'.*'l_mask_'.*inputs = \[\"masked\", \"mask"):
        made(f"onnx:range=[0,1] {named}")
    assert made(f"onnx:range=[0,1] inputs=image,mask {named}").image_size == (128, 128)


def test_masks_read_the_other_way_round_are_noticed(kind: str, tmp_path: Path) -> None:
    file = KINDS[kind](Negative(), tmp_path / "net.onnx")
    restorer = made(f"{kind}:range=[0,1] size={SIDE} inputs=image,keep {file}")
    with pytest.raises(PluginError, match=r"reads masks the other way round; exchange mask and"):
        restorer.restore(BATCH)


@pytest.mark.parametrize(
    ("net", "settings", "said"),
    [
        (Negative(bytes=True), "range=[0,1]", r"from 0 to 2\d\d, .* in \[0, 1\].*output_range"),
        (Negative(), "range=[0,1] output_range=[0,255]", r"to 1, .*images in \[0, 255\]"),
        (Negative(-1, 1), "range=[-1,1] output_range=[0,1]", r"from -\S+ to 1, .*\[0, 1\]"),
    ],
)
def test_results_of_another_range_are_refused(
    net: nn.Module, settings: str, said: str, tmp_path: Path
) -> None:
    file = script(net, tmp_path / "net.pt")
    images = BATCH.images.clone()
    images[:, :, 0, 0], images[:, :, 0, 1] = 0, 1
    restorer = made(f"torchscript:{settings} size={SIDE} {file}")
    with pytest.raises(PluginError, match=said):
        restorer.restore(FaceBatch(images, BATCH.masks))


class Darker(nn.Module):
    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return image / 2 + 0 * mask


def test_a_network_that_changes_everything_is_told_and_put_right(tmp_path: Path) -> None:
    restorer = made(f"torchscript:range=[0,1] size={SIDE} {script(Darker(), tmp_path / 'net.pt')}")
    for _ in range(2):
        restored = restorer.restore(BATCH)
    outside = BATCH.masks.expand_as(restored) < 0.5
    assert torch.equal(restored[outside], BATCH.images[outside])
    assert "changed the uncovered part of 6 of 6 images by more than 16" in restorer.notes[1]


class Fails(nn.Module):
    def __init__(self, with_: float) -> None:
        super().__init__()
        self.with_ = with_

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.where(mask > 0.5, torch.full_like(image, self.with_), image)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_failures_of_their_image(number: float, tmp_path: Path) -> None:
    file = script(Fails(number), tmp_path / "net.pt")
    restored = made(f"torchscript:range=[0,1] size={SIDE} {file}").restore(BATCH)
    assert restored[BATCH.masks.expand_as(restored) > 0.5].isnan().all()


class Two(nn.Module):
    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return mask, image * (1 - mask) + (1 - image) * mask


def test_one_of_several_outputs_is_chosen(tmp_path: Path) -> None:
    file = script(Two(), tmp_path / "net.pt")
    said = f"size={SIDE} range=[0,1]"
    with pytest.raises(PluginError, match=r"gives 2 things and no image; .*output = 0"):
        made(f"torchscript:{said} {file}")
    with pytest.raises(PluginError, match=r"makes \(1, 1, 40, 40\) of 1 images"):
        made(f"torchscript:{said} output=0 {file}")
    restored = made(f"torchscript:{said} output=1 {file}").restore(BATCH)
    torch.testing.assert_close(restored, negative(BATCH), atol=1e-6, rtol=0)


def test_a_wrong_output_of_an_onnx_file_is_named(tmp_path: Path) -> None:
    file = onnx_pair(Negative(), tmp_path / "net.onnx")
    with pytest.raises(WeightsError, match=r'has 1 outputs \(restored .*output = "restored"'):
        made(f"onnx:range=[0,1] output=image {file}")
    for output in ("restored", "0"):
        assert made(f"onnx:range=[0,1] output={output} {file}").settings["size"] == 128


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("inputs=image,hole", r"'inputs' given is 'image,hole'; it is names of parts"),
        ("inputs=image", r"has 2 inputs \('image', 'mask'\), and 'inputs' says what 1 take"),
        ("range=1", r"'range' given is 1; it is the lowest and the highest value"),
        ("range=[1,0]", "the lowest and the highest"),
        ("range=[0,1,2]", "the lowest and the highest"),
        ("mask_range=x", "'mask_range' given is 'x'"),
        ("range=[-1e308,1e308]", "the lowest and the highest"),
        ("fill=grey", "'fill' given is 'grey'; it is a number"),
        ("fill=true", "it is a number"),
        (f"fill=1{'0' * 400}", "it is a number"),
        ("colours=grb", "rgb or bgr"),
        ("size=8", "a side in pixels from 16"),
        ("size=1e3", "a side in pixels"),
        ("multiple=0", "a number of pixels"),
        ("output=-1", "the name of an output"),
        ("polarity=0", r"no setting 'polarity' \(given\); it has inputs, range, output_range"),
    ],
)
def test_a_wrong_setting_is_one_sentence(settings: str, said: str, tmp_path: Path) -> None:
    file = script(Negative(), tmp_path / "net.pt")
    with pytest.raises(PluginError, match=said):
        made(f"torchscript:range=[0,1] {settings} {file}")


def test_a_wrong_file_beside_the_model_is_named(kind: str, tmp_path: Path) -> None:
    file = KINDS[kind](Negative(), tmp_path / "net.onnx")
    beside = tmp_path / f"{file.name}.toml"
    beside.write_text("range = ")
    with pytest.raises(PluginError, match=rf"{file.name}\.toml is no readable TOML file"):
        made(f"{kind}:{file}")
    beside.write_text("range = 'x'")
    with pytest.raises(PluginError, match=rf"The setting 'range' in .*{file.name}\.toml is 'x'"):
        made(f"{kind}:{file}")


def test_what_an_onnx_file_says_of_itself_holds_and_is_checked(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    file = onnx_pair(Negative(-1, 1), tmp_path / "net.onnx")
    said = {
        '{"range": [-1, 1], "size": 40}': None,
        '{"range": 1}': r"The setting 'range' in .*net\.onnx is 1",
        "[1]": "says of itself under 'restore_recog' are no settings",
        "{": r"What .*net\.onnx says of itself cannot be read as JSON",
    }
    for text, wrong in said.items():
        model = onnx.load(file)
        del model.metadata_props[:]
        onnx.helper.set_model_props(model, {"restore_recog": text})
        onnx.save(model, file)
        if wrong is None:
            restored = made(f"onnx:{file}").restore(BATCH)
            torch.testing.assert_close(restored, negative(BATCH), atol=1e-6, rtol=0)
        else:
            with pytest.raises((PluginError, WeightsError, DataError), match=wrong):
                made(f"onnx:{file}")


def test_files_that_are_missing_or_none(kind: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"needs one file and is given none; .*{kind}:FILE\."):
        made(kind)
    with pytest.raises(WeightsError, match=r"is given 'a' and 'b'"):
        made(f"{kind}:range=[0,1] a b")
    with pytest.raises(WeightsError, match=r"There is no file gone\.x for the restorer"):
        made(f"{kind}:range=[0,1] gone.x")
    with pytest.raises(PluginError, match="No closing quotation"):
        made(f"{kind}:size=1 'gone")
    rubbish = tmp_path / "net.bin"
    rubbish.write_bytes(b"no model")
    with pytest.raises(WeightsError, match=r"net\.bin (holds no|is no readable)"):
        made(f"{kind}:{rubbish}")


class Number(nn.Module):
    def forward(self, image: torch.Tensor, mask: torch.Tensor, steps: int) -> torch.Tensor:
        return image * steps + mask


def test_a_network_that_wants_more_than_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="The input 'steps' of .* is no tensor"):
        made(f"torchscript:range=[0,1] {script(Number(), tmp_path / 'net.pt')}")


def test_an_onnx_file_that_takes_no_images_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from recognizer_files import write_graph

    helper, kind = onnx.helper, onnx.TensorProto
    for type_, shape in ((kind.INT64, ["n", 3, 8, 8]), (kind.FLOAT, ["n", 3])):
        value = helper.make_tensor_value_info("x", type_, shape)
        out = helper.make_tensor_value_info("y", type_, shape)
        file = tmp_path / "net.onnx"
        write_graph(file, [helper.make_node("Identity", ["x"], ["y"])], [value], [out])
        with pytest.raises(WeightsError, match="The input 'x' .* takes images and masks"):
            made(f"onnx:range=[0,1] {file}")


def test_without_onnx_runtime_or_a_gpu_the_install_line_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = onnx_pair(Negative(), tmp_path / "net.onnx")
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceError, match=r"onnxruntime-gpu.*provider=cpu before the file's name"):
        made(f"onnx:range=[0,1] provider=cuda {file}")
    assert made(f"onnx:range=[0,1] provider=cpu {file}").settings["provider"] == "cpu"
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name)
    )
    with pytest.raises(PluginError, match=r"restorer 'onnx' .*pip install 'restore-recog\[on"):
        made(f"onnx:range=[0,1] {file}")


def test_settings_count_for_the_cache_and_the_place_of_the_file_does_not(
    kind: str, tmp_path: Path
) -> None:
    file = KINDS[kind](Negative(), tmp_path / "net.onnx")
    one, same, other = (
        identity(made(f"{kind}:range={span} {file}")) for span in ("[0,1]", "[0,1]", "[-1,1]")
    )
    assert one == same != other


def test_images_without_covering_are_not_given(kind: str, tmp_path: Path) -> None:
    file = KINDS[kind](Negative(), tmp_path / "net.onnx")
    restorer = made(f"{kind}:range=[0,1] size={SIDE} {file}")
    masks = BATCH.masks.clone()
    masks[1] = 0
    restored = restorer.restore(FaceBatch(BATCH.images, masks))
    assert torch.equal(restored[1], BATCH.images[1]) and not torch.equal(restored, BATCH.images)


@pytest.mark.slow
def test_an_exported_restorer_is_itself_without_a_word(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    file = stored(tmp_path, "ganmasker", two_stage=True)  # its layers are those of one and more
    restorer = registry.restorers.create("ganmasker", weights=file)
    done = export(restorer, tmp_path / "out" / "ganmasker.onnx", "onnx")
    assert done.difference <= 1e-4 and done.path.is_file()
    exported = made(f"onnx:{done.path}")
    assert exported.image_size == restorer.image_size
    batch = face_batch(3, restorer.image_size)
    with torch.inference_mode():
        apart = (exported.restore(batch) - restorer.restore(batch)).abs().max()
    assert float(apart) < 1e-4
