from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from imbalance_derm.errors import RunError
from imbalance_derm.experiment import files
from imbalance_derm.report.evidence import Evidence
from imbalance_derm.report.html import render, write_report
from imbalance_derm.report.summary import summary

VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = "<script>alert('x')</script>&\"$_"
SEVEN = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


class Page(HTMLParser):
    """Collects what matters, and fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []
        self.unlabelled = 0
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [v for k, v in attributes if k in ("src", "srcset", "data", "poster") and v]
        self.links += [v for k, v in attributes if k == "href" and v]
        self.ids += [v for k, v in attributes if k == "id" and v]
        self.handlers += [k for k, _ in attributes if k.startswith("on")]
        self.unlabelled += tag == "img" and not values.get("alt")

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def evidence(make_evidence) -> Evidence:
    return make_evidence()


@pytest.fixture(scope="module")
def source(evidence) -> str:
    return render(evidence)


@pytest.fixture(scope="module")
def page(source) -> Page:
    return Page(source)


def test_nothing_is_loaded_from_outside(source, page):
    assert page.loads
    assert all(uri.startswith("data:image/") for uri in page.loads)
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    outside = [link for link in page.links if not link.startswith("#")]
    assert outside
    assert all(re.match(r"https://(arxiv\.org/abs|doi\.org)/", link) for link in outside)
    assert "default-src 'none'" in source


def test_every_section_link_has_its_target(page):
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert len(inner) >= 9
    assert set(inner) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.unlabelled == 0


def test_every_headline_figure_comes_first_with_its_interval(evidence, page):
    result = page.text[: page.text.index("Data set")]
    rows = summary(evidence.record)
    assert [row.metric for row in rows] == [
        "auc",
        "sensitivity",
        "specificity",
        "npv",
        "balanced_accuracy",
    ]
    for row in rows:
        assert f"{row.figure.value:.3f} [{row.figure.low:.3f}, {row.figure.high:.3f}]" in result
        assert row.title in result


def test_the_reader_learns_how_it_was_done(evidence, page):
    record = evidence.record
    assert record.data["notice"] in page.text
    assert evidence.caveats[0] in page.text
    assert f"at least {record.decision['threshold']:.3f}" in page.text
    assert "420 optimiser updates" in page.text
    assert record.command in page.text
    assert "imbderm run --config spec.toml" in page.text
    assert "gamma = 2.0" in page.text
    assert "found in cache" in page.text
    assert "arXiv 1703.10593" in page.text
    assert "2.11.0" in page.text


def test_the_confusion_matrix_is_that_of_the_record(evidence, source):
    table = source[source.index('<table class="confusion">') :]
    table = table[: table.index("</table>")]
    cells = re.findall(r'<td style="[^>]*>([\d,]+)<small>', table)
    counts = [int(cell.replace(",", "")) for cell in cells]
    assert counts == [n for row in evidence.record.confusion["test"] for n in row]


def test_many_classes_have_figures_of_their_own(make_evidence):
    evidence = make_evidence(SEVEN, 400, name="ham10000")
    page = Page(render(evidence))
    assert "most likely class; no threshold was tuned" in page.text
    for name in SEVEN:
        figure = evidence.record.metrics["test"][f"sensitivity/{name}"]
        assert f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]" in page.text


def test_a_run_with_next_to_nothing_still_has_a_report(evidence):
    from dataclasses import replace

    record = replace(evidence.record, curves={}, stages=[], confusion={}, environment={},
                     components={}, metrics={"test": {}})  # fmt: skip
    page = Page(render(Evidence(record, evidence.test)))
    assert "Worst errors" not in page.text
    assert "Feature map" not in page.text


def test_hostile_names_stay_text(make_evidence):
    evidence = make_evidence((f"_{HOSTILE}", HOSTILE), notice=HOSTILE)
    source = render(evidence)
    page = Page(source)
    assert "script" not in page.tags
    assert page.handlers == []
    assert "<script" not in source
    assert HOSTILE in page.text


def test_light_dark_and_phone_are_provided_for(source):
    assert "prefers-color-scheme: dark" in source
    assert 'name="viewport"' in source
    assert "max-width: 36rem" in source


def test_a_report_is_written_whole_or_not_at_all(evidence, tmp_path, monkeypatch):
    target = tmp_path / "run" / "report.html"
    write_report(evidence, target)
    first = target.read_text(encoding="utf-8")
    assert first.rstrip().endswith("</html>")

    def full(self, *arguments, **options):
        # What a full disk does: some bytes arrive, then the write fails.
        with self.open("w", encoding="utf-8") as file:
            file.write("<!DOC")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "write_text", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_report(evidence, target)
    monkeypatch.undo()
    assert target.read_text(encoding="utf-8") == first
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_a_path_that_cannot_be_written_is_one_clear_line(evidence, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as caught:
        write_report(evidence, Path(tmp_path / "file" / "report.html"))
    assert "\n" not in str(caught.value)
