"""The landmark-gender model: its networks' sizes, its landmarks, and who chooses a generator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from landmark_fakes import PARTS, RedGender, RingLandmarker, known_parts, points
from tiny import stored

from restore_recog import registry, weights
from restore_recog.errors import ImageError, PluginError, WeightsError
from restore_recog.labels import GENDERS
from restore_recog.landmarks import OF_68
from restore_recog.nn.attention import ShortLongAttention, attended
from restore_recog.restorers.landmark_gender import LandmarkGender
from restore_recog.restorers.landmark_gender.dots import dot_map
from restore_recog.restorers.landmark_gender.model import LandmarkGenderNets
from restore_recog.restorers.landmark_gender.networks import Discriminator, Generator
from restore_recog.restorers.landmark_gender.presets import PRESETS
from restore_recog.restoring.export import export
from restore_recog.restoring.landmarking import located
from restore_recog.testing import RestorerContract
from restore_recog.types import FaceBatch

FEMALE, MALE = range(len(GENDERS))


@pytest.fixture(scope="module", autouse=True)
def parts() -> Iterator[None]:
    with known_parts():
        yield


def batch(n: int = 2, side: int = 64, **attributes: Any) -> FaceBatch:
    coarse = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    images = F.interpolate(coarse, (side, side), mode="bilinear").clamp_min(0.01)
    masks = torch.zeros(n, 1, side, side)
    masks[:, :, side // 2 : -4, 8:-8] = 1
    return FaceBatch(images, masks, attributes=attributes)


def of_chances(*male: float) -> FaceBatch:
    """Return faces for whose gender the classifier has these probabilities of male."""
    given = batch(len(male))
    given.images[:, 0, 0, -1] = torch.tensor(male)
    return given


@cache
def _weights(options: tuple[tuple[str, Any], ...]) -> bytes:
    """Return a weights file; it is made once for all tests that ask for the same options."""
    with TemporaryDirectory() as folder:
        file = stored(Path(folder), "landmark_gender", **PARTS, **{"size": 64, **dict(options)})
        config, tensors = weights.load(file, "landmark_gender")
        rng = torch.Generator().manual_seed(1)  # untrained, but no generator is like another
        for name, tensor in tensors.items():
            if tensor.ndim == 4:
                tensor.copy_(0.1 * torch.randn(tensor.shape, generator=rng))
            if name.endswith(("gamma", "alpha")):
                tensor.fill_(0.7)
        weights.save(file, "landmark_gender", config, tensors, half=False)
        return file.read_bytes()


def made(folder: Path, argument: str | None = None, **options: Any) -> LandmarkGender:
    file = folder / "landmark_gender.safetensors"
    file.write_bytes(_weights(tuple(sorted(options.items()))))
    return LandmarkGender(argument, weights=file)


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# Networks -----------------------------------------------------------------------------


def test_the_papers_networks_have_as_many_parameters_as_counted() -> None:
    with torch.device("meta"):
        assert count(Generator()) == 11_734_981
        assert count(Discriminator()) == 2_768_929
        assert count(LandmarkGenderNets(PRESETS["paper"])) == 3 * 11_734_981


def test_each_compact_generator_takes_less_than_4_mb_in_half_precision() -> None:
    with torch.device("meta"):
        nets = LandmarkGenderNets(PRESETS["compact"])
    sizes = {name: 2 * count(net) / 1e6 for name, net in nets.generators.items()}
    assert sizes.keys() == {"pooled", "female", "male"} and max(sizes.values()) < 4


def shapes(net: torch.nn.Module, *given: torch.Tensor) -> list[tuple[str, tuple[int, ...]]]:
    seen: list[tuple[str, tuple[int, ...]]] = []
    for name, part in net.named_children():
        part.register_forward_hook(
            lambda _, __, out, name=name: seen.append((name, tuple(out.shape[1:])))
        )
    net(*given)
    return seen


@pytest.mark.parametrize("upsampling", ["deconv", "bilinear"])
def test_the_shape_table_of_the_generator(upsampling: str) -> None:
    net = Generator(4, 4, upsampling=upsampling, narrow=upsampling == "bilinear")
    assert shapes(net, torch.zeros(1, 4, 128, 128), torch.zeros(1, 1, 128, 128)) == [
        ("first", (4, 128, 128)),
        ("second", (8, 64, 64)),
        ("third", (16, 32, 32)),
        ("blocks", (16, 32, 32)),
        ("attention", (16, 32, 32)),
        ("to_half", (8, 64, 64)),
        ("join_half", (16, 64, 64)),
        ("to_whole", (4, 128, 128)),
        ("join_whole", (4 if upsampling == "bilinear" else 8, 128, 128)),
        ("last", (3, 128, 128)),
    ]


def test_the_shape_table_of_the_discriminator() -> None:
    net = Discriminator(4, 4)
    seen = shapes(net.layers, torch.zeros(1, 4, 256, 256))
    assert [shape for _, shape in seen[::2]] == [
        *[(4, 128, 128), (8, 64, 64), (8, 64, 64), (16, 32, 32)],
        *[(32, 31, 31), (1, 30, 30)],
    ]
    judged = net(torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64))
    assert bool(((judged > 0) & (judged < 1)).all())
    normal = [name for name, _ in net.named_parameters() if "parametrizations" in name]
    assert len(normal) == 5 and not any(name.endswith("bias") for name in normal)


def test_seven_blocks_are_dilated_by_two_and_add() -> None:
    blocks = list(Generator(4, 2).blocks)
    dilations = [
        [layer.dilation[0] for layer in block.modules() if isinstance(layer, torch.nn.Conv2d)]
        for block in blocks
    ]
    assert dilations == [[2, 1]] * 7
    for layer in blocks[0].modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.zeros_(layer.weight)
    features = torch.randn(1, 8, 8, 8)
    torch.testing.assert_close(blocks[0](features), features)


def test_attention_is_a_weighted_mean_over_places_however_it_is_cut() -> None:
    torch.manual_seed(0)
    query, value = torch.randn(2, 12, 3), torch.randn(2, 12, 5)
    weights = torch.einsum("nlq,nmq->nlm", query, query).softmax(2)
    wanted = torch.einsum("nlm,nmc->nlc", weights, value)
    for rows in (1024, 5):
        torch.testing.assert_close(attended(query, value, rows), wanted)


def test_gradients_of_attention_do_not_depend_on_how_it_is_cut() -> None:
    torch.manual_seed(0)
    gradients = []
    for rows in (1024, 5):
        torch.manual_seed(1)
        query = torch.randn(2, 12, 3, requires_grad=True)
        value = torch.randn(2, 12, 5, requires_grad=True)
        attended(query, value, rows).square().sum().backward()
        gradients.append((query.grad, value.grad))
    torch.testing.assert_close(gradients[0], gradients[1])


def test_attention_starts_at_nothing_and_reads_the_encoder_outside_the_hole() -> None:
    torch.manual_seed(0)
    net = ShortLongAttention(8).eval()
    x, encoded = torch.randn(1, 8, 6, 6), torch.randn(1, 8, 6, 6)
    hole = torch.zeros(1, 1, 6, 6)
    hole[:, :, 2:4, 2:4] = 1
    assert net.gamma.item() == net.alpha.item() == 0
    torch.testing.assert_close(net(x, encoded, hole), net(x, encoded, hole, looks=False))
    hidden = torch.where(hole > 0, 9.0, encoded)
    torch.testing.assert_close(net(x, hidden, hole), net(x, encoded, hole))  # alpha is 0
    torch.nn.init.constant_(net.alpha, 0.5)
    assert not torch.allclose(net(x, encoded, hole), net(x, encoded, hole, looks=False))


def test_the_shortcuts_carry_nothing_of_the_hole() -> None:
    """Its rim blends at half and quarter size; what lies deep in it is white to begin with."""
    torch.manual_seed(0)
    nets = LandmarkGenderNets(PRESETS["tiny"]).eval()
    given = batch(1)
    other = torch.where(given.masks > 0, 0.9, given.images)
    with torch.no_grad():
        faces = [nets.made_by("pooled", one, given.masks, None) for one in (given.images, other)]
    assert torch.equal(*faces)


# Landmarks ----------------------------------------------------------------------------


def test_a_dot_for_every_landmark_rounded_and_clamped_into_the_frame() -> None:
    where = torch.full((1, 98, 2), torch.nan)
    where[0, 0] = torch.tensor([2.4, 5.6])
    where[0, 1] = torch.tensor([-7.0, 3.0])
    where[0, 2] = torch.tensor([40.0, 99.0])
    where[0, 3] = torch.tensor([torch.nan, 3.0])
    where[0, 4] = torch.tensor([torch.inf, 3.0])
    dots = dot_map(where, (8, 16))
    assert dots.shape == (1, 1, 8, 16)
    assert dots[0, 0].nonzero().tolist() == [[3, 0], [6, 2], [7, 15]]
    assert float(dots.max()) == 1


def test_landmarks_that_share_a_pixel_make_one_dot_and_unknown_ones_none() -> None:
    where = torch.zeros(2, 98, 2)
    where[1] = torch.nan
    dots = dot_map(where, (8, 8))
    assert float(dots[0].sum()) == 1 and float(dots[1].sum()) == 0


def test_68_of_the_98() -> None:
    where = torch.full((1, 98, 2), torch.nan)
    where[0, OF_68[5]], where[0, 97] = torch.tensor([3.0, 4.0]), torch.tensor([1.0, 1.0])
    assert dot_map(where, (8, 8), "68")[0, 0].nonzero().tolist() == [[4, 3]]


def test_landmarks_are_found_at_the_landmarkers_size() -> None:
    images = torch.full((1, 3, 128, 96), 0.5)
    images[:, 2] = 0
    wanted = (points(64) + 0.5) * torch.tensor([96 / 64, 2]) - 0.5
    torch.testing.assert_close(located(RingLandmarker(), images)[0], wanted)


def test_landmarks_lead_and_an_image_without_a_covering_needs_none(tmp_path: Path) -> None:
    given = batch()
    led, unled = made(tmp_path), made(tmp_path, "no-landmarks")
    assert led.needs == {"masks", "gender", "landmarks98"}
    assert unled.needs == {"masks", "gender"} and unled.landmarker is None
    assert not torch.equal(led.restore(given), unled.restore(given))
    given.images[0, :, 0, 0] = 0
    with pytest.raises(ImageError, match="No landmarks were found on the face.*no-landmarks'"):
        led.restore(given)
    given.masks[0] = 0
    assert torch.equal(led.restore(given)[0], given.images[0])


def test_told_landmarks_go_first_where_they_are_known(tmp_path: Path) -> None:
    given, model = batch(), made(tmp_path)
    found = located(RingLandmarker(), given.images)
    plain = model.restore(given)

    def told(where: torch.Tensor) -> torch.Tensor:
        return model.restore(FaceBatch(given.images, given.masks, landmarks98=where))

    torch.testing.assert_close(told(found), plain)
    other = found - 9
    assert not torch.equal(told(other), plain)
    other[0] = torch.nan
    mixed = told(other)
    torch.testing.assert_close(mixed[0], plain[0])
    assert not torch.equal(mixed[1], plain[1])


# Who chooses --------------------------------------------------------------------------


def test_it_is_registered() -> None:
    assert registry.restorers.load("landmark_gender:predicted@0.2") is LandmarkGender


def test_predicted_is_the_default_and_the_unsure_have_the_pooled_generator(tmp_path: Path) -> None:
    given = of_chances(0.0, 0.4, 0.41, 0.5, 0.59, 0.6, 1.0)
    labels = {
        None: [FEMALE, FEMALE, -1, -1, -1, MALE, MALE],
        "predicted": [FEMALE, FEMALE, -1, -1, -1, MALE, MALE],
        "predicted@0": [FEMALE] * 3 + [MALE] * 4,
        "predicted@0.5": [FEMALE, -1, -1, -1, -1, -1, MALE],
        "male": [MALE] * 7,
        "no-landmarks": [FEMALE, FEMALE, -1, -1, -1, MALE, MALE],
    }
    for argument, wanted in labels.items():
        assert made(tmp_path, argument).labels(given)["gender"].tolist() == wanted, argument
    torch.testing.assert_close(made(tmp_path).probability(given)[1:2], torch.tensor([0.4]))


def test_every_face_is_made_by_the_generator_of_its_label(tmp_path: Path) -> None:
    given = of_chances(0.1, 0.5, 0.9)
    alone = {name: made(tmp_path, name).restore(given) for name in ("female", "pooled", "male")}
    together = made(tmp_path).restore(given)
    for row, name in enumerate(alone):
        torch.testing.assert_close(together[row], alone[name][row], atol=1e-5, rtol=0)
    assert not torch.equal(alone["female"], alone["male"])
    outside = given.masks.expand_as(together) == 0
    assert torch.equal(together[outside], given.images[outside])


def test_pooled_asks_nobody(tmp_path: Path) -> None:
    pooled = made(tmp_path, "pooled")
    assert pooled.classifier is None and pooled.needs == {"masks", "landmarks98"}
    told = of_chances(0.1, 0.9)
    assert pooled.labels(told) == {}
    with pytest.raises(PluginError, match="'landmark_gender:pooled' asks no classifier"):
        pooled.probability(told)


def test_the_truth_goes_first_where_it_is_given(tmp_path: Path) -> None:
    given = of_chances(0.1, 0.9, 0.5)
    told = FaceBatch(given.images, given.masks, attributes={"gender": torch.tensor([1, 0, -1])})
    assert made(tmp_path).labels(told)["gender"].tolist() == [1, 0, -1]
    female = made(tmp_path, "female")
    assert female.labels(told)["gender"].tolist() == [1, 0, 0]
    male = made(tmp_path, "male").restore(given)
    torch.testing.assert_close(female.restore(told)[0], male[0], atol=1e-5, rtol=0)


def test_without_attention_it_is_another_face(tmp_path: Path) -> None:
    given = batch()
    assert not torch.equal(
        made(tmp_path).restore(given), made(tmp_path, "no-attention").restore(given)
    )
    without = made(tmp_path, attention=False)
    assert without.restore(given).shape == given.images.shape
    with pytest.raises(PluginError, match="have no attention.*leave 'no-attention' out"):
        made(tmp_path, "no-attention", attention=False)


@pytest.mark.parametrize(
    "word", ["other", "Male", "", "truth", "predicted@", "predicted@0.6", "male@0.1", "predicted@x"]
)
def test_another_word_is_refused_and_all_are_listed(word: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        made(tmp_path, word)
    said = str(caught.value)
    assert f"no argument '{word}'" in said
    assert "predicted, predicted@U with U from 0 to 0.5, pooled, female, male, no-landmarks" in said


def test_trained_without_regard_to_gender_there_is_one_generator(tmp_path: Path) -> None:
    one = made(tmp_path, gender_split="one")
    assert list(one.nets.generators) == ["pooled"] and one.needs == {"masks", "landmarks98"}
    assert one.restore(batch()).shape == (2, 3, 64, 64)
    for word in ("male", "predicted"):
        with pytest.raises(PluginError, match="without regard to gender, so that.*means nothing"):
            made(tmp_path, word, gender_split="one")


def test_gender_as_an_input_is_a_plane(tmp_path: Path) -> None:
    given = of_chances(0.1, 0.5, 0.9)
    faces = {
        word: made(tmp_path, word, gender_split="input").restore(given)
        for word in ("female", "pooled", "male", "predicted")
    }
    for row, name in enumerate(("female", "pooled", "male")):
        torch.testing.assert_close(faces["predicted"][row], faces[name][row], atol=1e-5, rtol=0)
    assert not torch.equal(faces["female"], faces["male"])


def test_trained_without_landmarks_it_looks_for_none(tmp_path: Path) -> None:
    without = made(tmp_path, landmarks="none")
    assert without.landmarker is None and without.needs == {"masks", "gender"}
    with pytest.raises(PluginError, match="have never seen a landmark"):
        made(tmp_path, "no-landmarks", landmarks="none")
    assert made(tmp_path, landmarks="68").restore(batch()).shape == (2, 3, 64, 64)


# Its parts ----------------------------------------------------------------------------


def with_parts(folder: Path, **changed: str) -> Path:
    """Return a weights file that names other parts."""
    file = stored(folder, "landmark_gender", **PARTS)
    config, tensors = weights.load(file, "landmark_gender")
    weights.save(file, "landmark_gender", config | changed, tensors)
    return file


@pytest.mark.parametrize("name", ["os:System", "landmark_fakes:RingLandmarker", "gone", "ring=x"])
def test_a_weights_file_imports_nothing_that_is_not_registered(name: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="names the landmarker.*not installed; there are .*ring"):
        LandmarkGender(weights=with_parts(tmp_path, landmarker=name))


def test_a_part_without_weights_says_what_to_train_and_where_to_put_it(tmp_path: Path) -> None:
    if (weights.SHIPPED / "hourglass.safetensors").exists():
        pytest.skip("the landmarker's weights are shipped")
    with pytest.raises(WeightsError) as caught:
        LandmarkGender("pooled", weights=with_parts(tmp_path, landmarker="hourglass"))
    said = str(caught.value)
    assert "'restore-recog train-landmarker --landmarker hourglass'" in said
    assert f"put its weights there: {tmp_path / 'hourglass.safetensors'}" in said
    assert LandmarkGender("no-landmarks", weights=with_parts(tmp_path, landmarker="hourglass"))


def test_the_part_beside_the_weights_goes_first(tmp_path: Path) -> None:
    (tmp_path / "ring.safetensors").write_bytes(b"")
    model = LandmarkGender("pooled", weights=with_parts(tmp_path))
    assert model.landmarker is not None
    assert model.landmarker.weights == tmp_path / "ring.safetensors"


def test_a_classifier_of_something_else_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(RedGender, "label", "expression")
    with pytest.raises(PluginError, match="'red', which tells a face's expression and not its gen"):
        LandmarkGender(weights=with_parts(tmp_path))


# The contract -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argument",
    [None, "predicted@0.3", "male", "female", "pooled", "no-landmarks", "no-attention"],
)
class TestContract(RestorerContract):
    @pytest.fixture(autouse=True)
    def _made(self, argument: str | None, tmp_path: Path) -> None:
        self.create = lambda: made(tmp_path, argument)  # type: ignore[method-assign]

    def create(self) -> LandmarkGender:
        """Replaced for each test by the fixture."""
        raise NotImplementedError


@pytest.mark.parametrize("size", [(50, 70), (33, 32)])
def test_any_size_is_padded_and_cropped_back(tmp_path: Path, size: tuple[int, int]) -> None:
    images, masks = torch.rand(1, 3, *size).clamp_min(0.01), torch.zeros(1, 1, *size)
    masks[:, :, 10:20, 10:20] = 1
    restored = made(tmp_path).restore(FaceBatch(images, masks))
    outside = masks.expand(-1, 3, -1, -1) == 0
    assert torch.equal(restored[outside], images[outside]) and not torch.equal(restored, images)


@pytest.mark.slow
@pytest.mark.parametrize("argument", ["pooled", "predicted"])
def test_it_is_exported_with_its_parts_for_any_number_of_faces(
    tmp_path: Path, argument: str
) -> None:
    model, place = made(tmp_path, argument), tmp_path / "model.pt2"
    assert export(model, place, "torch-export").difference < 1e-3
    given = of_chances(0.1, 0.5, 0.9)
    again = torch.export.load(place).module()(given.images, given.masks)
    torch.testing.assert_close(again, model.restore(given), atol=1e-3, rtol=0)
