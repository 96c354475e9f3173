"""How long a leaderboard of thousands of runs takes to build, to open and to sort.

    python benchmarks/speed/leaderboard.py --out FILE.json [--records 5000] [--seeds 1]

The records are those of a real run with other parts, settings, seeds and figures; each has a
report beside it, which the site links to, and no predictions. With one seed every record is a row
of its own, which is the most that a page has to hold; with five, five records make one. Opening
and sorting are timed in headless Chromium: from the click to the frame after the rows stand in
their new order.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 5
AXES = {
    "synth": ("none", "augment", "smote", "cyclegan", "diffusion", "deepsmote"),
    "sampler": ("shuffle", "class_balanced"),
    "mixer": ("none", "remix"),
    "loss": ("ce", "weighted_ce", "focal", "logit_adjustment", "ldam"),
    "head": ("single_task", "body_site_mtl"),
}

CLICK = """(number) => new Promise((done) => {
  const buttons = [...document.querySelectorAll("#rows thead button")];
  const start = performance.now();
  buttons[number].click();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


def write_records(folder: Path, count: int, seeds: int) -> None:
    """Write so many records of made-up runs, each with a page that stands for its report."""
    rng = random.Random(0)
    (template,) = sorted((ROOT / "benchmarks/results").glob("isic2016-none-*/record.json"))
    text = template.read_text(encoding="utf-8")
    for number in range(count):
        record = json.loads(text)
        record["name"], record["seed"] = f"run-{number:05}", number % seeds
        record["spec"]["seed"] = number % seeds
        record["spec"]["train"]["learning_rate"] = 1e-6 * (number // seeds)
        if number % seeds == 0:
            parts = {axis: rng.choice(names) for axis, names in AXES.items()}
        for axis, name in parts.items():
            record["spec"].setdefault(axis, {})["name"] = name
            record["components"].setdefault(axis, {"citation": ""})["name"] = name
        for figure in record["metrics"]["test"].values():
            if figure["value"] is not None:
                figure["value"] = min(1.0, max(0.0, figure["value"] + rng.gauss(0, 0.05)))
        run = folder / record["name"]
        run.mkdir(parents=True)
        (run / "record.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        (run / "report.html").write_text("<title>report</title>", encoding="utf-8")


def in_chromium(start: Path, chromium: str) -> dict[str, object]:
    """Open the start page and sort by every column, both ways."""
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = []
        for _ in range(REPEATS):
            page = browser.new_page()
            begin = time.perf_counter()
            page.goto(start.absolute().as_uri())
            page.wait_for_selector("#rows tbody tr")
            opened.append(time.perf_counter() - begin)
            if len(opened) < REPEATS:
                page.close()
        sorts = _sorts(page)
        found = {
            "version": browser.version,
            "rows": page.inner_text("#count"),
            "open_seconds": {"median": statistics.median(opened), "longest": max(opened)},
            "sort_seconds": {"median": statistics.median(sorts), "longest": max(sorts)},
            "sorts": len(sorts),
        }
        browser.close()
    return found


def _sorts(page: Page) -> list[float]:
    buttons = page.locator("#rows thead button").count()
    places = [place for place in range(buttons) for _ in range(2)]
    return [page.evaluate(CLICK, place) / 1000 for place in places]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        runs, site = Path(folder) / "runs", Path(folder) / "site"
        write_records(runs, arguments.records, arguments.seeds)
        words = ["leaderboard", str(runs), "--format", "html", "--output", str(site)]
        begin, before = time.perf_counter(), os.times()
        subprocess.run(
            [sys.executable, "-c", "from imbalance_derm.cli.main import main; main()", *words],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took, after = time.perf_counter() - begin, os.times()
        found = {
            "command": "python benchmarks/speed/leaderboard.py",
            "records": arguments.records,
            "seeds": arguments.seeds,
            "machine": platform.machine(),
            "build_seconds": took,
            "build_cpu_seconds": sum(after[2:4]) - sum(before[2:4]),
            "load_average": os.getloadavg()[0],
            "site_megabytes": sum(f.stat().st_size for f in site.rglob("*.html")) / 1e6,
            "start_page_megabytes": (site / "index.html").stat().st_size / 1e6,
            "chromium": in_chromium(site / "index.html", chromium),
        }
    text = json.dumps(found, indent=1) + "\n"
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
