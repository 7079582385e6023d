"""``vggface:FILE``: VGG-Face, the VGG-16 that was trained on 2,622 people.

Source: Parkhi, Vedaldi, Zisserman, "Deep Face Recognition", BMVC 2015, table 3, column D. The
template is what the second fully connected layer makes, behind its rectifier, of unit length.
Row "VGG-Face" of FMODR's table 5, which does not say which layer it compares.

The weights do not come with this package. Files of PyTorch conversions are read whose tensors
are called ``conv1_1``/``fc6`` (VGG-Face's own names), ``conv_1_1``/``fc6``, or
``features.0``/``classifier.0`` (torchvision's).

Deviation: crops are this project's own, of 224 x 224; the paper's are wider, from a detector.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from restore_recog.errors import WeightsError
from restore_recog.recognizers.feeding import Feeding
from restore_recog.recognizers.from_file import Fed, FileRecognizer
from restore_recog.weights import foreign

SIDE = 224

MEAN = (129.1863, 104.7624, 93.5940)
"""Of red, green and blue over the training images, in 0..255."""

STAGES = (2, 2, 3, 3, 3)
"""Convolutions of each stage; a maximum over 2 x 2 ends it."""

IMAGENET = 1000

_NAME = re.compile(
    r"(?:.*\.)?(?:(?P<conv>conv_?(\d)_(\d)|features\.(\d+))|(?P<full>fc_?(\d)|classifier\.(\d+)))"
    r"\.(?P<kind>weight|bias)"
)


class VggFace(FileRecognizer):
    """VGG-Face: a VGG-16 of 2015, from a weights file of your own.

    Args:
        argument: The file; or leave it out and give *weights*.
        weights: The file: safetensors, or what ``torch.save`` wrote of a ``state_dict``.
        device: Where templates are computed.
        settings: As for :class:`~restore_recog.recognizers.from_file.FileRecognizer`. A
            conversion that wants BGR is given ``input="bgr"``.

    Attributes:
        net: (N, 3, 224, 224) images in [0, 1] -> (N, 4096), not normalised; differentiable.

    Raises:
        WeightsError: There is no such file, or it holds no VGG-16 for faces.
        PluginError: A setting is wrong.
    """

    name = "vggface"
    suffixes = (".pth", ".pt", ".safetensors")
    usual = Feeding(mean=MEAN, std=(1.0, 1.0, 1.0), template="own")

    def _open(self) -> None:
        self._module = network(self.weights).to(self.device)
        self.net = Fed(self._module, self.feeding)
        self.frame((SIDE, SIDE))

    def run(self, images: Tensor) -> Tensor:
        """Return (N, 4096) of (N, 3, 224, 224)."""
        return self._module(images)  # type: ignore[no-any-return]


def network(file: Path) -> nn.Sequential:
    """Return the network of a file, frozen and in eval mode, up to the second full layer.

    How wide the layers are is read from the file.

    Raises:
        WeightsError: The file cannot be read, or holds another network.
    """
    tensors = _ordered(foreign(file), file)
    weights = [tensor for tensor in tensors if tensor.ndim > 1]
    convolutions = weights[: sum(STAGES)]
    plan: list[str | int] = []
    for count in STAGES:
        done = sum(isinstance(layer, int) for layer in plan)
        plan += [len(weight) for weight in convolutions[done : done + count]]
        plan.append("M")
    first, second = (weight.flatten(1) for weight in weights[sum(STAGES) : sum(STAGES) + 2])
    left = (SIDE // 2 ** len(STAGES)) ** 2  # pixels of the last map
    if (first.shape[1], second.shape[1]) != (left * len(convolutions[-1]), len(first)):
        raise _other(file, "full layers that do not fit the layers before them")
    net = nn.Sequential(
        make_layers(plan),  # type: ignore[arg-type, no-untyped-call]
        nn.Flatten(),
        nn.Linear(first.shape[1], first.shape[0]),
        nn.ReLU(),
        nn.Linear(second.shape[1], second.shape[0]),
        nn.ReLU(),
    )
    own = net.state_dict()
    for name, tensor in zip(own, tensors, strict=False):  # the people's layer is left over
        if tensor.numel() != own[name].numel():
            wanted = own[name].numel()
            raise _other(file, f"a layer has {tensor.numel():,} numbers and not {wanted:,}")
        own[name] = tensor.float().view_as(own[name])
    net.load_state_dict(own)
    return net.eval().requires_grad_(False)


def _ordered(tensors: Mapping[str, Tensor], file: Path) -> list[Tensor]:
    """Return weight and bias of every layer, from the image on.

    Raises:
        WeightsError: They are not those of a VGG-16 for faces.
    """
    layers: dict[tuple[int, ...], dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        if match is not None:
            numbers = tuple(int(n) for n in match.groups() if n is not None and n.isdigit())
            place = (int(match["conv"] is None), *numbers)
            layers.setdefault(place, {})[match["kind"]] = tensor
    ordered = [layers[place] for place in sorted(layers)]
    kinds = [place[0] for place in sorted(layers)]
    whole = all(set(layer) == {"weight", "bias"} for layer in ordered)
    if kinds not in ([0] * 13 + [1] * 2, [0] * 13 + [1] * 3) or not whole:
        raise _other(file, f"{kinds.count(0)} convolutions and {kinds.count(1)} full layers")
    if any(layer["weight"].shape[2:] != (3, 3) for layer in ordered[:13]):
        raise _other(file, "convolutions that are not 3 x 3")
    if len(ordered) == 16 and len(ordered[-1]["weight"]) == IMAGENET:
        raise _other(file, "1,000 classes, ImageNet's and not VGG-Face's 2,622 people")
    return [layer[kind] for layer in ordered for kind in ("weight", "bias")]


def _other(file: Path, what: str) -> WeightsError:
    return WeightsError(
        f"{file} holds no VGG-Face: {what}; a VGG-16 has 13 convolutions of 3 x 3 and three full "
        "layers, called conv1_1 to fc8, or as torchvision calls them."
    )
