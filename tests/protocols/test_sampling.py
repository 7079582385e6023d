"""Plans of searches."""

from __future__ import annotations

from restore_recog.protocols.sampling import Search
from restore_recog.types import FaceSample


def test_a_limit_is_said_in_a_note_of_its_own() -> None:
    samples = [FaceSample(f"{s}/{i}", s) for s in ("ann", "bea") for i in range(3)]
    search = Search({"ann": ["ann/0"], "bea": ["bea/0"]}, ["ann/1", "bea/1"], True, notes=[])
    assert search.plan(samples, seed=0, limit=1).notes[0] == "Limited to 1 of 2 probes."
    assert not any("Limited" in note for note in search.plan(samples, seed=0, limit=None).notes)
