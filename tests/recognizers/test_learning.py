"""Recognisers that learn from the gallery: eigenfaces, LPP, Gabor and PCA, sparse codes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_fakes import Squares, request
from scoring_fakes import unit

from restore_recog.api import Recognizer
from restore_recog.errors import DataError, PluginError, RestoreRecogError, WeightsError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.recognizers.eigenfaces import Eigenfaces
from restore_recog.recognizers.gabor import ORIENTATIONS, SCALES, GaborPca, magnitudes, wavelet
from restore_recog.recognizers.lpp import Laplacianfaces, projections
from restore_recog.recognizers.sparse import Dictionary, SparseRepresentation

LEARNING = (Eigenfaces, Laplacianfaces, GaborPca, SparseRepresentation)


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return unit(one) @ unit(other).T


def test_eigenfaces_are_the_first_singular_directions() -> None:
    gallery, probes = unit(drawn(30, 50)), unit(drawn(7, 50, seed=1))
    compare = Eigenfaces("6").enrol(gallery, np.array(["s"] * 30))
    mean = gallery.mean(axis=0)
    basis = np.linalg.svd(gallery - mean, full_matrices=False)[2][:6].T
    wanted = cosine((gallery - mean) @ basis, (probes - mean) @ basis)
    np.testing.assert_allclose(compare(gallery, probes), wanted, atol=1e-9)
    # With more dimensions than the images span, all that they span.
    whole = Eigenfaces("500").enrol(gallery, np.array(["s"] * 30))
    np.testing.assert_allclose(
        whole(gallery, gallery), cosine(gallery - mean, gallery - mean), atol=1e-9
    )


def test_grey_templates_do_not_know_brightness_and_contrast() -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    templates = Eigenfaces().embed(images)
    torch.testing.assert_close(Eigenfaces().embed(images * 0.5 + 0.2), templates)
    red = images * torch.tensor([1.0, 0, 0])[:, None, None]
    flat = (red[:, 0] - red[:, 0].mean((1, 2), keepdim=True)).flatten(1)
    torch.testing.assert_close(Eigenfaces().embed(red), torch.nn.functional.normalize(flat))


def test_lpp_solves_its_eigenproblem_with_the_smallest_values() -> None:
    points = drawn(40, 8)
    points -= points.mean(axis=0)
    squares = ((points[:, None] - points) ** 2).sum(axis=2)
    near = np.zeros_like(squares, dtype=bool)
    for i, row in enumerate(squares):
        near[i, np.argsort(row)[1:6]] = True
    weights = np.where(near | near.T, np.exp(-squares / squares[near].mean()), 0)
    degrees = np.diag(weights.sum(axis=1))
    local, scatter = (points.T @ m @ points for m in (degrees - weights, degrees))
    basis = projections(points, 3)
    values = np.linalg.eigvals(np.linalg.solve(scatter, local)).real
    for direction, value in zip(basis.T, np.sort(values)[:3], strict=True):
        np.testing.assert_allclose(local @ direction, value * scatter @ direction, atol=1e-9)
    assert projections(points, 50).shape == (8, 8)


def test_lpp_keeps_neighbours_together_where_variance_does_not() -> None:
    # Two rings of images: the widest direction is within the rings, not between them.
    turns = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    rings = [np.stack([9 * np.cos(turns), 9 * np.sin(turns), np.full(60, h)], 1) for h in (-3, 3)]
    points = np.concatenate(rings) @ np.linalg.qr(drawn(3, 3))[0]
    first = points @ projections(points, 1)[:, 0]
    assert np.sign(first[:60]).std() == 0 and np.sign(first[0]) == -np.sign(first[60])


def test_a_wavelet_answers_to_its_own_grating_and_to_no_even_brightness() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    for scale, turn in ((0, 0), (1, 2), (3, 5)):
        angle, length = math.pi * turn / ORIENTATIONS, 4 * math.sqrt(2) ** scale
        wave = torch.cos(2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / length)
        for grating in (wave, torch.roll(wave, 1, 0)):  # whatever its phase
            answer = magnitudes(0.5 + 0.5 * grating[None, None])[0, :, 24:40, 24:40].mean((1, 2))
            assert int(answer.argmax()) == scale * ORIENTATIONS + turn
    even = magnitudes(torch.full((1, 1, 64, 64), 0.7))
    assert even.shape == (1, SCALES * ORIENTATIONS, 64, 64) and float(even.max()) < 1e-4
    assert abs(wavelet(8.0, 0.3).sum()) < 1e-6


def dictionary(people: int = 8, shots: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return images that are mixtures of two pictures for each person, and whose they are."""
    pictures = drawn(people, 2, 64)
    shares = 0.5 + np.random.default_rng(1).random((people, shots, 2))
    images = np.einsum("psk,pkd->psd", shares, pictures).reshape(-1, 64)
    return unit(images), np.repeat([f"s{i}" for i in range(people)], shots)


