"""The site is built strictly, has no dead link, and says what registry and results say."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from imbalance_derm.experiment.recipes import recipes
from imbalance_derm.pipeline.experiment import Experiment
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import describe

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a page loads, where it leads, and the places in it that can be led to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.places |= {name for name in (found.get("id"), found.get("name")) if name}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") not in ("prev", "next", "canonical"):
            self.loads.append(found["href"])
        elif tag in ("script", "img", "iframe", "source") and found.get("src"):
            self.loads.append(found["src"])


@cache
def page(path: Path) -> Page:
    return Page(path)


def text_of(path: Path) -> str:
    """Return the words of a page's article."""
    (article,) = re.findall(r"<article.*?</article>", path.read_text(encoding="utf-8"), re.S)
    return html.unescape(re.sub(r"<[^>]+>", "", article))


def test_every_link_and_anchor_leads_somewhere(site):
    # The page of a server for what it has not: its links are from the server's root.
    pages = [path for path in sorted(site.rglob("*.html")) if path.name != "404.html"]
    assert len(pages) > 100
    for path in pages:
        for link in page(path).links + page(path).loads:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{path.relative_to(site)}: {link}"
            if parts.fragment and target.suffix == ".html":
                script_makes_it = "leaderboard" in target.parts
                known = unquote(parts.fragment) in page(target).places
                assert known or script_makes_it, f"{path.relative_to(site)}: {link}"


def test_nothing_is_loaded_from_the_network(site):
    for path in site.rglob("*.html"):
        for source in page(path).loads:
            assert urlsplit(source).scheme in ("", "data"), f"{path}: {source}"
    for path in (*site.glob("assets/*.css"), *site.glob("assets/stylesheets/*.css")):
        assert not re.search(r"url\(['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_each_part_has_a_page_with_its_parameters_and_source(site):
    assert len(installed().entries) > 70
    for (kind, name), entry in installed().entries.items():
        path = site / "components" / kind / f"{name}.html"
        text = text_of(path)
        assert entry.distribution in text
        if entry.component.citation and "References" not in text:
            assert entry.component.citation in text, path
        rows = re.findall(r"<tr>(.*?)</tr>", path.read_text(encoding="utf-8"), re.S)
        for parameter in describe(entry.load()):
            (row,) = [row for row in rows if f"<td><code>{parameter.name}</code></td>" in row]
            words = " ".join(html.unescape(re.sub(r"<[^>]+>", "", row)).split())
            for bound in filter(None, parameter.limits.split(", ")):
                assert bound in words, f"{path}: {parameter.name} {bound}"
            assert parameter.doc.replace("`", "")[:30].rstrip() in words


def test_the_index_of_each_kind_leads_to_its_parts(site):
    for kind, name in installed().entries:
        assert f"{name}.html" in page(site / "components" / kind / "index.html").links


def test_the_command_on_each_page_resolves(site):
    """With a data set's folder where it needs one, every command shown names a run that exists."""
    tried = 0
    for kind, name in installed().entries:
        text = text_of(site / "components" / kind / f"{name}.html")
        words = re.search(r"imbderm run --(\w+) (\S+)", text)
        assert words, f"{kind} {name}"
        option, value = words.groups()
        if value.endswith("/NAME") or option in ("stage", "tracker"):
            continue
        assert getattr(Experiment(**{option: value}).spec, option).name == name
        tried += 1
    assert tried > 60


def test_recipes_are_all_listed(site):
    text = text_of(site / "recipes.html")
    for name, recipe in recipes().items():
        assert name in text
        assert " ".join(recipe.summary.replace("`", "").split()) in " ".join(text.split())


def figures(node: object) -> set[tuple[str, str, str]]:
    """Every value with its interval anywhere in a results file, to three decimals."""
    if isinstance(node, list):
        return set().union(*map(figures, node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(figures, node.values()))
    if {"value", "low", "high"} <= set(node) and node["low"] is not None:
        found.add(tuple(f"{node[key]:.3f}" for key in ("value", "low", "high")))
    return found


def test_every_figure_quoted_stands_in_a_results_file(site):
    results = ROOT / "benchmarks" / "results"
    patterns = ("*.json", "*/leaderboard.json", "*/order.json")
    files = [file for pattern in patterns for file in results.glob(pattern)]
    loaded = [json.loads(path.read_text()) for path in files]
    known = set().union(*map(figures, loaded))
    sentences = json.dumps(loaded)
    number = r"(-?\d\.\d{3})"
    for name, least in (("which-remedy", 80), ("papers", 3)):
        text = text_of(site / f"{name}.html").replace("\N{NO-BREAK SPACE}", " ")
        quoted = re.findall(rf"{number} \[{number}, {number}\]", text)
        assert len(quoted) >= least, name
        for value, low, high in quoted:
            written = f"{value} [{low}, {high}]"
            assert (value, low, high) in known or written in sentences, f"{name}: {written}"


def test_the_pages_source_quotes_no_figure_by_hand():
    """A figure with an interval is written by the build; a hand would let it drift."""
    for name in ("which-remedy", "papers", "recipes", "synthesizers", "faq", "index"):
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        assert re.findall(r"\d\.\d+ \[", text) == [], name


def test_what_the_printed_column_really_is(site):
    """The recovered rows, against the counts in the paper: 75 malignant images, 304 benign."""
    rows = re.findall(
        r"<td>([^<]+)</td>\s*<td>([\d.]+) %</td>\s*<td>(\d+)</td>\s*<td>([\d.]+) %</td>\s*"
        r"<td>([\d.]+) %</td>\s*<td>([\d.]+) %</td>",
        (site / "reading-the-report.html").read_text(encoding="utf-8"),
    )
    assert len(rows) == 4
    for method, printed, missed, npv, sensitivity, specificity in rows:
        found = 75 - int(missed)
        assert float(sensitivity) == pytest.approx(100 * found / 75, abs=0.05), method
        assert float(npv) == pytest.approx(float(printed), abs=0.06)
        benign = float(specificity) / 100 * 304
        assert benign / (benign + int(missed)) * 100 == pytest.approx(float(printed), abs=0.06)
