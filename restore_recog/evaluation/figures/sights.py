"""What a classifier saw of every probe in every arm, and where t-SNE puts its features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.results import SightRow
from restore_recog.evaluation.scores.design import Measured
from restore_recog.evaluation.scores.labelled import Labelled
from restore_recog.labels import KINDS, UNKNOWN

MOST = 300
"""Probes whose features t-SNE is given, the same in all arms: its work grows with the square."""

PERPLEXITY = 30.0
"""That of van der Maaten and Hinton's examples; less where there are few probes."""


def rows(measured: Mapping[str, Measured], probes: Sequence[str], seed: int) -> Iterator[SightRow]:
    """Yield a row for every probe and arm that has images.

    Args:
        measured: By the arm's name, in order of display.
        probes: Their ids, in the plan's order.
        seed: Of the probes that t-SNE is given, and of t-SNE.
    """
    known = {name: arm.labelled for name, arm in measured.items() if arm.labelled is not None}
    places = _places(known, seed)
    for name, one in known.items():
        words = (*KINDS[one.kind], "")  # UNKNOWN, -1, is the last
        decisions = measured[name].decisions.get(one.kind)
        taken = np.full(len(probes), UNKNOWN) if decisions is None else decisions.taken
        for i, probe_id in enumerate(probes):
            codes = one.true[i], one.told[i], taken[i]
            row = SightRow(name, probe_id, *(words[c] for c in codes), *places[name][i].tolist())
            yield replace(row, confidence=float(one.confidence[i]))


def _places(known: Mapping[str, Labelled], seed: int) -> dict[str, NDArray[np.float64]]:
    """Return arm -> (P, 2): one map for all arms, so that they can be laid over each other."""
    places = {name: np.full((len(one.true), 2), np.nan) for name, one in known.items()}
    parts = {name: one.features for name, one in known.items() if one.features is not None}
    if not parts:
        return places
    finite = np.all([np.isfinite(part).all(axis=1) for part in parts.values()], axis=0)
    chosen = np.flatnonzero(finite)
    if len(chosen) > MOST:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:MOST])
    table = np.concatenate([part[chosen] for part in parts.values()])  # (arms * n, G)
    if len(table) < 10 or not np.ptp(table, axis=0).any():
        return places
    from sklearn.manifold import TSNE  # here: most evaluations ask no classifier

    perplexity = min(PERPLEXITY, (len(table) - 1) / 3)
    made = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(table)
    for name, part in zip(parts, np.split(made, len(parts)), strict=True):
        places[name][chosen] = part
    return places


def confusion(sights: Sequence[SightRow], kind: str) -> dict[str, NDArray[np.int64]]:
    """Return arm -> (C, C + 1) counts: rows are true classes, columns told, the last no image."""
    words = KINDS[kind]
    place = {word: i for i, word in enumerate(words)} | {"": UNKNOWN}
    tables: dict[str, NDArray[np.int64]] = {}
    for row in sights:
        table = tables.setdefault(row.arm, np.zeros((len(words), len(words) + 1), np.int64))
        table[place[row.true], place[row.told]] += 1
    return tables
