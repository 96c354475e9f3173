"""One file over HTTP: goes on where it was stopped, and is whole or not there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError
from urllib3.util import Retry

from imbalance_derm.data.fetch.space import require_space
from imbalance_derm.errors import RunError
from imbalance_derm.experiment.files import write_text
from imbalance_derm.version import __version__

Progress = Callable[[int, int], None]
"""``progress(done, total)`` in bytes; the total is 0 where the server does not say."""

BARREN_TRIES = 3
"""Tries in a row that bring no new byte before the download is given up."""

_TIMEOUT = (15, 60)
_BLOCK = 2**16
_GONE = frozenset({403, 404, 410})
_TRANSIENT = (429, 500, 502, 503, 504)


class _Broken(Exception):
    """A try that failed where the next one may not."""


class _Gone(Exception):
    """An address that has no such file, or no longer."""


@dataclass(frozen=True, slots=True)
class _Partial:
    """Where the bytes of a ``.part`` file come from: address, version, size of the whole."""

    url: str
    validator: str
    size: int


def new_session(backoff: float = 1.0) -> requests.Session:
    """Return a session that asks again, after growing waits, where a server is busy or away."""
    session = requests.Session()
    retry = Retry(
        total=4,
        backoff_factor=backoff,
        status_forcelist=_TRANSIENT,
        allowed_methods=["GET"],
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers["User-Agent"] = f"imbderm/{__version__}"
    session.headers["Accept-Encoding"] = "identity"  # byte ranges are those of the file itself
    return session


def download(session: requests.Session, urls: Sequence[str], path: Path, progress: Progress) -> str:
    """Download to `path` from the first of `urls` that has the file, and return that address.

    Until it is whole the file is ``PATH.part``, with ``PATH.part.json`` beside it; a later call
    asks only for what is missing, and begins anew where the server has another version.

    Raises
    ------
    RunError
        No address has the file, the disk is too small, or the connection fails again and again.
    """
    gone = []
    for url in urls:
        try:
            _persistently(session, url, path, progress)
        except _Gone as error:
            gone.append(str(error))
        else:
            return url
    raise RunError(f"{'; '.join(gone)}; the publisher may have moved it")


def _persistently(session: requests.Session, url: str, path: Path, progress: Progress) -> None:
    barren, furthest = 0, _size(_part(path))
    while True:
        try:
            return _once(session, url, path, progress)
        except (_Broken, requests.RequestException) as error:
            cause = error.args[0] if error.args else error
            reached = _size(_part(path))
            barren = 0 if reached > furthest else barren + 1
            furthest = max(furthest, reached)
            # MaxRetryError: the session has waited for the server often enough.
            if barren == BARREN_TRIES or isinstance(cause, MaxRetryError):
                reason = getattr(cause, "reason", None) or cause
                raise RunError(
                    f"cannot fetch {url}: {reason}; later the same command goes on where it was"
                ) from error


def _once(session: requests.Session, url: str, path: Path, progress: Progress) -> None:
    part = _part(path)
    partial = _read_partial(part)
    have = _size(part) if partial and partial.url == url and partial.validator else 0
    if partial and have and have == partial.size:
        return _finish(part, path)
    asked = {"Range": f"bytes={have}-", "If-Range": partial.validator} if partial and have else {}
    with session.get(url, headers=asked, stream=True, timeout=_TIMEOUT) as response:
        _check_answer(url, response)
        total = _total(response)
        if response.status_code == 200:
            have = 0
            part.write_bytes(b"")
            fresh = _Partial(url, _validator(response), total)
            write_text(_notes(part), json.dumps(asdict(fresh)))
        elif not (partial and _continues(response, have, partial)):
            part.unlink(missing_ok=True)
            raise _Broken(f"status {response.status_code} with an unexpected range")
        require_space(part.parent, total - have)
        progress(have, total)
        with part.open("ab") as file:
            for block in response.iter_content(_BLOCK):
                file.write(block)
                have += len(block)
                progress(have, total)
    if total and have != total:
        if have > total:
            part.unlink()
        raise _Broken(f"{have} bytes came, {total} were announced")
    return _finish(part, path)


def _continues(response: requests.Response, have: int, partial: _Partial) -> bool:
    """Tell whether the answer is what is missing, of the version that is here in part."""
    return (
        response.status_code == 206
        and _start(response) == have
        and _total(response) == partial.size
        and _validator(response) in ("", partial.validator)  # with If-Range it may be left out
    )


def _check_answer(url: str, response: requests.Response) -> None:
    if urlsplit(url).scheme == "https" and urlsplit(response.url).scheme != "https":
        raise RunError(f"{url} leads to {response.url}, which is not encrypted; nothing fetched")
    if response.status_code in _GONE:
        raise _Gone(f"the server has no {url} (status {response.status_code})")
    if response.status_code in _TRANSIENT:
        raise RunError(f"the server of {url} is busy (status {response.status_code}); try later")
    if response.status_code not in (200, 206, 416):
        raise RunError(f"the server refuses {url} (status {response.status_code})")


def _validator(response: requests.Response) -> str:
    """Return what names this version; a weak tag does not stand for the same bytes."""
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return response.headers.get("Last-Modified", "")


def _total(response: requests.Response) -> int:
    match = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else int(response.headers.get("Content-Length", 0))


def _start(response: requests.Response) -> int:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _finish(part: Path, path: Path) -> None:
    part.replace(path)
    _notes(part).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read_partial(part: Path) -> _Partial | None:
    try:
        return _Partial(**json.loads(_notes(part).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
