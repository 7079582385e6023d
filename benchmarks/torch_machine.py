"""What the times of networks depend on besides the processor."""

from __future__ import annotations

from typing import Any


def torch_machine(device: str, threads: int | None) -> dict[str, Any]:
    """Return PyTorch's version, threads and GPU."""
    import torch

    about: dict[str, Any] = {
        "torch": torch.__version__,
        "threads": threads or torch.get_num_threads(),
        "device": device,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if device != "cpu":
        gpu = torch.cuda.get_device_properties(device)
        about |= {
            "gpu": gpu.name,
            "gpu_gib": gpu.total_memory / 2**30,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "tf32_convolutions": torch.backends.cudnn.allow_tf32,
        }
    return about
