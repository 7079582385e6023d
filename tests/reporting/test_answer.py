"""The first screen of a report: plain words that say what the verdict says, and its figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markupsafe import escape
from report_fakes import sample_report

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.reporting.pages.answer import GLOSSARY, HEADLINES, Answer, answers
from restore_recog.reporting.pages.report import page


@pytest.fixture(scope="module")
def shown() -> list[Answer]:
    return answers(sample_report())


def test_the_headline_is_that_of_the_stored_answer(shown: list[Answer]) -> None:
    report = sample_report()
    assert [one.verdict for one in shown] == list(report.verdicts)
    assert shown[0].headline.startswith("Yes: restoring with 'alpha' first helps 'tiny")
    for answer in HEADLINES:
        (verdict, *_) = report.verdicts
        (first, *_) = answers(replace(report, verdicts=(replace(verdict, answer=answer),)))
        begins = first.headline.partition(":")[0]
        assert begins == {"helps": "Yes", "hurts": "No"}.get(answer.split()[0], "Not shown")


def test_facts_are_the_figures_of_the_arm(shown: list[Answer]) -> None:
    report = sample_report()
    arms = {arm.name: arm for arm in report.arms}
    before, after = (arms[n].figures["rank1"].value for n in ("occluded", "restored:alpha"))
    fact = next(one for one in shown[0].facts if one.term == "rank-1")
    assert fact.value == f"{100 * before:.1f} % → {100 * after:.1f} %"
    gain = arms["restored:alpha"].figures[FigureName("rank1_gain")]
    assert f"{100 * gain.value:+.1f} points".replace("-", "−") in fact.note


def test_what_was_not_measured_says_how_to_measure_it(shown: list[Answer]) -> None:
    report = sample_report()
    without = [arm for arm in report.arms if arm.arm != "restored-clean"]
    facts = {one.title: one for one in answers(replace(report, arms=tuple(without)))[0].facts}
    assert facts["Harm on bare faces"].value == "not measured"
    assert "restored-clean" in facts["Harm on bare faces"].note
    note = "The arm 'restored-clean' is left out: there are no bare faces."
    told = replace(report, arms=tuple(without), notes=("Another note.", note))
    facts = {one.title: one for one in answers(told)[0].facts}
    assert facts["Harm on bare faces"].note == "there are no bare faces"
    failed = [replace(a, fallbacks=120) if a.arm == "restored-clean" else a for a in report.arms]
    facts = {one.title: one for one in answers(replace(report, arms=tuple(failed)))[0].facts}
    assert facts["Harm on bare faces"].note == "all of them failed in the restorer"


def test_what_restoring_does_to_bare_faces_is_the_figure_that_was_measured() -> None:
    report = sample_report()
    (own,) = (arm for arm in report.arms if arm.name == "restored-clean:alpha")
    others = [arm for arm in report.arms if arm is not own]
    gain = Figure("accuracy_gain", 0.0125, 0.001, 0.02)
    of_pairs = {gain.name: gain, FigureName("accuracy"): Figure("accuracy", 0.9)}
    of_images = {FigureName("psnr"): Figure("psnr", 31.456)}
    for figures, value in ((of_pairs, "+1.2 points"), (of_images, "31.46 dB"), ({}, "–")):
        arms = (*others, replace(own, figures=figures))
        facts = {one.title: one for one in answers(replace(report, arms=arms))[0].facts}
        assert facts["Bare faces, restored needlessly"].value == value


def test_every_term_is_explained_where_it_stands(shown: list[Answer]) -> None:
    text = page(sample_report(), {})
    terms = {fact.term for one in shown for fact in one.facts if fact.term}
    assert terms <= GLOSSARY.keys()
    for term in terms:
        assert f'title="{escape(GLOSSARY[term])}">{term}</abbr>' in text


def test_the_picture_is_labelled_as_a_guess(shown: list[Answer]) -> None:
    pictures = [picture for one in shown for picture in one.pictures]
    assert pictures
    for picture in pictures:
        assert picture.caption.endswith("a guess, not evidence")
        assert picture.alt.startswith("occluded, restored:")


def test_one_who_was_rescued_and_one_who_was_harmed_are_shown() -> None:
    report = sample_report()
    captions = [picture.caption for picture in answers(report)[0].pictures]
    assert [text.split(":")[0] for text in captions] == ["rescued", "harmed"]
    only = replace(report, examples=report.examples[1:])
    assert [picture.caption[:6] for picture in answers(only)[0].pictures] == ["harmed"]


def test_what_happened_is_not_told_beside_the_answer_on_another_restorer() -> None:
    report = sample_report()
    others = tuple(replace(one, about="restored:beta") for one in report.examples)
    (picture,) = answers(replace(report, examples=others))[0].pictures
    assert picture.caption == "what was restored is a guess, not evidence"
    old = tuple(replace(one, about="", outcome="") for one in report.examples)
    (picture,) = answers(replace(report, examples=old))[0].pictures
    assert picture.caption.startswith("harmed: rank 1 -> 3")


def test_tables_of_a_narrow_page_name_their_columns() -> None:
    text = page(sample_report(), {})
    assert '<th scope="col">' in text and 'data-head="Rank-1, %"' in text and "<main>" in text


@pytest.mark.parametrize("stage", ["restore", "restore:alpha"])
def test_what_it_takes_is_that_restorers(stage: str) -> None:
    report = replace(sample_report(), timing={stage: {"ms_median": 61.8}, "embed": {}})
    facts = {one.title: one.value for one in answers(report)[0].facts}
    assert facts["Takes"] == "62 ms an image"
