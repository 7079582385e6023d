"""Which device to compute on."""

from __future__ import annotations

from restore_recog.errors import DeviceError


def resolve(device: str) -> str:
    """Return the PyTorch name of a device that exists.

    Args:
        device: ``auto`` (the first GPU, else the CPU), ``cpu``, ``cuda`` or ``cuda:<n>``.

    Raises:
        DeviceError: A GPU is asked for that is not there, or the name means nothing.
    """
    import torch

    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return device
    kind, _, index = device.partition(":")
    if kind != "cuda" or (index and not index.isdigit()) or device.endswith(":"):
        raise DeviceError(f"'{device}' is no device; use auto, cpu, cuda or cuda:<number>.")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(index or 0) >= found:
        raise DeviceError(
            f"The device '{device}' was asked for, but PyTorch sees "
            f"{f'{found} CUDA device(s)' if found else 'no CUDA device'} here; "
            "use --device cpu or --device auto."
        )
    return f"cuda:{int(index or 0)}"
