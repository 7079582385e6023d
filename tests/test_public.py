"""The front door: names for what the command takes, a report that a notebook can use."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from evaluation_fakes import Healer, Squares

import restore_recog
from restore_recog import EvalRequest, Report, cli, evaluate, public, register, registry
from restore_recog.api import Recognizer, Restorer, Segmenter
from restore_recog.cli.eval import unasked
from restore_recog.cli.eval_run import build_request
from restore_recog.errors import (
    DataError,
    OutputError,
    PluginClashError,
    PluginError,
    PluginImportError,
    RestoreRecogError,
    UnknownPluginError,
)
from restore_recog.evaluation.evaluate import evaluate as engine
from restore_recog.reporting.folder import as_json

SMALL = {"data": "phantom:5x4", "limit": 4, "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return where the module's one evaluation is written."""
    return tmp_path_factory.mktemp("public") / "out"


@pytest.fixture(scope="module")
def report(tiny_recognizer, folder):
    """Return one small evaluation, asked for by names."""
    names = {"restorer": "telea", "recognizer": tiny_recognizer, "segmenter": "true"}
    return evaluate(**names, **SMALL, output=folder, cache=None)


@pytest.fixture
def asked(monkeypatch):
    """Return a function that gives the request :func:`evaluate` would run, without running it."""

    class Asked(Exception):
        pass

    def stop(request, progress=None):
        raise Asked(request)

    monkeypatch.setattr(public.engine, "evaluate", stop)

    def call(*args, **options):
        with pytest.raises(Asked) as caught:
            evaluate(*args, **options)
        return caught.value.args[0]

    return call


class TestPackage:
    def test_the_public_names_are_there(self):
        assert restore_recog.__all__ == sorted(restore_recog.__all__)
        for name in restore_recog.__all__:
            assert getattr(restore_recog, name).__name__ == name
            assert name in dir(restore_recog)
        with pytest.raises(AttributeError, match="no attribute 'evaluate_all'"):
            restore_recog.evaluate_all  # noqa: B018

    def test_importing_it_imports_nothing_else(self):
        code = (
            "import sys; import restore_recog; print([m for m in sys.modules if m.startswith("
            "('restore_recog.', 'numpy', 'torch', 'click'))])"
        )
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_its_types_are_for_others_too(self):
        assert (Path(restore_recog.__file__).parent / "py.typed").is_file()


class TestEvaluate:
    def test_defaults_are_those_of_the_command(self, asked):
        theirs = build_request({**unasked(), "no_cache": True}, None)
        ours = asked()
        for field in fields(EvalRequest):
            left, right = getattr(theirs, field.name), getattr(ours, field.name)
            if field.name in ("datasets", "restorers"):
                left, right = [type(x) for x in left], [type(x) for x in right]
            elif field.name in ("protocol", "recognizer"):
                left, right = type(left), type(right)
            assert field.name == "command" or left == right, field.name

    def test_names_objects_and_lists_of_both(self, asked):
        squares = Squares()
        request = asked(
            restorer=["telea", Healer()], data=["phantom:6x4", squares], arms="clean, fill"
        )
        assert [r.name for r in request.restorers] == ["telea", "healer"]
        assert [d.name for d in request.datasets] == ["phantom", "squares"]
        assert request.datasets[1] is squares
        assert request.arms == ("clean", "fill")
        assert asked(cohorts="gender").cohorts == ("gender",)
        assert asked(data="phantom:6x4").datasets[0].location == "6x4"

    def test_finished_work_lies_beside_the_results(self, asked, tmp_path):
        request = asked(output=str(tmp_path / "out"))
        assert request.cache == tmp_path / ".restore-recog-cache"
        assert request.output == tmp_path / "out"
        assert asked(output=tmp_path / "out", cache=None).cache is None
        assert asked(cache=str(tmp_path)).cache == tmp_path
        assert asked().cache is None

    def test_a_request_gives_what_its_names_give(self, report, asked, monkeypatch, tiny_recognizer):
        names = {"restorer": "telea", "recognizer": tiny_recognizer, "segmenter": "true"}
        request = asked(**names, **SMALL)
        monkeypatch.setattr(public.engine, "evaluate", engine)
        again = evaluate(request, progress=False)
        assert type(again) is Report
        assert as_json(again)["arms"] == as_json(report)["arms"]

    def test_the_results_folder_is_written_or_refused_at_once(self, report, folder):
        assert as_json(Report.load(folder)) == as_json(report)
        with pytest.raises(OutputError, match="exists"):
            evaluate(restorer="telea", output=folder, progress=False)

    def test_progress_may_be_a_function(self, tiny_recognizer):
        seen = []
        evaluate(
            restorer="none", recognizer=tiny_recognizer, arms=("occluded", "restored"),
            **{**SMALL, "progress": lambda *args: seen.append(args)},
        )  # fmt: skip
        assert {"gallery", "probes"} <= {stage for stage, _, _ in seen}

    @pytest.mark.parametrize(
        ("options", "error", "said"),
        [
            ({"limt": 3}, TypeError, r"no option 'limt'. Did you mean 'limit'\?"),
            ({"restorers": "telea"}, TypeError, r"Did you mean 'restorer'\?"),
            ({"restorer": "fmodrr"}, UnknownPluginError, r"Did you mean 'fmodr'\?"),
            ({"restorer": 3}, PluginError, "A restorer is given by its name or as an object"),
            ({"restorer": Healer}, PluginError, "A restorer is given by its name or as an object"),
            ({"recognizer": ["timm"]}, PluginError, "A recogniser is given by its name"),
            ({"segmenter": "nobody"}, UnknownPluginError, "No segmenter named 'nobody'"),
            ({"device": "gpu"}, RestoreRecogError, "no device"),
            ({"arms": "cleaned"}, PluginError, "There is no arm 'cleaned'"),
            ({"data": "phantom:many"}, DataError, "many"),
            ({"limit": 0}, DataError, "limit"),
        ],
    )
    def test_what_is_wrong_is_said_in_a_sentence(self, options, error, said, tiny_recognizer):
        names = {"restorer": "telea", "recognizer": tiny_recognizer, "progress": False}
        with pytest.raises(error, match=said):
            evaluate(**names | options)

    def test_a_request_and_names_exclude_each_other(self, asked):
        request = asked()
        for first, options in (
            (request, {"restorer": "telea"}),
            (request, {"limit": 3}),
            ("fmodr", {}),
        ):
            with pytest.raises(TypeError, match="either one EvalRequest or names"):
                evaluate(first, **options)