def test_a_covered_probe_is_written_by_its_own_person_and_by_pixels() -> None:
    gallery, owners = dictionary()
    probes = gallery[::3] * 0.4 + gallery[1::3] * 0.6
    covered = probes.copy()
    covered[:, :20] = 3 * np.roll(probes, 1, axis=0)[:, :20]  # a third shows somebody else
    covered = unit(covered)
    explained = SparseRepresentation().enrol(gallery, owners)(gallery, covered)  # (24, 8)
    assert explained.shape == (24, 8)
    best = owners[explained.argmax(axis=0)]
    assert list(best) == [f"s{i}" for i in range(8)]
    # All images of a person stand for the person, and the cosine is led astray by the covering.
    np.testing.assert_array_equal(explained[::3], explained[1::3])
    own = explained.max(axis=0)
    assert own.min() > 0.3 and np.sort(explained[::3], axis=0)[-2].max() < 0.05
    assert (owners[(gallery @ covered.T).argmax(axis=0)] != best).any()


def test_no_enrolled_image_explains_itself() -> None:
    gallery, owners = dictionary()
    single = np.concatenate([gallery, unit(drawn(1, 64, seed=7))])
    compare = Dictionary(single, np.append(owners, "alone"), 0.01)
    table = compare(single, single)
    assert table[-1, -1] < 0.05  # nobody else looks like them
    assert (np.delete(np.diag(table), -1) > 0.7).all()  # their other images do
    moved = unit(single[-1:] + 1e-9)
    assert compare(single, moved)[-1, 0] > 0.9


def test_a_score_is_the_same_in_every_block() -> None:
    gallery, owners = dictionary()
    probes = unit(drawn(5, 64, seed=3))
    compare = Dictionary(gallery, owners, 0.01)
    whole = compare(gallery, probes)
    fresh = Dictionary(gallery, owners, 0.01)
    np.testing.assert_array_equal(fresh(gallery[4:9], probes[2:]), whole[4:9, 2:])
    assert compare(gallery[:0], probes).shape == (0, 5)
    assert compare(gallery, probes[:0]).shape == (24, 0)


def test_whoever_is_not_enrolled_cannot_be_asked_about() -> None:
    gallery, owners = dictionary()
    compare = SparseRepresentation().enrol(gallery, owners)
    with pytest.raises(DataError, match="not enrolled; take a protocol that searches"):
        compare(unit(drawn(2, 64, seed=5)), gallery)
    wanted = replace(request(Squares(6, 6, occluded=2), enrolment="mean"),
                     recognizer=SparseRepresentation())  # fmt: skip
    with pytest.raises(DataError, match="--enrolment max"):
        evaluate(wanted)


@pytest.mark.parametrize("kind", LEARNING)
def test_a_whole_evaluation_goes_by_what_was_learned(kind: type[Recognizer]) -> None:
    wanted = request(Squares(6, 4, occluded=1), arms=("clean", "occluded", "fused", "fused-scores"))
    report = evaluate(replace(wanted, recognizer=kind()))
    again = evaluate(replace(wanted, recognizer=kind()))
    assert report.scores.keys() == again.scores.keys()
    for name, scores in report.scores.items():
        np.testing.assert_array_equal(scores, again.scores[name])
    assert any(f"'{kind.name}'" in note for note in report.notes)
    fused = (report.scores["occluded"] + report.scores["restored:healer"]) / 2
    np.testing.assert_allclose(report.scores["fused-scores:healer"], fused, atol=1e-6)
    clean = next(arm for arm in report.arms if arm.name == "clean")
    assert clean.figures["rank1"]["value"] > 0.5


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Eigenfaces("many"), PluginError, "e.g. 'pca:100'"),
        (lambda: Laplacianfaces("0"), PluginError, "'lpp:0' is no recogniser"),
        (lambda: SparseRepresentation("2"), PluginError, "above 0 and below 1"),
        (lambda: SparseRepresentation("x"), PluginError, "'src:x'"),
        (lambda: GaborPca(weights=Path("w")), WeightsError, "'gpca' has no weights"),
        (lambda: SparseRepresentation(weights=Path("w")), WeightsError, "learns from the gallery"),
        (lambda: Eigenfaces().enrol(unit(drawn(2, 9)), np.array(["a", "b"])), DataError,
         "2 images in it are too few"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(make, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message) as caught:
        make()
    assert isinstance(caught.value, RestoreRecogError)
