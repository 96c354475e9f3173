"""The charts of a report, which is one HTML file with everything in it."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser

SVG = "data:image/svg+xml;base64,"


def charts(html: str) -> dict[str, str]:
    """Return each SVG chart of `html` under a file name made of its alternative text.

    Photographs, which are embedded as JPEG, are left where they are.

    Examples
    --------
    >>> charts('<img alt="ROC curve" src="data:image/svg+xml;base64,PHN2Zy8+">')
    {'roc-curve.svg': '<svg/>'}
    """
    finder = _Finder()
    finder.feed(html)
    return finder.found


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        source = given.get("src") or ""
        if tag != "img" or not source.startswith(SVG):
            return
        base = re.sub(r"\W+", "-", (given.get("alt") or "chart").lower()).strip("-")
        name, number = f"{base}.svg", 1
        while name in self.found:
            number += 1
            name = f"{base}-{number}.svg"
        self.found[name] = b64decode(source.removeprefix(SVG)).decode("utf-8")
