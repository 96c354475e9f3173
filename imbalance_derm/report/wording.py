"""How citations, times and shares are written in a report."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
_DOI = re.compile(r"doi (10\.\S+[^\s.,;])")


def linked(citation: str) -> Markup:
    """Return a citation, escaped, with its arXiv number or DOI as a link.

    Examples
    --------
    >>> str(linked("Lin et al. 2017, arXiv 1708.02002, eq. 5"))
    'Lin et al. 2017, <a href="https://arxiv.org/abs/1708.02002">arXiv 1708.02002</a>, eq. 5'
    """
    text = str(escape(citation))
    text = _ARXIV.sub(r'<a href="https://arxiv.org/abs/\1">arXiv \1</a>', text)
    return Markup(_DOI.sub(r'<a href="https://doi.org/\1">doi \1</a>', text))


def duration(seconds: float) -> str:
    """Return a time span for a reader.

    Examples
    --------
    >>> duration(0.42), duration(61.3), duration(7265)
    ('0.4 s', '1 min 1 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def share(part: int, whole: int) -> str:
    """Return a proportion in per cent, or a dash where there is nothing.

    Examples
    --------
    >>> share(3, 4), share(0, 0)
    ('75 %', '–')
    """
    return f"{part / whole:.0%}".replace("%", " %") if whole else "–"
