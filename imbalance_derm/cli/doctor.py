"""``imbderm doctor``: whether everything is here that a run needs."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata

import click

from imbalance_derm.cli.verbosity import is_quiet

DISTRIBUTION = "imbalance-derm"
OK, NOTE, MISSING = "ok", "note", "missing"
_LITTLE_DISK = 2 * 2**30
_LITTLE_MEMORY = 2 * 2**30
_SHOWN = ("torch", "torchvision", "timm", "diffusers", "accelerate", "imbalanced-learn",
          "scikit-learn", "numpy", "pillow")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name, value : str
    state : str
        ``ok``, ``note`` (a run works, but) or ``missing`` (a run does not).
    advice : str
        What to do next; empty where all is well.
    """

    name: str
    value: str
    state: str = OK
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one object and nothing else.")
def doctor(as_json: bool) -> int:
    """Look at versions, device, weights, disk and plugins.

    The exit code is 1 where something is missing that a run needs. Nothing is changed, and no
    network is used.
    """
    checks = list(examine())
    missing = sum(check.state == MISSING for check in checks)
    if as_json:
        found = {"ok": not missing, "checks": [asdict(check) for check in checks]}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return int(missing > 0)
    from imbalance_derm.cli.columns import columns

    if not is_quiet():
        columns(("CHECK", "STATE", "FOUND"), [(c.name, c.state, c.value) for c in checks])
        click.echo()
    for check in checks:
        if check.state != OK:
            click.echo(f"{check.name}: {check.advice}")
    if missing:
        click.echo(f"{missing} missing; a run will fail")
    elif not is_quiet():
        click.echo("Everything that a run needs is here; try: imbderm run --preset smoke")
    return int(missing > 0)


def examine() -> Iterator[Check]:
    """Yield every check, in the order in which it is shown."""
    yield Check("python", f"{platform.python_version()} on {platform.system()}")
    yield from _packages()
    yield from _device()
    yield _weights()
    yield _memory()
    yield _cache()
    yield _plugins()


def _packages() -> Iterator[Check]:
    from imbalance_derm.version import __version__

    yield Check(DISTRIBUTION, __version__)
    faulty = set()
    for requirement in requirements(DISTRIBUTION):
        check = _requirement(requirement)
        if check.state != OK:
            faulty.add(check.name)
            yield check
    for name in _SHOWN:
        if name not in faulty:
            yield _requirement(name)


def requirements(distribution: str) -> list[str]:
    """Return what a distribution needs without its extras; nothing where it is not installed."""
    from packaging.requirements import Requirement

    try:
        texts = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    found = map(Requirement, texts)
    return [str(r) for r in found if r.marker is None or r.marker.evaluate({"extra": ""})]


def _requirement(text: str) -> Check:
    from packaging.requirements import Requirement

    wanted = Requirement(text)
    advice = f'pip install "{wanted.name}{wanted.specifier}"'
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return Check(wanted.name, "not installed", MISSING, advice)
    if not wanted.specifier.contains(version, prereleases=True):
        return Check(wanted.name, f"{version}, not {wanted.specifier}", MISSING, advice)
    return Check(wanted.name, version)


def _device() -> Iterator[Check]:
    try:
        import torch
    except Exception as error:
        yield Check("device", f"torch cannot be imported: {error}", MISSING, "reinstall torch")
        return
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        memory = f"{properties.total_memory / 2**30:.0f} GiB"
        bf16 = "bf16" if torch.cuda.is_bf16_supported() else "no bf16, fp16"
        yield Check("device", f"CUDA: {properties.name}, {memory}, {bf16}")
    elif torch.backends.mps.is_available():
        yield Check("device", "MPS: Apple GPU")
    else:
        capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        text = f"CPU, {'with' if capable else 'without'} bf16 units"
        yield Check(
            "device", text, NOTE, "runs work, but slower than on a GPU: begin with --preset smoke"
        )
    threads, cores = torch.get_num_threads(), _cores()
    if threads > cores:
        advice = f"more threads than cores slow a run down: OMP_NUM_THREADS={cores}"
        yield Check("threads", f"{threads} on {cores} cores", NOTE, advice)
    else:
        yield Check("threads", f"{threads} on {cores} cores")


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _weights() -> Check:
    from imbalance_derm.errors import InputError

    name = "weights"
    try:
        from imbalance_derm.models.backbones.efficientnet_lite0 import PACKAGE
        from imbalance_derm.models.backbones.weights import packaged_file

        file = packaged_file(PACKAGE, "models/*.pth")
    except InputError as error:
        text, _, advice = str(error).partition("; ")
        return Check(name, text, MISSING, advice)
    except Exception as error:
        return Check(name, f"cannot be looked for: {error}", MISSING, "mend the lines above")
    return Check(name, f"{file.name}, {file.stat().st_size / 2**20:.0f} MiB")


def _memory() -> Check:
    import psutil

    free = psutil.virtual_memory().available
    text = f"{free / 2**30:.1f} GiB free"
    if free < _LITTLE_MEMORY:
        return Check("memory", text, NOTE, "close other programs or choose a smaller preset")
    return Check("memory", text)


def _cache() -> Check:
    from imbalance_derm.pipeline.experiment import CACHE_VARIABLE, cache_folder

    folder = cache_folder().absolute()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    advice = f"choose another folder: {CACHE_VARIABLE}=DIR"
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Check("cache", f"{folder} cannot be written", MISSING, advice)
    free = shutil.disk_usage(place).free
    text = f"{folder}, {free / 2**30:.1f} GiB free"
    return Check("cache", text, NOTE, advice) if free < _LITTLE_DISK else Check("cache", text)


def _plugins() -> Check:
    from imbalance_derm.registry.manager import installed

    registry = installed()
    others = {entry.distribution for entry in registry.entries.values()} - {DISTRIBUTION}
    text = f"{len(registry.entries)} parts, {len(others)} packages beside ours"
    if registry.problems:
        text += f", {len(registry.problems)} problems"
        return Check("plugins", text, NOTE, "see them with: imbderm plugins list")
    return Check("plugins", text)
