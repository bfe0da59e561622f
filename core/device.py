"""Where tensors live, and how many threads torch may use."""

from __future__ import annotations

import os

import torch


def one_thread() -> None:
    """Keep torch to one thread: beside a neighbour two threads ran four to five times slower."""
    torch.set_num_threads(1)


def pick() -> torch.device:
    """Return the device to train on: the CPU, or the one that ``LAB_DEVICE`` names (``cuda``, ``mps``).

    The lessons' networks are small, and the same spec must give the same digits for every reader,
    so a GPU is asked for, not assumed.

    Raises:
        RuntimeError: ``LAB_DEVICE`` names a device that this machine lacks.
    """
    wanted = torch.device(os.environ.get("LAB_DEVICE", "cpu"))
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(wanted.type, False):
        raise RuntimeError(f"LAB_DEVICE={wanted}: this machine has no such device")
    return wanted


def describe(device: torch.device) -> str:
    """Name the device for a reader: ``CPU``, or a GPU with its model."""
    if device.type == "cuda":
        return f"GPU({torch.cuda.get_device_name(device)})"
    return {"cpu": "CPU", "mps": "GPU(Apple)"}.get(device.type, device.type)
