"""Two results folders are compared value by value."""

from __future__ import annotations

import json

import pytest

from benchmarks.same_results import main

RANK = {"value": 0.5, "low": None, "flag": "few"}
ARM = {"name": "clean", "figures": {"rank1": RANK}, "cmc": [1]}


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes a results folder."""

    def write(name, scores="a,1\n", **changes):
        path = tmp_path / name
        path.mkdir()
        for file in ("scores.csv", "probes.csv"):
            (path / file).write_text(scores)
        report = {"format": 3, "arms": [ARM], "cohorts": [], "spreads": [], **changes}
        (path / "report.json").write_text(json.dumps(report))
        return str(path)

    return write


def arm(**figure):
    return [{**ARM, "figures": {"rank1": {**RANK, **figure}}}]


def test_the_same_results(folder, capsys):
    assert main([folder("old", format=2), folder("new", arms=arm(flag="few errors"))]) == 0
    assert capsys.readouterr().out == "the same results\n"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"scores": "a,2\n"}, "scores.csv: not the same bytes"),
        ({"arms": arm(value=0.6)}, "arms/clean/figures/rank1/value: 0.5 became 0.6"),
        ({"arms": arm(low=0.1)}, "arms/clean/figures/rank1/low: None became 0.1"),
        ({"arms": arm(n=3)}, "arms/clean/figures/rank1/n: missing from the old report"),
        ({"arms": []}, "arms/clean/cmc/0: missing from the new report"),
    ],
)
def test_what_differs_is_named(folder, capsys, changes, line):
    assert main([folder("old"), folder("new", **changes)]) == 1
    assert line in capsys.readouterr().out.splitlines()


def test_what_cannot_be_compared(folder, capsys):
    assert main([folder("old"), folder("new", format=1)]) == 2
    assert "has report format 1" in capsys.readouterr().err
    assert main(["only one"]) == 2