class TestReport:
    def test_the_table_is_what_the_command_prints(self, report, folder):
        printed = CliRunner().invoke(cli.main, ["report", str(folder)]).stdout
        assert report.table() + "\n" == printed
        assert Report.load(str(folder)).table() == report.table()

    def test_it_is_saved_whole_and_never_over_another(self, report, folder):
        with pytest.raises(OutputError, match="exists"):
            report.save(folder)

    def test_a_data_frame_has_one_row_per_arm(self, report):
        pytest.importorskip("pandas")
        frame = report.to_dataframe()
        assert list(frame.index) == [arm.name for arm in report.arms]
        for arm in report.arms:
            for name, figure in arm.figures.items():
                for part in ("value", "low", "high", "n"):
                    expected = np.nan if figure.get(part) is None else figure[part]
                    np.testing.assert_equal(frame.loc[arm.name, (name, part)], float(expected))

    def test_without_pandas_it_says_what_to_install(self, report, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(RestoreRecogError, match="pip install pandas"):
            report.to_dataframe()

    def test_a_notebook_shows_verdict_and_table(self, report):
        shown = report._repr_html_()
        (verdict,) = report.verdicts
        assert f"<b>{verdict.answer}</b>" in shown
        assert "&#x27;telea&#x27;" in shown and "restored:telea" in shown


def mine(name="mine", base=Restorer, **members):
    """Return a new plug-in class called Mine, as a cell of a notebook makes one."""
    return type("Mine", (base,), {"name": name, "__module__": "notebook", **members})


def copy(self, batch):
    return batch.images.clone()


@pytest.fixture
def clean_registries():
    yield
    for group in registry.GROUPS.values():
        for name in ("mine", "double"):
            group.remove(name)


@pytest.mark.usefixtures("clean_registries")
class TestRegister:
    def test_a_registered_class_is_known_by_its_name(self, tiny_recognizer):
        @register
        class Mine(Restorer):
            """Change nothing."""

            name = "mine"

            def restore(self, batch):
                return batch.images.clone()

        assert registry.restorers.load("mine") is Mine
        report = evaluate(
            restorer="mine", recognizer=tiny_recognizer, segmenter="true",
            arms=("occluded", "restored"), **SMALL,
        )  # fmt: skip
        assert [arm.name for arm in report.arms] == ["occluded", "restored:mine"]

    def test_any_kind_goes_to_its_group(self):
        register(mine(base=Recognizer, embed=copy))
        register(mine(base=Segmenter, segment=copy))
        assert "mine" in registry.recognizers.names()
        assert "mine" in registry.segmenters.names()
        assert "mine" not in registry.restorers.names()
        both = type(
            "Both", (Segmenter, Restorer), {"name": "double", "segment": copy, "restore": copy}
        )
        register(both)
        assert registry.segmenters.load("double") is registry.restorers.load("double") is both

    def test_a_cell_that_runs_twice_replaces_its_class(self):
        register(mine(restore=copy))
        again = register(mine(restore=copy))
        assert registry.restorers.load("mine") is again

    def test_names_that_are_taken_are_refused(self):
        with pytest.raises(PluginClashError, match="'fmodr' is taken by restore-recog"):
            register(mine("fmodr", restore=copy))
        register(mine(restore=copy))
        other = type("Other", (Restorer,), {"name": "mine", "restore": copy})
        with pytest.raises(PluginClashError, match="'mine' is taken by the class notebook:Mine"):
            register(other)

    @pytest.mark.parametrize(
        ("plugin", "said"),
        [
            (object, "is not a plug-in class; inherit from one of Restorer"),
            (Healer.restore, "is not a plug-in class"),
            ("mine", "is not a plug-in class"),
            (mine(), r"does not define restore\(\)"),
            (mine(None, restore=copy), "needs a class attribute 'name'"),
            (mine("my own", restore=copy), "needs a class attribute 'name'"),
            (mine("own:mine", restore=copy), "needs a class attribute 'name'"),
        ],
    )
    def test_what_is_no_plugin_is_refused(self, plugin, said):
        with pytest.raises(PluginImportError, match=said):
            register(plugin)
