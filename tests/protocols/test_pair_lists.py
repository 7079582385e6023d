"""Published lists of pairs: folds, missing pairs, sides, malformed lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from restore_recog.datasets.lfw import LFW as LfwData
from restore_recog.datasets.lfw import split_of
from restore_recog.errors import DataError
from restore_recog.protocols.lfw import Lfw
from restore_recog.protocols.mfr2 import Mfr2
from restore_recog.protocols.mlfw import Mlfw
from restore_recog.protocols.pairs import REASONS
from restore_recog.types import FaceSample

# LFW, README of View 2: 10 folds of 300 matched and 300 mismatched pairs.
VIEW2 = {"folds": 10, "genuine": 3000, "impostor": 3000}
# MaskTheFace, README: 848 pairs. MLFW, arXiv:2109.05804: 6,000 pairs in 10 folds.
MFR2_PAIRS, MLFW_PAIRS = 848, 6000


def lfw_list(folds: int = 10, each: int = 300) -> tuple[str, list[FaceSample]]:
    """Return a list of View 2 over people of its own in each fold, and all its images."""
    rows = [f"{folds}\t{each}"]
    samples = []
    for fold in range(folds):
        names = [f"F{fold}_P{i:03d}" for i in range(each)]
        rows += [f"{name}\t1\t2" for name in names]
        rows += [f"{name}\t1\t{names[i - 1]}\t2" for i, name in enumerate(names)]
        samples += [FaceSample(f"{n}/{n}_{i:04d}.jpg", n) for n in names for i in (1, 2)]
    return "\n".join(rows) + "\n", samples


def write(folder: Path, text: str) -> str:
    (folder / "pairs.txt").write_text(text, encoding="utf-8", newline="")
    return str(folder / "pairs.txt")


def test_view_2_has_its_published_counts(tmp_path: Path) -> None:
    text, samples = lfw_list()
    plan = Lfw(write(tmp_path, text)).plan(samples)
    assert sum(pair.genuine for pair in plan.pairs) == VIEW2["genuine"]
    assert sum(not pair.genuine for pair in plan.pairs) == VIEW2["impostor"]
    assert Counter(plan.folds) == dict.fromkeys(range(1, VIEW2["folds"] + 1), 600)
    assert plan.synthetic and not plan.identification
    assert not plan.missing_pairs and not plan.training
    assert not any("Warning" in note for note in plan.notes)


def test_the_second_image_is_the_probe(tmp_path: Path) -> None:
    text, samples = lfw_list(2, 3)
    plan = Lfw(write(tmp_path, text)).plan(samples[::-1], seed=4)
    assert all(pair.reference_id.endswith("_0001.jpg") for pair in plan.pairs)
    assert all(pair.probe_id.endswith("_0002.jpg") for pair in plan.pairs)
    assert plan.pairs[3].probe_id == "F0_P002/F0_P002_0002.jpg" and not plan.pairs[3].genuine
    assert plan == Lfw(write(tmp_path, text)).plan(samples)


def test_the_list_beside_the_data_is_taken_where_none_is_named(tmp_path: Path) -> None:
    text, samples = lfw_list(2, 3)
    protocol = Lfw()
    assert protocol.pair_list is None
    with pytest.raises(DataError, match="--protocol lfw:FILE"):
        protocol.plan(samples)
    protocol.pair_list = Path(write(tmp_path, text))
    assert protocol.plan(samples) == Lfw(str(tmp_path / "pairs.txt")).plan(samples)


def test_missing_pairs_are_counted_by_fold(tmp_path: Path) -> None:
    text, samples = lfw_list(2, 3)
    kept = [s for s in samples if s.image_id != "F1_P001/F1_P001_0002.jpg"]
    plan = Lfw(write(tmp_path, text)).plan(kept)
    assert len(plan.pairs) + len(plan.missing_pairs) == 12
    assert plan.missing_pairs == ((2, REASONS[1]), (2, REASONS[1]))
    (first,) = [note for note in plan.notes if "missing" in note]  # the report warns of their count
    assert "line 9: the data lacks F1_P001/F1_P001_0002," in first
    assert "Genuine + impostor pairs in folds 1 to 2: 3 + 3, 2 + 2." in plan.notes
    assert sum(note.startswith("Warning:") and "too few" in note for note in plan.notes) == 2


def test_ids_may_have_a_prefix_another_ending_and_another_form_of_umlauts(tmp_path: Path) -> None:
    composed, decomposed = "J\u00fcrgen", "Ju\u0308rgen"
    text = f"1\t1\n{composed}\t1\t2\n{composed}\t1\tBob\t3\n"
    samples = [
        FaceSample(f"lfw/{who}/{who}_{i:04d}.png", who)
        for who, i in ((decomposed, 1), (decomposed, 2), ("Bob", 3))
    ]
    assert len(Lfw(write(tmp_path, text)).plan(samples).pairs) == 2


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    text, samples = lfw_list(1, 3)
    twice = [*samples, FaceSample("copy/F0_P000/F0_P000_0001.jpg", "F0_P000")]
    with pytest.raises(DataError, match="both fit the name 'F0_P000/F0_P000_0001'"):
        Lfw(write(tmp_path, text)).plan(twice)


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 100])
def test_a_limit_takes_probes_from_all_folds(limit: int, tmp_path: Path) -> None:
    text, samples = lfw_list(4, 3)
    protocol = Lfw(write(tmp_path, text))
    whole, part = protocol.plan(samples), protocol.plan(samples, limit=limit)
    assert len(part.probes) == min(limit, 12) and set(part.probes) <= set(whole.probes)
    assert set(part.probes) <= set(protocol.plan(samples, limit=limit + 1).probes)
    assert part.pairs == tuple(pair for pair in whole.pairs if pair.probe_id in part.probes)
    assert len(part.folds) == len(part.pairs)
    if limit >= 2:
        assert {pair.genuine for pair in part.pairs} == {True, False}
    if limit >= 2 * 4:
        assert set(part.folds) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: View 2 begins with"),
        ("1100\nA\t1\t2\n", "line 1: View 2 begins with"),
        ("10\tx\n", "line 1: View 2 begins with"),
        ("1\t1\nA\t1\t2\n", "1 pairs, but line 1 promises 1 x 2 x 1 = 2"),
        ("1\t1\nA\t1\t2\nA\t1\tB\t2\nA\t1\t3\n", "3 pairs, but line 1"),
        ("1\t1\nA\t1\tB\t2\nA\t1\t2\n", "line 2: a pair of one person should stand here"),
        ("1\t1\nA\t1\t2\nA\t1\t3\n", "line 3: a pair of two people should stand here"),
        ("1\t1\nA\t1\nA\t1\tB\t2\n", "line 2: 2 words"),
        ("1\t1\nA\t1\ttwo\nA\t1\tB\t2\n", "line 2: 'two' is not an image number"),
        (f"{'9' * 5000}\t1\nA\t1\t2\n", "line 1: View 2 begins with"),
        (f"1\t1\nA\t1\t{'9' * 5000}\nA\t1\tB\t2\n", "9...' is not an image number"),
        ("1\t1\nA\t0\t2\nA\t1\tB\t2\n", "line 2: '0' is not an image number"),
        ("1\t1\n\nA\t2\t2\nA\t1\tB\t2\n", "line 3: A/A_0002 is compared with itself"),
    ],
)
def test_faulty_lists_of_view_2_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Lfw(write(tmp_path, text)).plan(lfw_list(1, 3)[1])
    assert message in str(caught.value)


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pairs.txt cannot be read"):
        Lfw(str(tmp_path / "pairs.txt")).plan([])
    (tmp_path / "pairs.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="pairs.txt cannot be read"):
        Lfw(str(tmp_path / "pairs.txt")).plan([])


def test_data_without_pairs_of_both_kinds_is_refused(tmp_path: Path) -> None:
    text, samples = lfw_list(1, 3)
    first = [s for s in samples if s.subject == "F0_P000"]
    with pytest.raises(DataError, match="None of the 3 impostor pairs in .*pairs.txt has both"):
        Lfw(write(tmp_path, text)).plan(first)


def mfr2_samples() -> list[FaceSample]:
    """Return people whose image 1 is clean, 2 and 3 masked."""
    return [
        FaceSample(f"{who}/{who}_{i:04d}.png", who, condition="clean" if i == 1 else "mask")
        for who in ("Ann", "Bob")
        for i in (1, 2, 3)
    ]


def test_mfr2_puts_the_occluded_image_on_the_probes_side(tmp_path: Path) -> None:
    text = "Ann 2 1\r\nAnn 1 3\r\nAnn 2 3\r\nAnn 2 Bob 1\r\nAnn 1 Bob 1\r\nBob 3 Ann 9\r\n"
    plan = Mfr2(write(tmp_path, text)).plan(mfr2_samples())
    assert [(p.reference_id[:8], p.probe_id[:8], p.genuine) for p in plan.pairs] == [
        ("Ann/Ann_", "Ann/Ann_", True),
        ("Ann/Ann_", "Ann/Ann_", True),
        ("Ann/Ann_", "Ann/Ann_", True),
        ("Bob/Bob_", "Ann/Ann_", False),
        ("Ann/Ann_", "Bob/Bob_", False),
    ]
    assert plan.pairs[0].reference_id == "Ann/Ann_0001.png"
    assert plan.pairs[2].reference_id == "Ann/Ann_0002.png"  # A probe, too: occluded on both sides.
    assert plan.folds == () and not plan.synthetic and not plan.identification
    assert plan.missing_pairs == ((0, REASONS[1]),)
    assert "1 pairs have two occluded images, 3 one, 1 none." in plan.notes
    assert any(f"the published one has {MFR2_PAIRS}" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "is empty"),
        ("Ann 1 2\nAnn 1\n", "line 2: 2 words"),
        ("Ann 1 2 Bob 1\n", "line 1: 5 words"),
        ("Ann x 2\n", "line 1: 'x' is not an image number"),
    ],
)
def test_faulty_lists_of_mfr2_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Mfr2(write(tmp_path, text)).plan(mfr2_samples())
    assert message in str(caught.value)


def mlfw_list(pairs: int) -> tuple[str, list[FaceSample]]:
    rows, samples = [], []
    for i in range(pairs):
        one, other = f"A{i}_0001_0000", f"{'A' if i % 2 else 'B'}{i}_0002_0003"
        rows.append(f"{one}.jpg\t{other}.jpg\t{i % 2}")
        for stem in (one, other):
            samples.append(FaceSample(f"{stem}.jpg", stem.split("_")[0], condition="unknown"))
    return "\n".join(rows), samples


def test_mlfw_has_ten_folds_in_the_order_of_the_file(tmp_path: Path) -> None:
    text, samples = mlfw_list(MLFW_PAIRS)
    plan = Mlfw(write(tmp_path, text)).plan(samples)
    assert len(plan.pairs) == MLFW_PAIRS and sum(p.genuine for p in plan.pairs) == 3000
    assert plan.folds == tuple(1 + i // 600 for i in range(MLFW_PAIRS))
    assert not plan.synthetic and not any("Warning" in note for note in plan.notes)


def test_mlfw_follows_the_labels_and_says_where_names_disagree(tmp_path: Path) -> None:
    text, samples = mlfw_list(100)
    rows = text.split("\n")
    rows[0] = rows[0][:-1] + "1"
    plan = Mlfw(write(tmp_path, "\n".join(rows))).plan(samples)
    assert plan.pairs[0].genuine
    assert any(note.startswith("Warning: 1 pairs are labelled") for note in plan.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [], "0 pairs"),
        (lambda rows: rows[:-1], "19 pairs; the list of MLFW has 10 folds"),
        (lambda rows: [*rows[:-1], "a.jpg b.jpg 1"], "line 20: 'a.jpg b.jpg 1' is not two file"),
        (lambda rows: [*rows[:-1], "a.jpg\tb.jpg\t2"], "line 20:"),
        (lambda rows: [*rows[:-1], "a.jpg\ta.jpg\t1"], "line 20: a is compared with itself"),
    ],
)
def test_faulty_lists_of_mlfw_are_named(change, message: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    text, samples = mlfw_list(20)
    with pytest.raises(DataError) as caught:
        Mlfw(write(tmp_path, "\n".join(change(text.split("\n"))))).plan(samples)
    assert message in str(caught.value)


def test_the_real_list_of_lfw(data_root: Path) -> None:
    if not (data_root / "lfw").is_dir() or not (data_root / "lfw_pairs.txt").is_file():
        pytest.skip("no LFW there")
    samples = [
        s for s in LfwData(str(data_root / "lfw")).samples() if s.attributes["split"] == "test"
    ]
    plan = Lfw(str(data_root / "lfw_pairs.txt")).plan(samples)
    assert len(plan.pairs) + len(plan.missing_pairs) == VIEW2["genuine"] + VIEW2["impostor"]
    assert set(plan.folds) <= set(range(1, 11))
    for pair in plan.pairs:
        names = [image_id.split("/")[0] for image_id in (pair.reference_id, pair.probe_id)]
        assert pair.genuine == (names[0] == names[1])
        assert all(split_of(name) == "test" for name in names)
