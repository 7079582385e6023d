"""Ranks by float32 products are those by float64 ones, however close the scores are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from restore_recog.evaluation.scores import search as module
from restore_recog.evaluation.scores.ranking import UNIT, error_bound
from restore_recog.evaluation.scores.search import SearchResult, search
from restore_recog.types import Templates


def unit(rows: NDArray[np.floating]) -> Templates:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def in_float64(references: Templates, probes: Templates) -> NDArray[np.floating]:
    """Compare by cosines as a recogniser's own way, which is computed in float64 throughout."""
    return references @ probes.T


def same(one: SearchResult, other: SearchResult) -> None:
    for name in ("mated", "own", "best_other"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("pessimistic", "optimistic", "missed", "n_subjects"):
        np.testing.assert_array_equal(getattr(one.ranks, name), getattr(other.ranks, name))


def close(spread: float, seed: int, length: int = 64) -> tuple[Templates, Templates]:
    """Return probes and references that all lie about one direction."""
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=length)
    sides = [middle + spread * rng.normal(size=(count, length)) for count in (70, 90)]
    return unit(sides[0]), unit(sides[1])


@pytest.mark.parametrize("length", [1, 3, 64, 512, 2048])
@pytest.mark.parametrize("kind", ["normal", "positive", "one direction"])
def test_the_bound_holds(length: int, kind: str) -> None:
    rng = np.random.default_rng(length)
    rows = rng.normal(size=(300, length))
    if kind == "positive":
        rows = np.abs(rows)
    elif kind == "one direction":
        rows = 1 + 1e-3 * rows
    rows = unit(rows)
    single = rows.astype(np.float32)
    difference = np.abs(single @ single.T - rows @ rows.T).max()
    assert difference <= error_bound(length) - 2 * UNIT
    assert error_bound(length) < 2e-4


@pytest.mark.parametrize("spread", [0.0, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1.0])
@pytest.mark.parametrize("block", [7, 2048])
@pytest.mark.parametrize("references_each", [1, 3])
def test_close_scores_are_told_apart(spread: float, block: int, references_each: int) -> None:
    probes, references = close(spread, seed=block)
    owners = np.array([f"p{i // references_each:03}" for i in range(90)])
    people = np.array([f"p{i % 40:03}" for i in range(70)])  # some are nobody's
    probes[3], references[5] = np.nan, np.nan
    fast = search(probes, references, people, owners, block=block)
    exact = search(probes, references, people, owners, block=block, compare=in_float64)
    same(fast, exact)


@pytest.mark.parametrize("seed", range(3))
def test_templates_in_float32_too(seed: int) -> None:
    probes, references = (side.astype(np.float32) for side in close(1e-3, seed, 256))
    people, owners = np.arange(70) % 30, np.arange(90) % 45
    same(
        search(probes, references, people, owners, block=32),
        search(probes, references, people, owners, block=32, compare=in_float64),
    )


def test_where_everybody_looks_alike_ties_are_found() -> None:
    rows = np.tile(unit(np.ones((1, 16))), (200, 1))
    result = search(rows, rows, np.arange(200), np.arange(200), block=64)
    assert set(result.ranks.pessimistic) == {200} and set(result.ranks.optimistic) == {1}
    assert result.ranks.n_tied == 200


def test_streams_are_filled_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    probes, references = close(0.1, 0)
    filled = []
    state = module._SearchState

    class Counted(state):  # type: ignore[misc,valid-type]
        def run(self) -> None:
            filled.append(1)
            super().run()

    monkeypatch.setattr(module, "_SearchState", Counted)
    result = search(probes, references, np.arange(70), np.arange(90))
    assert result.ranks.pessimistic.size == 70 and not filled
    assert result.genuine.count == 70 and result.impostor.count == 70 * 89
    assert filled == [1]
