"""Room on the disk, looked at before it is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.filesize import decimal

from imbalance_derm.errors import RunError


def require_space(folder: Path, needed: int) -> None:
    """Make sure that `needed` bytes fit below `folder`, which need not exist yet.

    Raises
    ------
    RunError
        They do not.
    """
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise RunError(
            f"{decimal(needed)} are needed in {folder}, {decimal(free)} are free; free some, or "
            "choose another place with --to DIR"
        )
