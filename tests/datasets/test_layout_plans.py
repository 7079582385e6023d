"""The layouts carry the protocols that were made for them."""

from __future__ import annotations

from pathlib import Path

from layouts import draw

from restore_recog.api import Dataset, EvaluationProtocol, Plan
from restore_recog.datasets.ar import AR
from restore_recog.datasets.ijb import IJB
from restore_recog.datasets.insightface import InsightFace
from restore_recog.datasets.lfw import LFW, split_of
from restore_recog.datasets.mfr2 import MFR2
from restore_recog.datasets.mlfw import MLFW
from restore_recog.datasets.rmfrd import RMFRD
from restore_recog.protocols.ar import Ar
from restore_recog.protocols.gallery_probe import GalleryProbe
from restore_recog.protocols.lfw import Lfw
from restore_recog.protocols.mfr2 import Mfr2
from restore_recog.protocols.mlfw import Mlfw
from restore_recog.protocols.rmfrd import Rmfrd

TRAINED = "Aaron_Peirsol"


def plan(dataset: Dataset, protocol: EvaluationProtocol) -> Plan:
    """Return the plan as an evaluation makes it: training people out, the data's own list in."""
    samples = [s for s in dataset.samples() if s.attributes.get("split") != "train"]
    protocol.pair_list = protocol.pair_list or dataset.pair_list
    return protocol.plan(samples)


def test_ar(tmp_path: Path) -> None:
    people = ("m-001", "m-002", "w-001", "w-002")
    draw(tmp_path, *(f"{who}-{shot:02d}.png" for who in people for shot in range(1, 27)))
    planned = plan(AR(str(tmp_path)), Ar("scarf,whole"))
    assert (
        not planned.synthetic and len(planned.references) == 4 * 14 and len(planned.probes) == 4 * 6
    )
    assert all(name.split("-")[2][:2] in "11 12 13 24 25 26" for name in planned.probes)
    lit = plan(AR(str(tmp_path)), Ar("sunglasses,illumination,whole"))
    assert sorted({name[6:8] for name in lit.probes}) == ["09", "10", "22", "23"]
    assert sorted({name[6:8] for name in lit.references}) == [
        "01", "02", "03", "04", "14", "15", "16", "17",
    ]  # fmt: skip


def test_lfw_pairs_of_training_people_are_missing(tmp_path: Path) -> None:
    people = ("Nobody_A", "Nobody_B", "Nobody_C", TRAINED)
    assert [split_of(who) for who in people] == ["test", "test", "test", "train"]
    draw(tmp_path / "lfw", *(f"{who}/{who}_{i:04d}.jpg" for who in people for i in (1, 2)))
    (tmp_path / "pairs.txt").write_text(
        "2\t1\n"
        "Nobody_A\t1\t2\nNobody_A\t1\tNobody_B\t1\n"
        f"{TRAINED}\t1\t2\n{TRAINED}\t1\tNobody_C\t2\n"
    )
    planned = plan(LFW(str(tmp_path / "lfw")), Lfw())
    assert [(p.reference_id, p.probe_id, p.genuine) for p in planned.pairs] == [
        ("Nobody_A/Nobody_A_0001.jpg", "Nobody_A/Nobody_A_0002.jpg", True),
        ("Nobody_A/Nobody_A_0001.jpg", "Nobody_B/Nobody_B_0001.jpg", False),
    ]
    assert [fold for fold, _ in planned.missing_pairs] == [2, 2] and planned.folds == (1, 1)
    assert any(f"the data lacks {TRAINED}" in note for note in planned.notes)


def test_mlfw_pairs_go_by_file_names(tmp_path: Path) -> None:
    names = ["Nobody_A_0001_0000.jpg", "Nobody_A_0002_0001.jpg", "Nobody_B_0001_0000.jpg"]
    draw(tmp_path / "aligned", *names, f"{TRAINED}_0001_0000.jpg")
    genuine, impostor = f"{names[0]}\t{names[1]}\t1\n", f"{names[0]}\t{names[2]}\t0\n"
    trained = f"{names[0]}\t{TRAINED}_0001_0000.jpg\t0\n"
    (tmp_path / "pairs.txt").write_text((genuine + impostor) * 4 + genuine + trained)
    planned = plan(MLFW(str(tmp_path)), Mlfw())
    assert len(planned.pairs) == 9 and not planned.synthetic
    assert [fold for fold, _ in planned.missing_pairs] == [10]
    assert set(planned.references) | set(planned.probes) == set(names)


def test_mfr2_pairs(tmp_path: Path) -> None:
    draw(tmp_path, "Ann/Ann_0001.png", "Ann/Ann_0002.png", "Bob/Bob_0001.png")
    (tmp_path / "mfr2_labels.txt").write_text("Ann, 1, cloth\nAnn, 2, no-mask\nBob, 1, n95\n")
    (tmp_path / "pairs.txt").write_text("Ann 1 2\nAnn 2 Bob 1\nAnn 3 Bob 1\n")
    planned = plan(MFR2(str(tmp_path)), Mfr2())
    assert [(p.reference_id, p.probe_id) for p in planned.pairs] == [
        ("Ann/Ann_0002.png", "Ann/Ann_0001.png"),
        ("Ann/Ann_0002.png", "Bob/Bob_0001.png"),
    ]
    assert len(planned.missing_pairs) == 1


def test_rmfrd_people_of_one_tree_are_no_mates(tmp_path: Path) -> None:
    clean, masked = "AFDB_face_dataset", "AFDB_masked_face_dataset"
    draw(tmp_path, *(f"{clean}/{who}/0_0_{who}_0001.jpg" for who in ("ann", "bob", "eve")))
    draw(tmp_path, *(f"{masked}/{who}/0_0_1.jpg" for who in ("ann", "bob", "cy")))
    planned = plan(RMFRD(str(tmp_path)), Rmfrd())
    assert f"{clean}/eve/0_0_eve_0001.jpg" in planned.references
    assert {f"{masked}/ann/0_0_1.jpg", f"{masked}/bob/0_0_1.jpg"} <= set(planned.probes)


def test_insightface_unknown_people_are_searched_for(tmp_path: Path) -> None:
    draw(tmp_path, "gallery/1__A/a.jpg", "gallery/2__B/a.jpg", "probe/1__A/b.jpg")
    draw(tmp_path, "unknown/u.jpg", "unknown/v.jpg")
    planned = plan(InsightFace(str(tmp_path)), GalleryProbe())
    assert planned.references == ("gallery/1__A/a.jpg", "gallery/2__B/a.jpg") and planned.synthetic
    assert planned.probes == ("probe/1__A/b.jpg", "unknown/u.jpg", "unknown/v.jpg")


def test_ijb_galleries_and_probes(tmp_path: Path) -> None:
    draw(tmp_path, *(f"loose_crop/{i}.jpg" for i in range(1, 5)))
    (tmp_path / "ijbc_face_tid_mid.txt").write_text("1.jpg 1 1\n2.jpg 2 2\n3.jpg 3 3\n4.jpg 4 4\n")
    lists = {"gallery_G1": "1,ann\n2,bob\n", "probe_mixed": "3,ann\n4,cy\n"}
    for name, rows in lists.items():
        text = f"TEMPLATE_ID,SUBJECT_ID\n{rows}"
        (tmp_path / f"ijbc_1N_{name}.csv").write_text(text)
    planned = plan(IJB(str(tmp_path)), GalleryProbe("as-found"))
    assert planned.references == ("1/1.jpg", "2/2.jpg")
    assert planned.probes == ("3/3.jpg", "4/4.jpg")
