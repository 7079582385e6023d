"""``--compile``: networks compiled where that works, and aloud where it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from training_duel import STEPS, Duel, tensors
from training_judged import Judged, build, record

from restore_recog.errors import TrainingError
from restore_recog.training import compile
from restore_recog.types import FaceBatch


class TestCompiling:
    def test_falls_back_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The second network's compiler fails; the run ends as one that compiled nothing."""
        calls: list[str] = []

        def compiler(eager: Callable[..., Any]) -> Callable[..., Any]:
            number = len(calls)
            calls.append("made")

            def fast(*arguments: Any) -> Any:
                if number == 1:
                    raise RuntimeError("no compiler found.\nmore lines")
                calls.append("fast")
                return eager(*arguments)

            return fast

        model, trainer = build(tmp_path / "eager")
        trainer.fit()
        wanted = tensors(model)
        monkeypatch.setattr(torch, "compile", compiler)
        model, trainer = build(tmp_path / "run", compiled=True)
        trainer.fit()
        assert all(torch.equal(wanted[name], tensor) for name, tensor in tensors(model).items())
        assert calls.count("fast") == STEPS[0] + 2 * STEPS[1], (
            "sample images and validation run eagerly"
        )
        written = record(tmp_path / "run")
        assert written["compiled"] == {"net": "compiled", "rival": "eager"}
        sentence = "'rival' could not be compiled and runs eagerly (no compiler found)."
        assert [note[-len(sentence) :] for note in written["compile_notes"]] == [sentence]
        shown = capsys.readouterr().err
        assert shown.count(sentence) == 1
        assert shown.count("Compiling the network 'net'; this step may take minutes.") == 1
        assert "compiled" not in record(tmp_path / "eager")

    def test_goes_through_torch_compile(self) -> None:
        """With the backend that only traces, so that no C++ compiler is needed."""
        torch.manual_seed(0)
        model = Judged()
        images = torch.rand(2, 3, 8, 8)
        model.net.eval()
        wanted = model.net(images)
        trace = partial(torch.compile, backend="eager")
        compiled = compile.Compiled(model, lambda _: None, trace)
        assert torch.equal(model.net(images), wanted)
        assert compiled.networks == {"net": "compiled", "rival": "compiled"}
        assert compiled.sentences == []

    def test_a_late_failure_is_a_sentence(self, tmp_path: Path) -> None:
        """The backward pass is compiled when it is first needed, in the middle of a step."""

        class Late(Judged):
            def warm(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
                raise torch._dynamo.exc.InternalTorchDynamoError("no linker.\nmore lines")

        with pytest.raises(TrainingError, match=r"cannot be trained \(no linker\).*without --comp"):
            build(tmp_path / "run", Late)[1].fit()

    def test_an_error_of_the_model_is_its_own(self) -> None:
        model = Judged()
        compiled = compile.Compiled(model, lambda _: None, lambda eager: eager)
        with pytest.raises(RuntimeError, match="channels"):
            model.net(torch.rand(1, 5, 8, 8))
        assert compiled.networks["net"] == "compiled"

    def test_networks_of_a_model_that_names_none(self) -> None:
        assert set(compile.networks(Duel())) == {"net", "rival"}
        state = Judged().net.state_dict().keys()
        model = Judged()
        compile.Compiled(model, lambda _: None, lambda eager: eager)
        assert model.net.state_dict().keys() == state
