"""The papers' tables: what the papers say of their own numbers holds for the copies here."""

from __future__ import annotations

import math

import pytest

from restore_recog import registry
from restore_recog.errors import DataError
from restore_recog.published.presets import CROPPER, PRESETS
from restore_recog.published.tables import METRICS, Printed, table, tables


def numbers(name: str, metric: str) -> dict[str, float]:
    printed = {row.label: row.values[metric] for row in table(name).rows}
    return {label: value.number for label, value in printed.items() if value is not None}


def best(name: str, metric: str) -> str:
    values = numbers(name, metric)
    choose = max if METRICS[metric].better == "higher" else min
    return choose(values, key=lambda label: values[label])


def test_ganmasker_claims_of_abstract_and_text_follow_from_table_1() -> None:
    psnr, ssim = numbers("ganmasker-table1", "psnr"), numbers("ganmasker-table1", "ssim")
    assert psnr["GANMasker"] == 30.96 and ssim["GANMasker"] == 0.95
    assert psnr["GANMasker"] - psnr["GLCIC"] == pytest.approx(4.18)  # the abstract's gain
    assert ssim["GANMasker"] - ssim["GLCIC"] == pytest.approx(0.01)
    for metric in ("psnr", "ssim", "fid", "niqe"):
        assert best("ganmasker-table1", metric) == "GANMasker"
    assert best("ganmasker-table1", "brisque") == "GatedConv"  # the text leaves BRISQUE out
    assert numbers("ganmasker-table2", "psnr")["GANMasker, two stages"] == psnr["GANMasker"]


def test_fmodr_claims_of_the_text_follow_from_its_tables() -> None:
    for metric in ("l1", "ssim", "psnr"):  # "superior to the CTSDG in L1 error, SSIM, and PSNR"
        assert best("fmodr-table3", metric) == "FMODR"
    assert best("fmodr-table3", "l2") == "CTSDG"
    for part in ("ar", "celeba-mask", "celeba-rectangle"):
        for metric in ("l1", "l2", "ssim", "psnr"):
            assert best(f"fmodr-table4-{part}", metric) == "FMODR"
    for part in ("ar", "fmor"):
        assert best(f"fmodr-table5-{part}", "rank1") == "FMODR + SCA"
        assert best(f"fmodr-table6-{part}", "cosine") == "FMODR"


def test_l2_and_psnr_of_fmodr_go_together_on_a_scale_of_minus_one_to_one_only() -> None:
    """The mean of decibels is never below the decibels of the mean error (Jensen)."""
    rows = 0
    for name in tables():
        if name.startswith("fmodr") and "l2" in table(name).metrics:
            l2, psnr = numbers(name, "l2"), numbers(name, "psnr")
            for label, percent in l2.items():
                on_two = -10 * math.log10(percent / METRICS["l2"].factor)
                on_one = -10 * math.log10(percent / 100)
                assert 0 < psnr[label] - on_two < 2.1
                assert psnr[label] - on_one > 6
                rows += 1
    assert rows == 19


def test_rows_columns_and_presets_are_known() -> None:
    for one in tables().values():
        assert one.rows and set(one.metrics) <= METRICS.keys()
        assert (one.preset is None) == bool(one.why_not)
        labels = [row.label for row in one.rows]
        assert len(set(labels)) == len(labels)
        for row in one.rows:
            assert tuple(row.values) == one.metrics
            for value in row.values.values():
                assert value is None or math.isfinite(value.number)
            if row.restorer is not None:
                registry.restorers.check(row.restorer)
        assert set(one.added) <= METRICS.keys() - set(one.metrics)
        for gain in one.gains:
            assert {gain.before, gain.after} <= set(labels)
    assert {one.preset for one in tables().values() if one.preset} == PRESETS.keys()


def test_systems_that_a_paper_compares_with_are_not_its_own() -> None:
    for one in tables().values():
        rivals = {row.restorer for row in one.rows if row.rival}
        assert None not in rivals and not rivals & set(one.restorers)
    assert tables()["fmodr-table4-celeba-mask"].restorers == ("fmodr",)


def test_presets_name_data_and_protocols_that_are_installed() -> None:
    for preset in PRESETS.values():
        registry.protocols.check(preset.protocol)
        for name in (preset.data, preset.rehearsal):
            registry.datasets.check(name)


def test_every_table_of_the_issue_is_there() -> None:
    wanted = {"ganmasker-table1", "ganmasker-table2", "fmodr-table3", "fmodr-table7"}
    assert wanted <= tables().keys()
    assert table("ganmasker-table1").images == 5000
    assert PRESETS["fmodr-fmor-vm"].images == 2990 - 2276


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fmodr-table4", "fmodr-table4-ar, fmodr-table4-celeba-mask, fmodr-table4-celeba-rect"),
        ("ganmasker-tabel1", "ganmasker-table1"),
        ("xyz", "--list"),
    ],
)
def test_an_unknown_table_names_its_parts_or_the_nearest(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table(name)


def test_a_number_is_no_more_exact_than_it_was_printed() -> None:
    assert Printed("30.96").rounding == pytest.approx(0.005)
    assert Printed("77").rounding == pytest.approx(0.5)


def test_the_doubtful_cell_is_marked() -> None:
    doubts = [
        (one.name, row.label)
        for one in tables().values()
        for row in one.rows
        for value in row.values.values()
        if value and value.doubt
    ]
    assert doubts == [("ecgan-table2", "Neutral")]


def test_the_croppers_frame() -> None:
    eyes = CROPPER[:2]
    assert eyes.mean(0) == pytest.approx([0.5, 0.5])
    assert eyes[1, 0] - eyes[0, 0] == pytest.approx(0.227)
    assert CROPPER.min() > 0.2 and CROPPER.max() < 0.8
