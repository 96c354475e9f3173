"""What the site gets when it is built: component pages, quoted figures, results, a leaderboard."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import component_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from quoted import RESULTS, fill, load

from imbalance_derm.suite.layout import SUITE_FILE

ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("*.json", "*/leaderboard.json", "*/order.json")
_UP = re.compile(r"\]\(\.\./benchmarks/results/([\w./-]*?)(README\.md)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and put the components into the navigation."""
    for path, text in component_pages.pages():
        files.append(File.generated(config, path, content=text))
    files.append(File.generated(config, "results/index.md", content=_results()))
    for result in sorted(path for pattern in _COPIED for path in RESULTS.glob(pattern)):
        name = f"results/{result.relative_to(RESULTS).as_posix()}"
        files.append(File.generated(config, name, abs_src_path=str(result)))
    for suite in sorted(RESULTS.glob(f"*/{SUITE_FILE}")):
        folder, text = suite.parent, (suite.parent / "README.md").read_text(encoding="utf-8")
        page = f"# Suite {folder.name}\n\n{text}"
        files.append(File.generated(config, f"results/{folder.name}/index.md", content=page))
    config.nav = [_expanded(entry) for entry in config.nav or []]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the quoted figures, and point links into the results at the site's copy."""
    here = posixpath.dirname(page.file.src_uri)

    def copied(found: re.Match[str]) -> str:
        target = f"results/{found[1]}" + ("index.md" if found[2] or not found[1] else "")
        return f"]({posixpath.relpath(target, here or '.')})"

    return _UP.sub(copied, fill(markdown))


def on_post_build(config: MkDocsConfig) -> None:
    """Write the leaderboard of the committed results beside the pages."""
    from imbalance_derm.benchmark.leaderboard import leaderboard
    from imbalance_derm.benchmark.site import write_site

    write_site(leaderboard([RESULTS]), Path(config.site_dir) / "leaderboard")


def _expanded(entry: Any) -> Any:
    """Put the made pages where the navigation names their index."""
    if isinstance(entry, dict) and list(entry.values()) == ["components/index.md"]:
        return dict.fromkeys(entry, component_pages.navigation())
    return entry


def _results() -> str:
    """Return the page of results: every file with its command, and the leaderboard as text."""
    lines = []
    for path in sorted(RESULTS.glob("*.json")):
        found = load(path.name)
        said = [found["headline"]] if "headline" in found else []
        made = [f"`{found['command']}`"] if "command" in found else []
        lines.append("  \n    ".join([f"- [{path.name}]({path.name})", *said, *made]))
    suites = [path.parent.name for path in sorted(RESULTS.glob(f"*/{SUITE_FILE}"))]
    lines += [f"- suite [{name}]({name}/index.md)" for name in suites]
    board = (RESULTS / "README.md").read_text(encoding="utf-8")
    return (
        "# Measured results\n\n"
        "Every figure on these pages is from one of these files; each names its seeds, its\n"
        "environment and the command that made it.\n\n" + "\n".join(lines) + "\n\n"
        "The leaderboard below can be sorted and filtered "
        '<a href="../leaderboard/index.html">on a page of its own</a>.\n\n'
        + board.replace("\n# ", "\n## ")
    )
