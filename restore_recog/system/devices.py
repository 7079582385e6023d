"""Which device to compute on."""

from __future__ import annotations

from restore_recog.errors import DeviceError


def resolve(device: str) -> str:
    """Return the PyTorch name of a device that exists.

    Args:
        device: ``auto`` (the first CUDA GPU, else the CPU), ``cpu``, ``cuda``, ``cuda:<n>``, or
            ``mps``, the GPU of an Apple computer, which has to be asked for.

    Raises:
        DeviceError: The GPU that was asked for does not exist, or the name is unknown.
    """
    import torch

    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return device
    if device == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError(
                "The device 'mps' was asked for, but PyTorch sees no GPU of an Apple computer "
                "here; use --device cpu or --device auto."
            )
        return device
    kind, _, index = device.partition(":")
    if kind != "cuda" or (index and not index.isdigit()) or device.endswith(":"):
        raise DeviceError(f"'{device}' is no device; use auto, cpu, cuda, cuda:<number> or mps.")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(index or 0) >= count:
        raise DeviceError(
            f"The device '{device}' was asked for, but PyTorch sees "
            f"{f'{count} CUDA device(s)' if count else 'no CUDA device'} here; "
            "use --device cpu or --device auto."
        )
    return f"cuda:{int(index or 0)}"


def precision(asked: str, device: str) -> str:
    """Return the precision to compute in: ``fp32``, ``bf16`` or ``fp16``.

    Args:
        asked: One of these, or ``auto``: bfloat16 on GPUs that have it, else float32.
        device: As :func:`resolve` returns it.

    Raises:
        DeviceError: The device cannot compute in the precision asked for.
    """
    import torch

    if device == "mps":
        if asked in ("auto", "fp32"):
            return "fp32"
        raise DeviceError(f"The device mps trains in float32 only, not in {asked}; leave it out.")
    able = device == "cpu" or torch.cuda.is_bf16_supported()
    if asked == "auto":
        return "bf16" if device != "cpu" and able else "fp32"
    if asked == "bf16" and not able:
        raise DeviceError(f"The device {device} cannot compute in bfloat16; use --precision fp32.")
    if asked == "fp16" and device == "cpu" and not _cpu_has_float16():
        raise DeviceError(
            "This CPU and this version of PyTorch cannot train in float16; use --precision bf16 "
            "or fp32."
        )
    return asked


def wait(device: str) -> None:
    """Return once a device has done all that it was given, so that a clock tells the truth."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def title(device: str) -> str:
    """Return what a device is called in records: the GPU's own name, or ``cpu`` or ``mps``."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def _cpu_has_float16() -> bool:
    """Return whether a convolution goes forward and back in float16 on this CPU."""
    import torch

    kernel = torch.zeros(1, 1, 3, 3, requires_grad=True)
    try:
        with torch.autocast("cpu", dtype=torch.float16):
            result = torch.nn.functional.conv2d(torch.zeros(1, 1, 8, 8), kernel)
        torch.autograd.backward(result.float().sum())
    except RuntimeError:
        return False
    return result.dtype == torch.float16
