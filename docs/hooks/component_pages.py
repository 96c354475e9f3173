"""One page for each part of the registry, one index for each kind, and one for all kinds."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import docstring_parser
from markdown_table import table
from measured import Measured, measured

from imbalance_derm.experiment.recipes import read_recipe, recipes
from imbalance_derm.experiment.spec import PARTS
from imbalance_derm.registry.component import KINDS, Component
from imbalance_derm.registry.manager import Registered, installed
from imbalance_derm.registry.parameters import describe, parameter_model

from recipe_table import parts_of  # isort: skip

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
_KINDS = {
    "dataset": "Where the images, their classes, lesions, patients and body sites come from.",
    "synthesizer": "What makes synthetic training images, from training images only.",
    "sampler": "Which images make a batch.",
    "mixer": "How the images of a batch are mixed with each other.",
    "backbone": "What turns an image into features.",
    "head": "What turns features into classes.",
    "loss": "What is minimised.",
    "stage": "What the training does in one part of its budget.",
    "optimizer": "What takes the steps.",
    "posthoc": "What is done to the outputs after training, fitted on validation only.",
    "tracker": "Who is told of the events of a run.",
}
_SHOWN = 12


def pages() -> Iterator[tuple[str, str]]:
    """Yield path and markdown of every page, in the order of the navigation."""
    yield "components/index.md", _all_kinds()
    for kind in KINDS:
        yield f"components/{kind}/index.md", _index(kind)
        for name in installed().names(kind):
            yield f"components/{kind}/{name}.md", page(installed().entries[kind, name])


def navigation() -> list[Any]:
    """Return the part of the navigation that holds these pages."""
    return [
        "components/index.md",
        *(
            {
                plural(kind): [
                    f"components/{kind}/index.md",
                    *({name: f"components/{kind}/{name}.md"} for name in installed().names(kind)),
                ]
            }
            for kind in KINDS
        ),
    ]


def plural(kind: str) -> str:
    """Return the title of a kind.

    Examples
    --------
    >>> plural("loss"), plural("head")
    ('Losses', 'Heads')
    """
    titles = {"dataset": "Data sets", "loss": "Losses", "posthoc": "Post-hoc methods"}
    return titles.get(kind, kind.capitalize() + "s")


def section_of(kind: str) -> str:
    """Return the section of a specification, which is the option, that names a part of `kind`.

    Examples
    --------
    >>> section_of("synthesizer"), section_of("stage")
    ('synth', 'stage')
    """
    return {part: section for section, part in PARTS.items()}.get(kind, kind)


def command(component: Component, target: Any) -> str:
    """Return a command line that uses the part."""
    name = component.name
    field = parameter_model(target).model_fields.get(component.shorthand)
    if field is not None:
        name = f"{name}/{field.default}" if isinstance(field.default, str) else f"{name}/NAME"
    words = f"imbderm run --{section_of(component.kind)} {name}"
    return f"{words} --data-root DIR" if getattr(target, "needs_root", False) else words


def page(entry: Registered) -> str:
    """Return the page of one part."""
    component, target = entry.component, entry.load()
    doc = docstring_parser.parse(
        inspect.cleandoc(target.__doc__ or ""), style=docstring_parser.DocstringStyle.NUMPYDOC
    )
    parts = [
        f"# {component.name}",
        f"*{component.kind}* from {entry.distribution} {entry.version}, `{component.target}`",
        doc.short_description or component.summary,
        _prose(doc.long_description),
        *_pictures(component),
        f"```console\n{command(component, target)}\n```",
        "## Parameters",
        _parameters(component, target),
        *_presets(target),
    ]
    for title, key in (("Notes", "notes"), ("References", "references")):
        texts = [meta.description or "" for meta in doc.meta if meta.args == [key]]
        if key == "references" and component.citation and not texts:
            texts = [f"{component.citation}."]
        if texts:
            parts += [f"## {title}", *map(_prose, dict.fromkeys(texts))]
    examples = _examples(target.__doc__ or "")
    if examples:
        parts += ["## Example", f"```pycon\n{examples}\n```"]
    parts += [*_recipes(component), *_measured(component)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _prose(text: str | None) -> str:
    """Turn the little reStructuredText that docstrings use into markdown."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text or "")
    text = re.sub(r"arXiv (\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", text)
    return re.sub(r"::$", ":", text, flags=re.M)


