"""Restore faces by a U-Net of your own: the network, the restorer and its training."""

import torch
import torch.nn.functional as F
from torch import nn

from restore_recog import weights as weights_file
from restore_recog.api import Phase, Restorer
from restore_recog.errors import TrainingError, WeightsError
from restore_recog.nn.figures import psnr_figures
from restore_recog.nn.stepping import adam, update


def twice(inputs, outputs):
    """Return two convolutions of 3 x 3, which keep height and width."""
    layers = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU()]
    return nn.Sequential(*layers)


class Net(nn.Module):
    """A U-Net on image and mask, (N, 4, H, W); 8 divides H, W and the width."""

    def __init__(self, width):
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.down = nn.ModuleList(map(twice, [4, *widths[:-1]], widths))
        self.up = nn.ModuleList(twice(3 * across, across) for across in widths[-2::-1])
        self.last = nn.Conv2d(width, 3, 1)

    def forward(self, images, masks):
        """Return (N, 3, H, W) in [0, 1]: what is not covered stays as it is."""
        x, skipped = torch.cat([images * (1 - masks), masks], 1), []  # (N, 4, H, W)
        for number, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if number else x)  # at last (N, 8 width, H / 8, W / 8)
            skipped.append(x)
        for block, across in zip(self.up, skipped[-2::-1], strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2), across], 1))
        return images * (1 - masks) + torch.sigmoid(self.last(x)) * masks


class UNet(Restorer):
    """Fill the covering by a U-Net; it has to be trained first."""

    name = "unet"
    image_size = (128, 128)

    def __init__(self, *, weights=None, device="cpu"):
        super().__init__(weights=weights, device=device)
        if weights is None:
            raise WeightsError("'unet' comes without weights: train it, then give --weights FILE.")
        config, tensors = weights_file.load(weights, self.name)
        if config.get("width") not in range(8, 257, 8):
            raise WeightsError(f"{weights} has no width that 'unet' can have: 8, 16, ... 256.")
        self.net = Net(config["width"])
        weights_file.load_into(self.net, tensors, weights)
        self.net.eval().requires_grad_(False).to(device)

    def restore(self, batch):
        """Return (N, 3, H, W) in [0, 1]."""
        return self.net(batch.images, batch.masks)

    @classmethod
    def trainable(cls, preset="compact", device="cpu", **options):
        """Return what ``restore-recog train-restorer --restorer unet`` trains."""
        if preset != "compact":
            raise TrainingError("'unet' has one preset, 'compact'; --set changes what is in it.")
        return Training(device, **options)


class Training:
    """What the engine drives (``Trainable``), and asks for figures (``Validated``)."""

    image_size = 128
    identities_per_batch = 0  # any images will do: nothing compares people with each other
    covered = 1.0  # each image gets a covering

    def __init__(self, device, *, width=32, images=200_000, batch_size=16, lr=5e-4):
        self.options = {"width": width, "images": images, "batch_size": batch_size, "lr": lr}
        self.net = Net(width).to(device)
        self.optimizer = adam(self.net, lr)
        self.phases = [Phase("all", images, batch_size, self.step)]

    def step(self, batch, progress):
        """Learn from a ``FaceBatch``, whose ``clean`` is the truth without the covering."""
        wrong = (self.net(batch.images, batch.masks) - batch.clean).abs()  # 0 where not covered
        loss = wrong.sum() / (3 * batch.masks.sum()).clamp(min=1)
        update(self.optimizer, self.net, loss, share=1 - progress, clip=1.0)
        return {"l1": float(loss.detach())}

    def validate(self, batch):
        """Return figures of people held out; the first one decides which weights are best."""
        return psnr_figures(self.net(batch.images, batch.masks), batch.clean, batch.masks)

    def preview(self, batch):
        """Return covered, restored and true faces, (3 N, 3, H, W)."""
        restored = self.net(batch.images, batch.masks)
        return torch.cat([batch.images, restored.detach(), batch.clean])

    def state(self):
        """Return everything that changes, so that a stopped training can go on."""
        return {"net": self.net, "optimizer": self.optimizer}

    def weights(self):
        """Return what ``UNet`` reads: what the network is built by, and its tensors."""
        return {"width": self.options["width"]}, self.net.state_dict()

    def describe(self):
        """Return what must be the same when a training goes on."""
        return {"model": "unet", "options": self.options}
