from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner

from imbalance_derm.benchmark.leaderboard import leaderboard as rank
from imbalance_derm.benchmark.site import write_site
from imbalance_derm.benchmark.site_data import embedded
from imbalance_derm.cli.leaderboard import leaderboard
from imbalance_derm.errors import InputError

HOSTILE = "</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Every element with its attributes, and the embedded data."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._in_data = False
        self.data: dict = {}
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        own = {name: value or "" for name, value in attrs}
        self.elements.append((tag, own))
        self._in_data = own.get("id") == "data"

    def handle_data(self, data):
        if self._in_data:
            self.data = json.loads(data)
            self._in_data = False
        else:
            self.text += data

    def links(self) -> list[str]:
        inside = [own["href"] for tag, own in self.elements if tag == "a" and "href" in own]
        reports = [
            run[2]
            for board in self.data["boards"]
            for row in board["rows"]
            for run in row[4]
            if run[2]
        ]
        return [*inside, *self.data["pages"].values(), *reports]


@pytest.fixture
def folder(runs, make_record, tmp_path) -> Path:
    """A site beside its runs, one of which has a report and an awkward name."""
    found = runs(
        make_record("a run #1"),
        make_record("b", parts={"loss": "ce", "mixer": "remix"}, seed=1),
        make_record("c", parts={"loss": "no_longer/there"}),
        make_record("p", data={"name": "phantom", "notice": "Not clinical evidence."}),
    )
    (found / "a run #1" / "report.html").write_text("<title>its report</title>")
    write_site(rank([found]), tmp_path / "site")
    return tmp_path / "site"


def pages(folder: Path) -> list[Page]:
    return [Page(path) for path in sorted(folder.rglob("*.html"))]


def test_data_hold_every_row_of_every_ranking(folder, tmp_path):
    boards = rank([tmp_path / "runs"])
    data = Page(folder / "index.html").data
    assert [board["title"] for board in data["boards"]] == [board.title for board in boards]
    for view, board in zip(data["boards"], boards, strict=True):
        assert [row[1] for row in view["rows"]] == [row.method for row in board.rows]
        assert view["notes"] == list(board.notes)
        names = [axis["name"] for axis in view["axes"]]
        for line, row in zip(view["rows"], board.rows, strict=True):
            stated = {
                name: view["axes"][at]["values"][place]
                for at, (name, place) in enumerate(zip(names, line[2], strict=True))
            }
            assert stated["status"].startswith(row.status)
            assert stated["loss"] == row.parts.get("loss", "not stated")
            for figure, name in zip(line[3], board.columns, strict=True):
                if name not in row.metrics:
                    assert figure is None
                else:
                    assert figure[0] == pytest.approx(row.metrics[name].value, abs=1e-6)
                    assert figure[1] == pytest.approx(row.metrics[name].low, abs=1e-6)
            if row.confusion:
                assert line[5][1] == row.confusion


def test_a_recovered_row_brings_its_matrix_in_the_order_of_its_classes(folder):
    board = Page(folder / "index.html").data["boards"][0]
    melanet = next(row for row in board["rows"] if row[1] == "MelaNet" and row[5])
    # Audited: 22 of 75 melanomas missed, 245 of 304 benign lesions recognised.
    assert board["classes"][melanet[5][0]] == ["benign", "malignant"]
    assert melanet[5][1] == [[245, 59], [22, 53]]