def _examples(doc: str) -> str:
    """Return the section "Examples" of a docstring as it stands: the parser drops its prompts."""
    found = re.search(r"^Examples\n-+\n(.*)", inspect.cleandoc(doc), re.S | re.M)
    return found[1].rstrip() if found else ""


def _parameters(component: Component, target: Any) -> str:
    parameters = describe(target)
    if not parameters:
        return "It has none."
    rows = [
        (
            f"`{p.name}`",
            p.type,
            "" if p.default is None else f"`{json.dumps(p.default, ensure_ascii=False)}`",
            escape(p.limits),
            p.doc,
        )
        for p in parameters
    ]
    shown = table(("parameter", "type", "default", "range", "meaning"), rows)
    section = section_of(component.kind)
    if section in PARTS:
        return f"Set with `--set {section}.NAME=VALUE`.\n\n{shown}"
    return f"Set in a file for `--config`, under `[[{section}s]]`.\n\n{shown}"


def _presets(target: Any) -> list[str]:
    presets: dict[str, dict[str, Any]] = getattr(target, "presets", {})
    if not presets:
        return []
    rows = [
        (f"`{name}`", ", ".join(f"`{k} = {json.dumps(v)}`" for k, v in values.items()))
        for name, values in presets.items()
    ]
    return ["## Presets", table(("preset", "sets"), rows)]


def _pictures(component: Component) -> list[str]:
    manifest = tomllib.loads((PICTURES / "pictures.toml").read_text(encoding="utf-8"))
    part = f"{component.kind}/{component.name}"
    shown = []
    for path in sorted(PICTURES.iterdir()):
        for entry in manifest["picture"]:
            found = re.fullmatch(entry["files"], path.name)
            if found and entry.get("part", "").format(**found.groupdict()) == part:
                caption = entry["caption"].format(**found.groupdict())
                shown.append(f"![{caption}](../../pictures/{path.name})\n\n*{caption}*")
    return shown


def _recipes(component: Component) -> list[str]:
    using = [
        name
        for name in recipes()
        if (component.kind, component.name) in parts_of(read_recipe(name))
    ]
    if not using:
        return []
    names = ", ".join(f"`{name}`" for name in using)
    return ["## Recipes", f"[Recipes](../../recipes.md#all-recipes) that name it: {names}."]


def _measured(component: Component) -> list[str]:
    entries = measured().get((component.kind, component.name), [])
    if not entries:
        return []
    lines = [_line(entry) for entry in entries[:_SHOWN]]
    if len(entries) > _SHOWN:
        lines.append(f"- and {len(entries) - _SHOWN} more")
    return ["## Measured", "Committed results of runs that used it.", "\n".join(lines)]


def _line(entry: Measured) -> str:
    said = " ".join(entry.sentences[:2])
    return f"- [{entry.file}](../../results/{entry.file}), {entry.entry}" + (
        f": {said}" if said else ""
    )


def _index(kind: str) -> str:
    entries = [installed().entries[kind, name] for name in installed().names(kind)]
    rows = [
        (
            f"[`{e.component.name}`]({e.component.name}.md)",
            e.component.summary,
            e.component.citation,
            e.distribution,
        )
        for e in entries
    ]
    option = f"`--{section_of(kind)} NAME`"
    return (
        f"# {plural(kind)}\n\n{_KINDS[kind]} Option: {option}.\n\n"
        + table(("name", "what it does", "source", "from"), rows)
        + f"\n\nThe same list: `imbderm plugins list --kind {kind}`.\n"
    )


def _all_kinds() -> str:
    rows = [
        (
            f"[{plural(kind)}]({kind}/index.md)",
            str(len(installed().names(kind))),
            f"`--{section_of(kind)}`",
            _KINDS[kind],
        )
        for kind in KINDS
    ]
    return (
        "# Components\n\n"
        "A run is composed of parts, one or more of each kind. These pages are made from the\n"
        "registry: what stands here is what `imbderm plugins info KIND NAME` prints. A package of\n"
        "your own adds parts: [Writing a plugin](../plugins.md).\n\n"
        + table(("kind", "parts", "option", "what it decides"), rows)
        + "\n"
    )
