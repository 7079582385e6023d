"""OCFR-2022: image lists and pairs, which protocol, faulty lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from ocfr_tree import PEOPLE, image_list, layer, pair_list, tree

from restore_recog.api import Plan
from restore_recog.datasets.ocfr import OCFR
from restore_recog.errors import DataError
from restore_recog.protocols.ocfr import Ocfr
from restore_recog.types import FaceSample

A, B, C = PEOPLE


def plan(root: Path, argument: str | None = None, **settings: int) -> Plan:
    """Return the plan as an evaluation makes it: with the pairs that came with the data."""
    dataset, protocol = OCFR(str(root)), Ocfr(argument)
    samples = dataset.samples()
    protocol.pair_list = protocol.pair_list or dataset.pair_list
    return protocol.plan(samples, **settings)


def test_references_are_clear_and_probes_occluded(tmp_path: Path) -> None:
    planned = plan(tree(tmp_path), "C_O7")
    assert not planned.synthetic and not planned.identification and not planned.folds
    assert [(p.reference_id, p.probe_id, p.genuine) for p in planned.pairs] == [
        (f"lfwA_u/{a}/{a}_0001.png", f"lfwAO7_u/{b}/{b}_0002_probe.png", a == b)
        for a, b in ((A, A), (B, B), (C, C), (A, B), (B, C), (C, A))
    ]
    assert not planned.missing_pairs
    assert planned.notes[0] == (
        "C_O7_list.txt: references C, probes O7 (C: clear; O1 to O7: occluded)."
    )


def test_each_protocol_has_images_of_its_own_under_one_list_of_pairs(tmp_path: Path) -> None:
    root = tree(tmp_path, strategies=range(1, 8))
    for strategy in range(1, 8):
        planned = plan(root, f"c-o{strategy}")
        assert {i.partition("/")[0] for i in planned.probes} == {f"lfwAO{strategy}_u"}
        assert len(planned.pairs) == 6


def test_both_sides_may_be_occluded_or_clear(tmp_path: Path) -> None:
    root = tree(tmp_path)
    for who in PEOPLE:
        layer(root, 7, who, f"{who}_0001")
    image_list(root, "O7", "O7")
    image_list(root, "C", "C")
    planned = plan(root, "O7_O7")
    assert {i.partition("/")[0] for i in (*planned.references, *planned.probes)} == {"lfwAO7_u"}
    assert "6 pairs have two occluded images, 0 one, 0 none." in planned.notes
    clear = plan(root, "C_C")  # the renamed copy of a photograph is that photograph
    assert clear.pairs[0].probe_id == f"lfwA_u/{A}/{A}_0002.png" and not clear.synthetic


def test_one_name_on_both_sides_is_told_apart_by_the_side(tmp_path: Path) -> None:
    root = tree(tmp_path)
    layer(root, 1, A, f"{A}_0001")
    file = root / "C_O1_list.txt"
    file.write_text(file.read_text() + f"lfwAO1_u/{A}/{A}_0001.jpg\t1\t2\t3\t4\n")
    pairs = [f"{B}_0001 {A}_0001", f"{A}_0001 {A}_0002_probe", f"{A}_0001 {B}_0002_probe"]
    (root / "pairs.txt").write_text("\n".join(pairs))
    planned = plan(root, "C_O1")
    assert [(p.reference_id, p.probe_id) for p in planned.pairs][:2] == [
        (f"lfwA_u/{B}/{B}_0001.png", f"lfwAO1_u/{A}/{A}_0001.png"),
        (f"lfwA_u/{A}/{A}_0001.png", f"lfwAO1_u/{A}/{A}_0002_probe.png"),
    ]


def test_the_only_image_list_needs_no_name_and_several_are_offered(tmp_path: Path) -> None:
    root = tree(tmp_path)
    with pytest.raises(DataError, match="of 2 protocols; .*--protocol ocfr:C_O1,ocfr:C_O7$"):
        plan(root)
    with pytest.raises(DataError, match="no image list C_O3_list.txt in .*ocfr:C_O1,ocfr:C_O7$"):
        plan(root, "C_O3")
    (root / "C_O7_list.txt").unlink()
    assert plan(root) == plan(root, "C_O1")
    (root / "C_O1_list.txt").unlink()
    with pytest.raises(DataError, match="has no image list of OCFR-2022"):
        plan(root)


def test_an_image_list_may_lie_elsewhere(tmp_path: Path) -> None:
    root = tree(tmp_path / "data")
    lists = tmp_path / "lists"
    lists.mkdir()
    for name in ("C_O1_list.txt", "pairs.txt"):
        (root / name).rename(lists / name)
    assert len(plan(root, str(lists / "C_O1_list.txt")).pairs) == 6
    (lists / "pairs.txt").unlink()
    with pytest.raises(DataError, match=r"pairs\.txt"):
        plan(root, str(lists / "C_O1_list.txt"))
    with pytest.raises(DataError, match="does not know 'O9_C'"):
        Ocfr("O9_C")
    with pytest.raises(DataError, match="needs the competition's pairs"):
        Ocfr("C_O1").plan(OCFR(str(root)).samples())


@pytest.mark.parametrize("way", ["label", "list"])
def test_who_is_genuine_may_be_written(way: str, tmp_path: Path) -> None:
    root = tree(tmp_path)
    lines, answers = (root / "pairs.txt").read_text().splitlines(), "101110"
    if way == "label":
        pairs = [f"{line}\t{answer}" for line, answer in zip(lines, answers, strict=True)]
        (root / "pairs.txt").write_text("\n".join(pairs))
    else:
        words = {"1": "True", "0": "False"}
        (root / "issame.txt").write_text("\n".join(words[answer] for answer in answers))
    planned = plan(root, "C_O1")
    assert [pair.genuine for pair in planned.pairs] == [answer == "1" for answer in answers]
    assert any("3 pairs are labelled on the list in contradiction" in n for n in planned.notes)


def test_pairs_whose_images_are_missing_are_counted(tmp_path: Path) -> None:
    root = tree(tmp_path)
    for file in (root / "occlusions_1" / B).iterdir():
        file.unlink()
    planned = plan(root, "C_O1")
    assert len(planned.pairs) == 4 and len(planned.missing_pairs) == 2
    assert any(f"lacks lfwAO1_u/{B}/{B}_0002_probe," in note for note in planned.notes)


def test_a_limit_takes_both_kinds(tmp_path: Path) -> None:
    planned = plan(tree(tmp_path), "C_O1", limit=2)
    assert len(planned.probes) == 2 and {p.genuine for p in planned.pairs} == {True, False}


PLACE = f"lfwAO1_u/{A}/{A}_0002_probe.jpg"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("C_O1_list.txt", f"lfwAO7_u/{A}/{A}_0002_probe.jpg\t1\t2\t3\t4", "line 1: .*no place"),
        ("C_O1_list.txt", f"{PLACE}\n{A}_0001.jpg 1 2 3 4", "line 2: .*lfwAO1_u/<Name>/"),
        ("C_O1_list.txt", PLACE, f"pairs.txt, line 1: '{A}_0001' is not in C_O1_list.txt"),
        ("C_O1_list.txt", "", f"line 1: '{A}_0001' is not in C_O1_list.txt"),
        ("pairs.txt", "", "0 pairs; the file is incomplete"),
        ("pairs.txt", f"{A}_0001", "line 1: .*not two names"),
        ("pairs.txt", f"{A}_0001 {A}_0002_probe yes", "line 1: .*not two names"),
        ("pairs.txt", f"{A}_0001 {A}_0001", "line 1: .*compared with itself"),
        ("issame.txt", "1\n1\n", "6 pairs, and 2 answers whether they are genuine"),
        ("issame.txt", "1\nperhaps\n", "line 2: 'perhaps' is not 1 or 0"),
    ],
)
def test_faulty_lists_are_refused_by_line(
    name: str, text: str, message: str, tmp_path: Path
) -> None:
    (tree(tmp_path) / name).write_text(text)
    with pytest.raises(DataError, match=message):
        plan(tmp_path, "C_O1")


def test_names_may_have_dots_and_endings(tmp_path: Path) -> None:
    people = ("J._Nobody", "K.L._Nobody")
    root = tree(tmp_path, people)
    pairs = pair_list(root, people)
    pairs.write_text(pairs.read_text().replace("_probe", "_probe.jpg"))
    assert len(plan(root, "C_O1").pairs) == 4


def test_lists_fit_no_other_data(tmp_path: Path) -> None:
    tree(tmp_path)
    samples = [FaceSample("a.jpg", "a")]
    with pytest.raises(DataError, match="None of the 3 genuine pairs"):
        Ocfr(str(tmp_path / "C_O1_list.txt")).plan(samples)
