"""Recognisers from ONNX files: what they are fed, what comes out, and what is refused."""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from recognizer_files import onnx_file, projection, write_graph
from torch import nn

from restore_recog import registry
from restore_recog.alignment import TEMPLATE
from restore_recog.errors import DeviceError, PluginError, WeightsError
from restore_recog.evaluation.cache.identity import identity
from restore_recog.recognizers.crop_templates import TEMPLATES
from restore_recog.recognizers.onnx import OnnxRecognizer
from restore_recog.system import provenance

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

PER_PIXEL = 255 / 127.5
FIVE = [[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def expected(images: torch.Tensor) -> torch.Tensor:
    """Return the templates of the file's network, computed here."""
    flat = images.flatten(1)
    return F.normalize(flat @ torch.from_numpy(projection(flat.shape[1])))


@pytest.mark.parametrize("batch", ["n", 1, 2, 8])
def test_any_number_of_images_through_free_and_fixed_batches(tmp_path, images, batch):
    recognizer = OnnxRecognizer(str(onnx_file(tmp_path / "net.onnx", (batch, 3, 16, 16))))
    assert recognizer.image_size == (16, 16)
    for count in (1, 5):
        torch.testing.assert_close(
            recognizer.embed(images[:count]),
            expected(images[:count] * PER_PIXEL - 1),
            atol=1e-5,
            rtol=0,
        )


def test_channels_last(tmp_path, images):
    file = onnx_file(tmp_path / "net.onnx", ("n", 24, 16, 3))
    tall = F.interpolate(images, (24, 16))
    recognizer = OnnxRecognizer(str(file), template=FIVE)
    assert recognizer.image_size == (24, 16)
    wanted = expected(tall.permute(0, 2, 3, 1).reshape(5, -1) * PER_PIXEL - 1)
    torch.testing.assert_close(recognizer.embed(tall), wanted, atol=1e-5, rtol=0)


def test_colours_range_and_mirror_image_are_as_asked(tmp_path, images):
    file = onnx_file(tmp_path / "net.onnx")
    mean, std = (104.0, 117.0, 123.0), 58.0
    recognizer = OnnxRecognizer(str(file), input="bgr", mean=list(mean), std=std, flip=True)
    blue_first = images[:, [2, 1, 0]] * 255
    prepared = (blue_first - torch.tensor(mean)[:, None, None]) / std
    flat = torch.stack([prepared, prepared.flip(-1)]).flatten(2)  # (2, N, 768)
    wanted = F.normalize((flat @ torch.from_numpy(projection(768))).mean(0))
    torch.testing.assert_close(recognizer.embed(images), wanted, atol=1e-5, rtol=0)


def test_a_file_beside_the_model_speaks_and_the_command_has_the_last_word(tmp_path):
    file = onnx_file(tmp_path / "net.onnx")
    (tmp_path / "net.toml").write_text('input = "bgr"\nmean = 127\nstd = 128\ntemplate = "own"\n')
    recognizer = OnnxRecognizer(str(file), input="rgb")
    assert recognizer.feeding.input == "rgb"
    assert recognizer.feeding.mean == (127, 127, 127) and recognizer.feeding.std == (128, 128, 128)
    assert recognizer.template is None
    assert "RGB as (x - 127) / 128" in recognizer.notes[0] and "own" in recognizer.notes[0]


def test_arcface_is_the_default_and_stands_in_the_record(tmp_path):
    recognizer = OnnxRecognizer(str(onnx_file(tmp_path / "net.onnx")))
    pixels = recognizer.template * 112 - 0.5
    np.testing.assert_allclose(pixels[0], [38.2946, 51.6963], atol=1e-9)
    record = provenance.model(recognizer)
    assert record["weights"] == "net.onnx" and len(record["sha256"]) == 64
    assert record["settings"]["template"] == "arcface112"
    assert record["settings"]["mean"] == (127.5,) * 3
    assert "(x - 127.5) / 127.5" in recognizer.notes[0] and "arcface112" in recognizer.notes[0]


def test_known_templates_lie_in_the_unit_square_with_the_eyes_above_the_mouth():
    for template in TEMPLATES.values():
        points = template.array()
        assert points.shape == (5, 2) and points.min() > 0 and points.max() < 1
        assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min()
        assert points[0, 0] < points[2, 0] < points[1, 0]
    np.testing.assert_array_equal(TEMPLATES["own"].array(), TEMPLATE)


def test_settings_count_for_the_cache_and_the_place_of_the_file_does_not_matter(tmp_path):
    file = onnx_file(tmp_path / "net.onnx")
    same = identity(OnnxRecognizer(str(file)))
    assert same == identity(OnnxRecognizer(str(file)))
    assert same != identity(OnnxRecognizer(str(file), flip=True))


def test_an_exported_net_gives_its_own_templates(tmp_path, images):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.PReLU(), nn.Flatten(), nn.Linear(8 * 49, 12))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter needs onnx alone, and says it is old
        torch.onnx.export(
            net.eval(),
            (images,),
            str(tmp_path / "net.onnx"),
            dynamo=False,
            dynamic_axes={"x": {0: "n"}},
            input_names=["x"],
        )
    recognizer = registry.recognizers.create(f"onnx:{tmp_path / 'net.onnx'}", std=128)
    with torch.no_grad():
        wanted = F.normalize(net((images * 255 - 127.5) / 128))
    torch.testing.assert_close(recognizer.embed(images), wanted, atol=1e-5, rtol=0)


def two_inputs(path):
    kind, shape = onnx.TensorProto.FLOAT, ["n", 3, 16, 16]
    values = [onnx.helper.make_tensor_value_info(name, kind, shape) for name in "ab"]
    nodes = [
        onnx.helper.make_node("Add", ["a", "b"], ["sum"]),
        onnx.helper.make_node("Flatten", ["sum"], ["y"], axis=1),
    ]
    out = onnx.helper.make_tensor_value_info("y", kind, ["n", 768])
    return write_graph(path, nodes, values, [out])


def maps(path, *names):
    """Write a network that gives feature maps, one or several, as detectors do."""
    kind, shape = onnx.TensorProto.FLOAT, ["n", 3, 16, 16]
    image = onnx.helper.make_tensor_value_info("images", kind, shape)
    nodes = [onnx.helper.make_node("Relu", ["images"], [name]) for name in names]
    outs = [onnx.helper.make_tensor_value_info(name, kind, shape) for name in names]
    return write_graph(path, nodes, [image], outs)


def garbage(path):
    path.write_bytes(b"no model")
    return path


BAD = {
    "two inputs": (two_inputs, r"has 2 inputs \(a .*, b .*\); a recogniser takes images alone"),
    "free height": (lambda p: onnx_file(p, ("n", 3, "h", "w")), "no fixed height and width"),
    "float16": (lambda p: onnx_file(p, half=True), "float16.*float32"),
    "grey": (lambda p: onnx_file(p, ("n", 1, 16, 16)), "images of three channels"),
    "wrong rank": (lambda p: maps(p, "map"), r"output 'map' .* is \(N, D\)"),
    "detector": (lambda p: maps(p, "boxes", "scores"), "2 outputs.*detector.*output=NAME"),
    "one number": (lambda p: onnx_file(p, dimension=1), "detector or a classifier"),
    "garbage": (garbage, "no readable ONNX file"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_recogniser_is_refused_in_one_sentence(tmp_path, case):
    write, match = BAD[case]
    file = write(tmp_path / "net.onnx")
    with pytest.raises(WeightsError, match=match) as caught:
        OnnxRecognizer(str(file))
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_one_of_several_outputs_can_be_chosen(tmp_path, images):
    kind = onnx.TensorProto.FLOAT
    image = onnx.helper.make_tensor_value_info("images", kind, ["n", 3, 16, 16])
    outs = [
        onnx.helper.make_tensor_value_info("rows", kind, ["n", 768]),
        onnx.helper.make_tensor_value_info("map", kind, ["n", 3, 16, 16]),
    ]
    nodes = [
        onnx.helper.make_node("Flatten", ["images"], ["rows"], axis=1),
        onnx.helper.make_node("Relu", ["images"], ["map"]),
    ]
    file = write_graph(tmp_path / "net.onnx", nodes, [image], outs)
    assert OnnxRecognizer(str(file), output="rows").embed(images).shape == (5, 768)
    with pytest.raises(WeightsError, match="no output 'row'"):
        OnnxRecognizer(str(file), output="row")


def test_rows_that_are_not_one_an_image_are_refused(tmp_path, images):
    """The file says nothing of its output's shape; only a run shows it."""
    kind = onnx.TensorProto.FLOAT
    image = onnx.helper.make_tensor_value_info("images", kind, ["n", 3, 16, 16])
    out = onnx.helper.make_tensor_value_info("y", kind, None)
    nodes = [onnx.helper.make_node("Flatten", ["images"], ["y"], axis=2)]
    recognizer = OnnxRecognizer(str(write_graph(tmp_path / "net.onnx", nodes, [image], [out])))
    with pytest.raises(PluginError, match=r"makes \(15, 256\) of 5 images.*\(5, D\)"):
        recognizer.embed(images)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"input": "grb"}, "rgb or bgr"),
        ({"mean": "a"}, "one number or three"),
        ({"mean": [1, 2]}, "one number or three"),
        ({"std": 0}, "above 0"),
        ({"flip": 1}, "true or false"),
        ({"template": "arcface"}, "no template 'arcface'.*arcface112"),
        ({"template": FIVE[:4]}, "five points"),
        ({"template": [*FIVE[:4], [0.5, 1.2]]}, "inside the unit square"),
        ({"template": "sphereface96x112"}, "16 x 16.*96 x 112.*arcface112 or facenet160 or own"),
        ({"colour": "rgb"}, "no setting 'colour'.*input, mean, std, template, flip"),
        ({"provider": "tpu"}, "cpu or cuda"),
    ],
)
def test_wrong_settings_say_what_is_right(tmp_path, settings, match):
    file = onnx_file(tmp_path / "net.onnx")
    with pytest.raises(PluginError, match=match):
        OnnxRecognizer(str(file), **settings)


