"""The site in a real browser, from disk: light, dark, and the search, without network."""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("no chromium on this machine: apt-get install chromium", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        found = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def visit(browser, site):
    """Open a page; whatever goes wrong in its scripts, or leaves the disk, fails the test."""
    faults, opened = [], []

    def open_page(name: str, scheme: str = "light", width: int = 1280):
        found = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        found.on("pageerror", lambda error: faults.append(str(error)))
        found.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        found.on(
            "request",
            lambda sent: (
                None if sent.url.startswith(("file:", "data:")) else faults.append(sent.url)
            ),
        )
        found.goto((site / name).as_uri())
        found.wait_for_load_state("networkidle")
        opened.append(found)
        return found

    yield open_page
    for page in opened:
        page.close()
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("name", ["index.html", "which-remedy.html", "components/loss/focal.html"])
def test_it_is_readable_in_light_and_dark_on_a_phone_and_a_desk(visit, name, scheme, width):
    page = visit(name, scheme, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('article p')).color]"
    )
    dark = lightness(page, ground) < 0.5
    assert dark == (scheme == "dark")
    assert abs(lightness(page, ground) - lightness(page, ink)) > 0.5


def lightness(page, colour: str) -> float:
    """Mean of the channels on a white ground, 0 to 1, as the browser itself paints the colour."""
    red, green, blue = page.evaluate(
        """colour => {
            const brush = document.createElement("canvas").getContext("2d");
            brush.fillStyle = getComputedStyle(document.body).backgroundColor;
            brush.fillRect(0, 0, 1, 1);
            brush.fillStyle = colour;
            brush.fillRect(0, 0, 1, 1);
            return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        colour,
    )
    return (red + green + blue) / 765


def test_the_search_works_from_disk(visit):
    page = visit("index.html")
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("label distribution aware")
    first = page.locator(".md-search-result__item a").first
    first.wait_for(state="visible")
    links = page.locator(".md-search-result__item a").evaluate_all("a => a.map(b => b.href)")
    assert any("components/loss/ldam.html" in link or "recipes.html" in link for link in links)


def test_the_scheme_can_be_changed_and_the_tabs_lead_on(visit):
    page = visit("index.html")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("label[title='Dark']").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert lightness(page, before) > 0.5
    assert after != before
    with page.expect_navigation():
        page.get_by_role("navigation", name="Tabs").get_by_text("Components").click()
    assert page.locator("h1").inner_text().startswith("Components")
