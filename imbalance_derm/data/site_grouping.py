"""Body sites in groups, by a mapping in a file that users can replace."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from imbalance_derm.data.lesions import MISSING_SITE
from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest


def site_group_names() -> list[str]:
    """Return the names of the package's mappings, sorted.

    Examples
    --------
    >>> site_group_names()
    ['ham10000']
    """
    folder = files("imbalance_derm.data") / "site_groups"
    names = (file.name for file in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_site_groups(name_or_path: str) -> dict[str, str]:
    """Return the group of each body site, "" where it is not known.

    Parameters
    ----------
    name_or_path : str
        A mapping of the package by name, or a file that ends in ``.toml``, with one line
        ``"site" = "group"`` for each site.

    Raises
    ------
    InputError
        There is no such mapping (the nearest is named), or the file is not one.

    Examples
    --------
    >>> load_site_groups("ham10000")["scalp"]
    'head/neck'
    """
    if name_or_path.endswith(".toml"):
        return _parse(name_or_path, _read(Path(name_or_path)))
    if name_or_path not in site_group_names():
        raise InputError(
            f"unknown site groups '{name_or_path}'{suggest(name_or_path, site_group_names())}; "
            "a file of your own ends in .toml"
        )
    file = files("imbalance_derm.data") / "site_groups" / f"{name_or_path}.toml"
    return _parse(file.name, file.read_text(encoding="utf-8"))


def group_sites(
    sites: np.ndarray, site_names: Sequence[str], mapping: Mapping[str, str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the group of each image, and the groups' names.

    Parameters
    ----------
    sites : ndarray of int64, shape (n,)
        Index into `site_names`, or -1 where the body site is missing.
    site_names : sequence of str
    mapping : mapping of str to str
        From :func:`load_site_groups`.

    Returns
    -------
    groups : ndarray of int64, shape (n,)
        Index into `names`, or -1 where the site is missing or its group is not known.
    names : tuple of str
        Sorted; those groups that one of `site_names` belongs to.

    Raises
    ------
    InputError
        A site is not in the mapping; the text names it and the nearest that is.

    Examples
    --------
    >>> mapping = {"scalp": "head/neck", "face": "head/neck", "trunk": "", "back": "torso"}
    >>> group_sites(np.array([3, 2, 1, 0, -1]), ["back", "face", "scalp", "trunk"], mapping)
    (array([-1,  0,  0,  1, -1]), ('head/neck', 'torso'))
    """
    missing = sorted(site for site in site_names if site not in mapping)
    if missing:
        raise InputError(
            f"body site '{missing[0]}' is in no site group{suggest(missing[0], mapping)}; "
            'give it one in the file of site groups, "" where its group is not known'
        )
    groups = [mapping[site] for site in site_names]
    names = tuple(sorted({group for group in groups if group}))
    index = {name: i for i, name in enumerate(names)}
    # The last entry is where a missing site, -1, finds itself.
    table = np.array([*(index.get(group, MISSING_SITE) for group in groups), MISSING_SITE])
    return table[sites].astype(np.int64), names


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read site groups {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"site groups {path} are not UTF-8 text: {error.reason}") from error


def _parse(where: str, text: str) -> dict[str, str]:
    try:
        mapping = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"site groups {where} are not valid TOML: {error}") from error
    for site, group in mapping.items():
        if not isinstance(group, str):
            raise InputError(
                f"site groups {where}: the group of '{site}' is not a text; "
                'write "site" = "group" on one line for each site'
            )
    return mapping
