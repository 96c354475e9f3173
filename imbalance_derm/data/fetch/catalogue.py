"""The public data sets that can be fetched: one TOML file each in ``catalogue/``."""

from __future__ import annotations

import tomllib
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest

FOLDER = files("imbalance_derm.data.fetch") / "catalogue"
_SAFE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RemoteFile(_Strict):
    """One file of the publisher's.

    Attributes
    ----------
    name : str
        Its file name here.
    urls : list of str
        Official addresses; the next one is asked only where one no longer has the file.
    size : int
        In bytes, approximate where the publisher gives none; for the table and the disk check.
    checksum : str
        ``md5:HEX`` or ``sha256:HEX`` as the publisher gives it; empty where none is published.
    members : str
        Pattern of the files to take out of a zip archive, whichever folder of it they lie in;
        empty for a file that is no archive.
    to : str
        Folder for the file, or for the members, below the data set's own; empty for that itself.
    """

    name: Annotated[str, Field(pattern=_SAFE)]
    urls: Annotated[list[str], Field(min_length=1)]
    size: Annotated[int, Field(gt=0)]
    checksum: Annotated[str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?$")]
    members: str = ""
    to: Annotated[str, Field(pattern=rf"{_SAFE}|^$")] = ""


class Licence(_Strict):
    """What the publisher allows: name, address of the full text, and the gist in a sentence."""

    name: str
    url: str
    gist: str


class Entry(_Strict):
    """A data set of the catalogue.

    Attributes
    ----------
    name : str
        Name of the set and of its folder.
    title, citation, homepage : str
    images : int
        Official number of images.
    licence : Licence
    files : list of RemoteFile
    then : list of str
        Commands that make sense next; ``{root}`` stands for the folder of all data sets.
    """

    name: Annotated[str, Field(pattern=_SAFE)]
    title: str
    images: int
    homepage: str
    citation: str
    licence: Licence
    files: Annotated[list[RemoteFile], Field(min_length=1)]
    then: list[str] = []

    @property
    def size(self) -> int:
        """Bytes to download, about."""
        return sum(file.size for file in self.files)


def read_entry(path: Path) -> Entry:
    """Read one file of the catalogue; the data set is named after it.

    Raises
    ------
    ValueError
        The file is not valid TOML or not an entry.
    """
    text = path.read_text(encoding="utf-8")
    return Entry.model_validate({"name": path.stem, **tomllib.loads(text)})


def entries() -> dict[str, Entry]:
    """Return the data sets of the package's catalogue by name.

    Examples
    --------
    >>> sorted(entries())
    ['ham10000', 'isic2016', 'isic2018_test']
    >>> entries()["isic2016"].licence.name
    'CC0 1.0'
    """
    with as_file(FOLDER) as folder:
        paths = sorted(folder.glob("*.toml"))
        return {path.stem: read_entry(path) for path in paths}


def find_entry(name: str) -> Entry:
    """Return the data set called `name`.

    Raises
    ------
    InputError
        There is none; the nearest is named.
    """
    known = entries()
    if name not in known:
        raise InputError(f"no data set '{name}' to fetch{suggest(name, known)}")
    return known[name]