def test_a_wrong_file_beside_the_model_is_named(tmp_path):
    file = onnx_file(tmp_path / "net.onnx")
    beside = tmp_path / "net.onnx.toml"
    beside.write_text("mean = ")
    with pytest.raises(PluginError, match=r"net\.onnx\.toml is no readable TOML"):
        OnnxRecognizer(str(file))
    beside.write_text("mean = 'x'")
    with pytest.raises(PluginError, match=r"'mean' in .*net\.onnx\.toml"):
        OnnxRecognizer(str(file))


def test_files_that_are_missing_or_two(tmp_path):
    file = onnx_file(tmp_path / "net.onnx")
    assert OnnxRecognizer(weights=file).weights == file
    with pytest.raises(WeightsError, match=r"is given none; write --recognizer onnx:FILE\.onnx"):
        OnnxRecognizer()
    with pytest.raises(WeightsError, match="net.onnx and .*net.onnx"):
        OnnxRecognizer(str(file), weights=file)
    with pytest.raises(WeightsError, match="no file .*gone.onnx"):
        OnnxRecognizer(str(tmp_path / "gone.onnx"))


def test_without_the_extra_its_command_is_named(tmp_path, monkeypatch):
    file = onnx_file(tmp_path / "net.onnx")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name)
    )
    with pytest.raises(PluginError, match=r"pip install 'restore-recog\[onnx\]'"):
        OnnxRecognizer(str(file))


def test_a_gpu_that_onnx_runtime_cannot_use(tmp_path, monkeypatch):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    file = onnx_file(tmp_path / "net.onnx")
    with pytest.raises(DeviceError, match=r"onnxruntime-gpu.*provider=cpu"):
        OnnxRecognizer(str(file), device="cuda:0")
    assert OnnxRecognizer(str(file), device="cuda:0", provider="cpu").device == "cpu"


def test_other_recognisers_refuse_the_settings():
    with pytest.raises(PluginError, match="'timm' cannot be made.*flip"):
        registry.recognizers.create("timm", flip=True)
