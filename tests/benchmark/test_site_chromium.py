"""The site in a real browser: sorted, filtered, opened and worked by keyboard, without network."""

from __future__ import annotations

from pathlib import Path

import pytest

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.site import write_site
from imbalance_derm.experiment.record import Figure

LOSSES = ("ce", "focal", "ldam")
MIXERS = ("cutmix", "mixup", "none", "remix", "rsg")


@pytest.fixture
def start(runs, make_record, tmp_path) -> Path:
    """150 methods of three losses, of which the best has a report; nothing published."""
    records = []
    for number in range(150):
        value = 0.6 + ((37 * number) % 150) / 500
        metrics = {"auc": Figure(value, value - 0.05, value + 0.05), "npv": Figure(1 - value)}
        records.append(
            make_record(
                f"run-{number:03}",
                parts={"loss": LOSSES[number % 3], "mixer": MIXERS[number % 5]},
                metrics=metrics,
                settings={"train": {"learning_rate": number}},
            )
        )
    folder = runs(*records, make_record("other", data={"name": "phantom"}))
    best = max(records, key=lambda record: record.metrics["test"]["auc"].value)
    (folder / best.name / "report.html").write_text(f"<title>{best.name}</title>")
    (tmp_path / "nothing").mkdir()
    return write_site(leaderboard([folder], published=tmp_path / "nothing"), tmp_path / "site")


@pytest.fixture
def page(browser, start):
    """The start page; whatever goes wrong in its script, or leaves the disk, fails the test."""
    found = browser.new_page(viewport={"width": 1280, "height": 900})
    faults: list[str] = []
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    found.on(
        "request",
        lambda sent: None if sent.url.startswith("file:") else faults.append(sent.url),
    )
    found.goto(start.as_uri())
    yield found
    found.close()
    assert faults == []


def column(page, title: str) -> list[str]:
    """First words of a column, as far as it is drawn."""
    heads = page.locator("#rows thead th")
    place = next(n for n in range(heads.count()) if heads.nth(n).inner_text().startswith(title))
    cells = page.locator(f"#rows tbody tr > :nth-child({place + 1})").all_inner_texts()
    return [cell.split()[0] if cell.split() else "" for cell in cells]


def head(page, title: str):
    return page.locator("#rows thead button").get_by_text(title, exact=True)


def sorted_as(page, title: str) -> str:
    return head(page, title).locator("xpath=..").get_attribute("aria-sort")


def test_a_click_sorts_and_another_turns_it_round(page):
    values = column(page, "AUC")
    assert values == sorted(values, reverse=True)
    assert len(values) == 100
    assert sorted_as(page, "AUC") == "none"
    head(page, "mixer").click()
    assert set(column(page, "mixer")[:30]) == {"cutmix"}
    head(page, "NPV").click()
    assert sorted_as(page, "NPV") == "descending"
    down = [float(v) for v in column(page, "NPV")]
    assert down == sorted(down, reverse=True)
    head(page, "NPV").click()
    assert sorted_as(page, "NPV") == "ascending"
    assert sorted_as(page, "mixer") == "none"
    up = [float(v) for v in column(page, "NPV")]
    assert up == sorted(up)
    assert up[0] < down[-1]  # it is the whole ranking that is sorted, not what was drawn
    page.get_by_role("button", name="Show 50 more").click()
    assert len(column(page, "NPV")) == 150


def test_filters_narrow_and_the_address_remembers(page, browser):
    page.get_by_label("loss").select_option(label="ldam (50)")
    assert set(column(page, "loss")) == {"ldam"}
    assert page.inner_text("#count") == "50 of 150 rows"
    page.get_by_label("mixer").select_option(label="remix (30)")
    assert page.inner_text("#count") == "10 of 150 rows"
    head(page, "NPV").click()
    again = browser.new_page()
    again.goto(page.url)
    assert again.inner_text("#count") == "10 of 150 rows"
    assert column(again, "NPV") == column(page, "NPV")
    again.close()
    page.get_by_label("Method contains").fill("no such method")
    assert page.inner_text("#count") == "0 of 150 rows"
    page.get_by_role("button", name="Clear filters").click()
    assert page.inner_text("#count").startswith("150 rows")
    page.get_by_label("Data set").select_option("phantom")
    assert page.inner_text("#count") == "1 row"


def test_a_run_and_a_component_open(page):
    with page.expect_navigation():
        page.get_by_role("link", name="report of").click()
    assert page.title().startswith("run-")
    page.go_back()
    with page.expect_navigation():
        page.locator("#parts").get_by_role("link", name="ldam").click()
    assert page.locator("h1").inner_text() == "ldam"
    assert page.inner_text("#count") == "50 rows"
    with page.expect_navigation():
        page.get_by_role("link", name="Leaderboard").click()
    assert page.inner_text("#count").startswith("150 rows")


def test_intervals_are_bars_to_scale(page):
    row = page.locator("#rows tbody tr").first
    cell = row.locator("td.figure").first
    value = float(cell.inner_text().split()[0])
    scale = cell.locator(".scale").bounding_box()
    bar, dot = (cell.locator(name).bounding_box() for name in (".range", ".dot"))
    ends = page.locator("#rows thead .ends").first.locator("span").all_inner_texts()
    low, high = map(float, ends)
    assert bar["width"] / scale["width"] == pytest.approx(0.1 / (high - low), abs=0.02)
    middle = (dot["x"] + dot["width"] / 2 - scale["x"]) / scale["width"]
    assert middle == pytest.approx((value - low) / (high - low), abs=0.02)


def test_matrices_of_chosen_rows_stand_side_by_side(page):
    ticks = page.locator("#rows tbody input")
    ticks.nth(0).check()
    ticks.nth(2).check()
    figures = page.locator("#matrices figure")
    assert figures.count() == 2
    boxes = [figures.nth(n).bounding_box() for n in range(2)]
    assert boxes[0]["y"] == boxes[1]["y"]
    cells = figures.first.locator("td").all_inner_texts()
    assert [cell.split()[0] for cell in cells] == ["213", "59", "24", "43"]
    head(page, "AUC").click()
    head(page, "AUC").click()
    assert figures.count() == 2
    page.get_by_role("button", name="Clear the choice").click()
    assert figures.count() == 0
    assert page.locator("#rows tbody input:checked").count() == 0


def test_all_of_it_works_by_keyboard(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    head(page, "NPV").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert sorted_as(page, "NPV") == "descending"
    page.keyboard.press("Space")
    assert sorted_as(page, "NPV") == "ascending"
    assert page.evaluate("document.activeElement.textContent") == "NPV"
    first = page.locator("#rows tbody input").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if first.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Space")
    assert page.locator("#matrices figure").count() == 1
    page.get_by_label("loss").focus()
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#count") == "50 of 150 rows"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_is_readable_in_light_and_dark_on_a_phone_and_a_desk(
    browser, contrast, start, scheme, width
):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in (start, start.parent / "parts" / "loss-focal.html"):
        page.goto(path.as_uri())
        page.locator("#rows tbody input").first.check()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        colours = page.evaluate(
            "['body', '#rows td.figure', '#rows td small'].map((name) => "
            "getComputedStyle(document.querySelector(name)))"
            ".map((style) => [style.color, style.backgroundColor])"
        )
        ground = colours[0][1]
        nearly_black = contrast("rgb(0, 0, 0)", ground) < 3
        assert nearly_black == (scheme == "dark")
        for ink, _ in colours:
            assert contrast(ink, ground) >= 4.5
    page.close()