def test_nothing_is_loaded_and_no_script_has_an_address(folder):
    for page in pages(folder):
        policy = next(
            own["content"] for tag, own in page.elements if "http-equiv" in own and tag == "meta"
        )
        assert policy.startswith("default-src 'none'")
        for tag, own in page.elements:
            assert "src" not in own
            assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
            assert not any(name.startswith("on") for name in own)
        text = page.path.read_text(encoding="utf-8")
        assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|innerHTML|eval\(", text)
        assert not re.search(r"[\"' ]/(?:home|root|tmp|work|Users)/", text)


def test_every_link_resolves(folder):
    count = 0
    for page in pages(folder):
        ids = {own["id"] for _, own in page.elements if "id" in own}
        for link in page.links():
            parts = urlsplit(link)
            if parts.scheme:
                assert link.startswith(("https://arxiv.org/abs/", "https://doi.org/"))
            elif not parts.path:
                assert parts.fragment in ids
            else:
                assert (page.path.parent / unquote(parts.path)).is_file(), link
                count += 1
    assert count > 30


def test_a_report_is_linked_where_there_is_one(folder):
    rows = Page(folder / "index.html").data["boards"][0]["rows"]
    reports = [run[2] for row in rows for run in row[4] if run[2]]
    assert reports == ["../runs/a%20run%20%231/report.html"]
    focal = Page(folder / "parts" / "loss-focal.html").data["boards"][0]["rows"]
    assert [run[2] for row in focal for run in row[4] if run[2]] == [
        "../../runs/a%20run%20%231/report.html"
    ]


def test_a_page_for_each_component_with_source_parameters_and_all_its_results(folder, tmp_path):
    boards = rank([tmp_path / "runs"])
    page = Page(folder / "parts" / "loss-focal.html")
    assert ("a", {"href": "https://arxiv.org/abs/1708.02002"}) in page.elements
    assert "gamma" in page.text
    for view, board in zip(page.data["boards"], boards, strict=True):
        having = [n for n, row in enumerate(board.rows, 1) if row.parts.get("loss") == "focal"]
        assert [row[0] for row in view["rows"]] == having
    names = {path.name for path in (folder / "parts").iterdir()}
    assert {"mixer-remix.html", "dataset-phantom.html", "synthesizer-cyclegan.html"} <= names


def test_a_component_that_is_not_installed_still_has_its_page(folder):
    (path,) = (folder / "parts").glob("loss-no_longer-there-*.html")
    assert "no loss of this name" in path.read_text(encoding="utf-8")


def test_stages_recipe_optimizer_and_posthoc_are_axes(runs, make_record, tmp_path):
    new = make_record("n", parts={"optimizer": "sam", "posthoc": "tau_norm"})
    new.spec.update(recipe="melanet", stages=[{"name": "joint"}, {"name": "crt"}])
    new.components.update({"stage 1": {"name": "joint"}, "stage 2": {"name": "crt"}})
    (board,) = rank([runs(new, make_record("old"))])
    methods = {run.name[-1:]: row.method for row in board.rows for run in row.runs}
    assert methods["n"] == "cyclegan + focal + melanet + joint > crt + sam + tau_norm"
    assert methods["d"] == "cyclegan + focal"
    write_site([board], tmp_path / "site")
    (view,) = Page(tmp_path / "site" / "index.html").data["boards"]
    values = {axis["name"]: set(axis["values"]) - {"not stated"} for axis in view["axes"]}
    assert values["recipe"] == {"melanet", "none"}
    assert values["stages"] == {"joint > crt", "joint"}
    assert values["optimizer"] == {"sam", "torch"}
    assert values["posthoc"] == {"tau_norm", "none"}
    names = {path.name for path in (tmp_path / "site" / "parts").iterdir()}
    assert {"stage-crt.html", "stage-joint.html", "recipe-melanet.html"} <= names


def test_hostile_names_stay_text(runs, make_record, tmp_path):
    record = make_record(
        "x",
        parts={"synth": HOSTILE, "loss": "{{ 7 * 7 }}"},
        data={"name": "../../etc", "notice": HOSTILE, "classes": [HOSTILE, "b"]},
    )
    write_site(rank([runs(record)]), tmp_path / "site")
    for page in pages(tmp_path / "site"):
        assert all(tag != "img" for tag, _ in page.elements)
        assert page.data["boards"][0]["notes"][0] == HOSTILE
        assert page.path.parent in (tmp_path / "site", tmp_path / "site" / "parts")
    assert json.loads(str(embedded([HOSTILE, "a\u2028&b"]))) == [HOSTILE, "a\u2028&b"]
    assert "<" not in embedded(HOSTILE)


def test_the_same_runs_give_the_same_site(folder, tmp_path):
    first = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.html")}
    write_site(rank([tmp_path / "runs"]), folder)
    again = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.html")}
    assert first == again


def test_an_old_site_is_replaced_and_nothing_else(folder, runs, make_record, tmp_path):
    (folder / "mine.txt").write_text("kept")
    write_site(rank([runs(make_record("only", parts={"loss": "ldam"}))])[:1], folder)
    (folder / "parts" / "gone.html").write_text("of an older site")
    write_site(rank([tmp_path / "runs" / "p"]), folder)
    assert not (folder / "parts" / "gone.html").exists()
    assert not (folder / "parts" / "loss-ldam.html").exists()
    assert (folder / "mine.txt").exists()
    (folder / "index.html").write_text("<h1>My holidays</h1>")
    with pytest.raises(InputError, match="not a leaderboard"):
        write_site(rank([tmp_path / "runs"]), folder)
    assert "holidays" in (folder / "index.html").read_text()


def test_the_command_makes_a_site_and_says_where(runs, make_record, tmp_path):
    found, target = runs(make_record("a")), tmp_path / "new" / "site"
    words = [str(found), "--format", "html"]
    made = CliRunner().invoke(leaderboard, [*words, "--output", str(target)])
    assert made.exit_code == 0
    assert made.output == f"open {target / 'index.html'}\n"
    assert (target / "index.html").is_file()
    without = CliRunner().invoke(leaderboard, words)
    assert without.exit_code == 2
    assert "--output DIR" in without.output
