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


def bfloat16(precision: str, device: str) -> bool:
    """Return whether to compute in bfloat16.

    Args:
        precision: ``fp32``, ``bf16``, or ``auto``: bfloat16 on GPUs that have it.
        device: As :func:`resolve` returns it.

    Raises:
        DeviceError: It is asked for and the GPU cannot.
    """
    import torch

    able = device == "cpu" or torch.cuda.is_bf16_supported()
    if precision == "bf16" and not able:
        raise DeviceError(f"The device {device} cannot compute in bfloat16; use --precision fp32.")
    return precision == "bf16" or (precision == "auto" and device != "cpu" and able)
