"""``--compile``: networks through torch.compile, and eagerly, saying so, where that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from restore_recog.api import Networked, Trainable
from restore_recog.errors import RestoreRecogError, first_line

Compiler = Callable[[Callable[..., Any]], Callable[..., Any]]


class Compiled:
    """The networks of a training's steps, compiled in place; their state dicts stay as they are.

    A network is compiled when a step first calls it. Where that fails, this network goes on
    eagerly and :attr:`sentences` says why. Sample images and validation are always eager,
    since other batch sizes would be compiled again.

    Args:
        trainable: Whose networks.
        say: Is told every sentence when it arises.
        compiler: Makes a fast function of a network's forward; None for torch.compile.

    Attributes:
        networks: Name -> ``compiled`` or ``eager``; empty where nothing is to be compiled.
        sentences: Why networks went back to eager.
    """

    def __init__(
        self,
        trainable: Trainable,
        say: Callable[[str], None],
        compiler: Compiler | None = None,
    ) -> None:
        self.networks: dict[str, str] = {}
        self.sentences: list[str] = []
        self._say = say
        self._paused = False
        self._begun: set[str] = set()
        compiler = compiler or torch.compile
        for name, net in networks(trainable).items():
            self.networks[name] = "compiled"
            net.forward = self._forward(name, net.forward, compiler(net.forward))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let every network run eagerly for as long as the context lasts."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def _forward(
        self, name: str, eager: Callable[..., Any], fast: Callable[..., Any]
    ) -> Callable[..., Any]:
        def forward(*arguments: Any, **named: Any) -> Any:
            if self._paused or self.networks[name] == "eager":
                return eager(*arguments, **named)
            if name not in self._begun:
                self._begun.add(name)
                self._say(f"Compiling the network '{name}'; this step may take minutes.")
            try:
                return fast(*arguments, **named)
            except (torch.OutOfMemoryError, RestoreRecogError):
                raise
            except Exception as error:  # compilers fail in many ways; what eager raises is real
                result = eager(*arguments, **named)
                self._fall_back(name, error)
                return result

        return forward

    def _fall_back(self, name: str, error: Exception) -> None:
        self.networks[name] = "eager"
        reason = first_line(error).rstrip(".")
        sentence = f"The network '{name}' could not be compiled and runs eagerly ({reason})."
        self.sentences.append(sentence)
        self._say(sentence)


def networks(trainable: Trainable) -> Mapping[str, nn.Module]:
    """Return the networks that a step calls, by name."""
    if isinstance(trainable, Networked):
        return trainable.networks()
    state = trainable.state()
    return {name: part for name, part in state.items() if isinstance(part, nn.Module)}


def from_compiler(error: Exception) -> bool:
    """Return whether an error comes from the compiler: a backward pass may be compiled late."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))
