"""What the trainings of restorers share: where they start, and one step of an optimiser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from restore_recog import hub
from restore_recog import weights as weights_file
from restore_recog.errors import TrainingError
from restore_recog.nn import precision
from restore_recog.nn.distributed import average_gradients


def start_from(nets: nn.Module, init: str, model: str, fresh: Sequence[str] = ()) -> str:
    """Copy trained weights into the networks, and return what to record of them.

    Args:
        nets: Changed in place.
        init: A weights file, ``shipped`` for the one in the package, or ``""`` for none.
        model: The plug-in's name.
        fresh: Networks in *nets* that stay as they are, whatever the file has in their place.

    Returns:
        The content's SHA-256, since other machines do not have the place; ``""`` for none.

    Raises:
        TrainingError: There is no network of a name in *fresh*.
        WeightsError: The file is missing, corrupt, another model's or of another size.
    """
    known = dict(nets.named_children())
    for name in fresh:
        if name not in known:
            raise TrainingError(f"There is no network '{name}'; there are {', '.join(known)}.")
    if not init:
        return ""
    path = weights_file.shipped(model) if init == "shipped" else hub.local(init)
    tensors = weights_file.load(path, model)[1]
    kept = {name: tensor for name, tensor in tensors.items() if name.split(".")[0] not in fresh}
    for name in fresh:
        kept |= known[name].state_dict(prefix=f"{name}.")
    weights_file.load_into(nets, kept, path)
    return f"sha256:{weights_file.fingerprint(path)}"


def adam(net: nn.Module, lr: float, betas: tuple[float, float] = (0.5, 0.999)) -> torch.optim.Adam:
    """Return Adam for all parameters of a network.

    Args:
        net: Whose parameters.
        lr: The first learning rate.
        betas: Decays of the two moments; 0.5 is the habit of the works that most papers build on.
    """
    parameters = [{"params": list(net.parameters()), "initial_lr": lr}]
    return torch.optim.Adam(parameters, lr=lr, betas=betas)


def update(
    optimizer: torch.optim.Optimizer, net: nn.Module, loss: Tensor, share: float, clip: float
) -> None:
    """Take one step; several processes that share a batch take it by their mean gradient.

    Args:
        optimizer: Of :func:`adam`.
        net: Whose gradients are clipped.
        loss: To go down.
        share: Of the first learning rate.
        clip: Largest norm of the gradient; 0 for any.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * share
    descend(optimizer, net, loss, clip)


def shares(terms: Mapping[str, Tensor], image: Tensor) -> dict[str, float]:
    """Return ``share of NAME``: how much of the gradient at an image each term makes.

    Args:
        terms: Weighted losses that depend on *image*.
        image: Needs a gradient.
    """
    # Terms may share parts of their graphs.
    sizes = {
        name: float(torch.autograd.grad(term, image, retain_graph=True)[0].norm())
        for name, term in terms.items()
    }
    whole = max(sum(sizes.values()), 1e-12)
    return {f"share of {name}": size / whole for name, size in sizes.items()}


def descend(optimizer: torch.optim.Optimizer, net: nn.Module, loss: Tensor, clip: float) -> None:
    """Take one step at the learning rate that the optimiser has.

    Where the training computes in float16 the loss is scaled; a step whose gradients overflow
    is left out, and the next is scaled less.

    Args:
        optimizer, net, loss, clip: As for :func:`update`.
    """
    optimizer.zero_grad(set_to_none=True)
    scaler = precision.scaler(optimizer)
    torch.autograd.backward(loss if scaler is None else scaler.scale(loss))
    average_gradients(net.parameters())
    if clip:
        if scaler is not None:
            scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), clip)
    if scaler is None:
        optimizer.step()
    else:
        scaler.step(optimizer)
        scaler.update()


def warmed_cosine(progress: float, warm_up: float) -> float:
    """Return the learning-rate factor: linear warm-up, then half a cosine to zero."""
    if progress < warm_up:
        return max(progress / warm_up, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
