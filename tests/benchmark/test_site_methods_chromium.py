"""The site of a suite in a real browser: marks, methods with their seeds, effects, failures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.site import write_site


@pytest.fixture
def graded(browser, suite, tmp_path):
    """The page of a suite: a grid of two seeds, a leaky row, and a run that failed."""
    suite.merits.update({"focal": 3.0, "ldam": 9.0})
    suite.grid({"synth": ["none", "smote"], "loss": ["ce", "focal"]}, [0, 1])
    for seed in (0, 1):
        suite.run(
            {"synth": "none", "loss": "ldam"},
            seed,
            lambda record: replace(record, data={**record.data, "leaky": "Seen in training."}),
        )
    suite.fail({"synth": "smote", "loss": "ldam"}, 0, "failed", "fit", "<b>no</b> image")
    folder = suite.close()
    for run in (folder / "runs").iterdir():
        (run / "report.html").write_text(f"<title>{run.name}</title>")
    site = write_site(leaderboard([folder]), tmp_path / "graded")
    found = browser.new_page(viewport={"width": 1280, "height": 900})
    faults: list[str] = []
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.goto(site.as_uri())
    yield found
    found.close()
    assert faults == []


def marked(page) -> dict[str, list[str]]:
    rows = page.locator("#rows tbody tr")
    return {
        row.locator(".open").inner_text(): row.locator(".tag").all_inner_texts()
        for row in rows.all()
    }


def test_marks_are_seen_beside_the_names_and_are_a_filter(graded):
    marks = marked(graded)
    assert graded.locator("#rows .open").first.inner_text() == "none + ldam"
    assert marks["none + ldam"] == ["leaky"]
    assert "best" not in marks["none + ce"]
    best = [name for name, own in marks.items() if "best" in own]
    assert sum("chosen" in own for own in marks.values()) == 1
    graded.get_by_label("mark").select_option(label=f"best ({len(best)})")
    assert list(marked(graded)) == best
    assert "Chosen on validation: " in graded.inner_text("#findings")


def test_a_method_opens_with_its_seeds_its_reports_and_its_tests(graded, browser):
    graded.get_by_role("button", name="none + ce", exact=True).focus()
    graded.keyboard.press("Enter")
    section = graded.locator("#row")
    assert section.locator("h2").inner_text() == "none + ce"
    assert section.evaluate("node => node === document.activeElement")
    assert section.locator("#seeds tbody tr").count() == 2
    assert "minus that of the top" in section.inner_text()
    assert section.locator("#tests tbody tr").count() == 2
    again = browser.new_page()
    again.goto(graded.url)
    assert again.locator("#row h2").inner_text() == "none + ce"
    again.close()
    with graded.expect_navigation():
        section.get_by_role("link", name="report of none-ce-s1").click()
    assert graded.title() == "none-ce-s1"
    graded.go_back()
    graded.get_by_role("button", name="none + ldam").click()
    assert "Leaky: Seen in training." in graded.inner_text("#row")
    graded.get_by_role("button", name="Close").click()
    assert graded.locator("#row").is_hidden()


def test_effects_failures_and_summed_matrices_are_shown(graded):
    rows = graded.locator("#effects-table tbody tr")
    found = {tuple(row.locator("th, td").all_inner_texts()[:3]) for row in rows.all()}
    assert found == {("synth", "smote", "none"), ("loss", "focal", "ce")}
    bar = rows.last.locator(".range").bounding_box()
    zero = rows.last.locator(".zero").bounding_box()
    assert bar["x"] > zero["x"]  # focal is better, and the bar says so
    failed = graded.locator("#failed li").all_inner_texts()
    assert failed == ["smote + ldam (seed 0): failed at fit: <b>no</b> image"]
    graded.locator("#rows tbody input").first.check()
    figure = graded.locator("#matrices figure")
    assert "sum over 2 seeds" in figure.inner_text()
    counts = [int(text.split()[0]) for text in figure.locator("td").all_inner_texts()]
    assert sum(counts) == 200  # 100 test images, twice


def test_a_method_on_a_components_page_leads_to_its_seeds(graded):
    graded.goto(graded.url.partition("#")[0].replace("index.html", "parts/loss-focal.html"))
    with graded.expect_navigation():
        graded.locator("#rows").get_by_role("link", name="smote + focal").click()
    assert graded.locator("#row h2").inner_text().startswith("smote + focal")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tags_are_readable_and_the_open_method_fits_a_phone(graded, contrast, scheme):
    graded.set_viewport_size({"width": 390, "height": 800})
    graded.emulate_media(color_scheme=scheme)
    graded.get_by_role("button", name="none + ldam").click()
    assert graded.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("leaky", "best", "chosen"):
        style = graded.locator(f"#rows .tag-{name}").first.evaluate(
            "node => { const own = getComputedStyle(node);"
            "return [own.color, own.backgroundColor,"
            "getComputedStyle(document.body).backgroundColor]; }"
        )
        ink, ground, paper = style
        assert contrast(ink, paper if "rgba" in ground else ground) >= 4.5
