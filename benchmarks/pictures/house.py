"""The picture of the design: the rooms in the order of their layers, and who imports whom.

    python benchmarks/pictures/house.py [--out docs/pictures/house.svg]

The layers are those that import-linter checks (pyproject.toml); the arcs are the imports that the
code really has. An arc drawn to the left would point upwards; there is none.
"""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from collections import Counter
from html import escape
from importlib import import_module
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "imbalance_derm"
ROW, TOP, LEFT, SPINE = 34, 66, 24, 640
INK, QUIET, BAR, LIGHT, BASE = "#16302b", "#4a625d", "#00796b", "#eef6f5", "#cfe5e1"


def layers() -> list[str]:
    """Return the rooms from the top layer to the bottom one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    return [layer.removeprefix(f"{PACKAGE}.") for layer in contract["layers"]]


def imports(rooms: list[str]) -> Counter[tuple[str, str]]:
    """Count the modules of one room that import from another."""
    graph = grimp.build_graph(PACKAGE)
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        room = module.split(".")[1:2]
        imported = graph.find_modules_directly_imported_by(module)
        for target in {name.split(".")[1] for name in imported if "." in name}:
            if room and room[0] in rooms and target in rooms and room[0] != target:
                found[room[0], target] += 1
    return found


def purpose(room: str) -> str:
    """Return the first line of the room's docstring, without its full stop."""
    module = import_module(f"{PACKAGE}.{room}")
    doc = (
        ast.get_docstring(ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))) or ""
    )
    line = re.sub(r":\w+:`[\w.]*?(\w+)`", r"\1", doc.partition("\n")[0].rstrip("."))
    return line if len(line) < 84 else line[:82].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def foundations(rooms: list[str], edges: Counter[tuple[str, str]]) -> list[str]:
    """Return the rooms that most of the rooms above them import from."""
    return [
        room
        for place, room in enumerate(rooms)
        if place and sum((above, room) in edges for above in rooms[:place]) > 0.6 * place
        and place > len(rooms) / 2
    ]  # fmt: skip


def draw(rooms: list[str], edges: Counter[tuple[str, str]]) -> str:
    """Return the picture as SVG."""
    place = {room: TOP + number * ROW for number, room in enumerate(rooms)}
    base = foundations(rooms, edges)
    edges = Counter({pair: count for pair, count in edges.items() if pair[1] not in base})
    reach = max(abs(place[b] - place[a]) for a, b in edges)
    width, height = SPINE + 30 + int(reach * 0.39) + 20, TOP + len(rooms) * ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" role="img">',
        "<title>The rooms of the package; every import goes down</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="13" fill="{QUIET}">Rooms of the package. Arcs are '
        "imports, thicker where more modules import; every arc goes down.</text>",
        f'<text x="{LEFT}" y="38" font-size="13" fill="{QUIET}">Not drawn: imports from '
        f"{', '.join(base)} (filled), on which almost every room rests.</text>",
    ]
    for (above, below), count in sorted(edges.items(), key=lambda item: item[1]):
        start, end = place[above], place[below]
        bend = SPINE + 16 + abs(end - start) * 0.52 * (1 if end > start else -1)
        lines.append(
            f'<path d="M {SPINE + 8} {start} C {bend:.0f} {start}, {bend:.0f} {end}, {SPINE + 8} '
            f'{end}" fill="none" stroke="{BAR}" stroke-width="{0.8 + count**0.5 * 0.45:.1f}" '
            'stroke-opacity="0.35"/>'
        )
    for room, y in place.items():
        lines += [
            f'<rect x="{LEFT}" y="{y - 14}" width="{SPINE - LEFT}" height="28" rx="4" '
            f'fill="{BASE if room in base else LIGHT}" stroke="{BAR}" stroke-opacity="0.4"/>',
            f'<text x="{LEFT + 10}" y="{y + 5}" font-size="14" font-weight="600" fill="{INK}">'
            f"{room}</text>",
            f'<text x="{LEFT + 112}" y="{y + 4}" font-size="12" fill="{QUIET}">'
            f"{escape(purpose(room))}</text>",
            f'<circle cx="{SPINE + 8}" cy="{y}" r="3.5" fill="{BAR}"/>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures/house.svg")
    out: Path = parser.parse_args().out
    rooms = layers()
    out.write_text(draw(rooms, imports(rooms)), encoding="utf-8")


if __name__ == "__main__":
    main()
