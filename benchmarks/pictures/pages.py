"""Pictures of pages: the leaderboard of paper A's suite, and the report of a run on phantom.

    python benchmarks/pictures/pages.py [--to docs/pictures]

The leaderboard is that of the committed records; the report is of `imbderm run` as in the README,
made anew where the cache does not hold it. Needs Chromium.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from imbalance_derm import Experiment
from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.site import write_site

RESULTS = Path(__file__).parents[1] / "results" / "melanet"
WIDTH = 1200
COLOURS = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("docs/pictures"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        board = write_site(leaderboard([RESULTS]), Path(folder) / "board")
        record = Experiment(data="phantom", synth="cyclegan", loss="focal").run(folder)
        report = Path(folder) / record.name / "report.html"
        photograph(board, arguments.to / "page_leaderboard.png", 1150, "#count")
        photograph(report, arguments.to / "page_report.png", 1100)


def photograph(page: Path, to: Path, height: int, begin: str = "body") -> None:
    """Write `height` pixels of a page as seen in Chromium, from an element on."""
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        tab = browser.new_page(viewport={"width": WIDTH, "height": height})
        tab.goto(page.as_uri())
        tab.evaluate("place => document.querySelector(place).scrollIntoView()", begin)
        taken = Image.open(io.BytesIO(tab.screenshot()))
        browser.close()
    taken.convert("RGB").quantize(COLOURS).save(to, optimize=True)


if __name__ == "__main__":
    main()
