"""The environment that made a figure."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from typing import Any

PACKAGES = (
    "imbalance-derm",
    "torch",
    "torchvision",
    "timm",
    "diffusers",
    "accelerate",
    "imbalanced-learn",
    "scikit-learn",
    "numpy",
    "pillow",
)


@cache
def versions() -> dict[str, str]:
    """Return the version of each package that a figure may depend on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def environment(device: str, threads: int, precision: str) -> dict[str, Any]:
    """Return versions, device, threads and platform; nothing that names the machine or its user."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "device": device,
        "threads": threads,
        "precision": precision,
        "versions": versions(),
    }
