"""Shell completion of the names of parts and recipes."""

from __future__ import annotations

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def components(kind: str) -> Completer:
    """Return a completer of the names of one kind, with their summaries."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from imbalance_derm.registry.manager import installed

        return [
            CompletionItem(name, help=entry.component.summary)
            for (found, name), entry in sorted(installed().entries.items())
            if found == kind and name.startswith(incomplete)
        ]

    return complete


def recipe_names(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a recipe, with its summary."""
    from imbalance_derm.experiment.recipes import recipes

    return [
        CompletionItem(name, help=recipe.summary)
        for name, recipe in recipes().items()
        if name.startswith(incomplete)
    ]
