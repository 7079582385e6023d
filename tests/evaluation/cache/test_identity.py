"""What a plug-in is, as a hash: another one wherever something that makes its answers changes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pytest
import torch
from evaluation_fakes import Colours, Healer

from restore_recog.evaluation.cache import entries
from restore_recog.evaluation.cache.identity import identity, sources


def test_identity_goes_by_content(tmp_path: Path) -> None:
    class Net(Healer):
        def __init__(self, scale: float = 1.0, file: Path | None = None) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 2)
            torch.nn.init.constant_(self.layer.weight, scale)
            torch.nn.init.zeros_(self.layer.bias)
            self.weights = file
            self.options = {"steps": [1, 2], "device": torch.device("cpu")}

    one = identity(Net())
    assert identity(Net()) == one != identity(Net(2.0))
    changed = Net()
    changed.options["steps"] = [1, 3]
    assert identity(changed) != one
    on_gpu = [Net(), Net()]
    on_gpu[0].device, on_gpu[1].device = "cuda:0", "cuda:1"
    assert identity(on_gpu[0]) == identity(on_gpu[1]) != one
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_bytes(b"weights")
    assert identity(Net(file=files[0])) == identity(Net(file=files[1])) != one
    files[1].write_bytes(b"WEIGHTS")
    assert identity(Net(file=files[0])) != identity(Net(file=files[1]))


def test_identity_leaves_out_what_is_built_late() -> None:
    class Late(Colours):
        @cached_property
        def net(self) -> torch.nn.Module:
            return torch.nn.Linear(2, 2)

        def prepare(self) -> None:
            _ = self.net

    one, other = Late(), Late()
    other.prepare()
    assert "net" in vars(other) and identity(one) == identity(other)


def test_identity_goes_by_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "my_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("def double(x):\n    return 2 * x\n")
    (package / "model.py").write_text(
        "from my_plugin.parts import double\n\n\nclass Thing:\n    rate = double(1)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from my_plugin.model import Thing  # type: ignore[import-not-found]

    before = identity(Thing()), sources({"my_plugin.model"})
    assert (identity(Thing()), sources({"my_plugin.model"})) == before
    (package / "parts.py").write_text("def double(x):\n    return x + x\n")
    after = identity(Thing()), sources({"my_plugin.model"})
    assert after[0] != before[0] and after[1] != before[1]


def test_the_sources_of_the_core_are_known_and_stay_the_same() -> None:
    core = sources(entries.CORE)
    import restore_recog.cli.eval  # noqa: F401  (loading more must not change it)

    assert sources(entries.CORE) == core
    assert sources({"restore_recog.evaluation.run.templates"}) != core
