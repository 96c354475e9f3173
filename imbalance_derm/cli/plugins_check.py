"""``imbderm plugins check``: a part tried by the rules of its contract."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import is_quiet
from imbalance_derm.errors import InputError
from imbalance_derm.registry.component import KINDS


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[KIND] NAME")
@click.option(
    "--root",
    type=click.Path(exists=True, path_type=Path),
    help="For a data set: a small copy of it in the publisher's layout.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects, one for each rule.")
@verbosity_options
@click.pass_context
def check(ctx: click.Context, words: tuple[str, ...], root: Path | None, as_json: bool) -> None:
    """Try a part by every rule of its kind; exit 1 where it breaks one.

    \b
    Example:
      imbderm plugins check loss focal
    """  # noqa: D301 (click wants a backspace)
    from imbalance_derm.testing.check import examine, find

    kind, name = _kind_and_name(words)
    findings = examine(find(kind, name, root))
    failed = [finding for finding in findings if finding.status == "failed"]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        ctx.exit(1 if failed else 0)
    missing = [finding for finding in findings if finding.status == "not checked"]
    for finding in failed:
        click.echo(f"FAILED  {finding.rule}: {finding.reason}\n        {finding.contract}")
    if is_quiet():
        ctx.exit(1 if failed else 0)
    for reason in dict.fromkeys(finding.reason for finding in missing):
        names = ", ".join(finding.rule for finding in missing if finding.reason == reason)
        click.echo(f"NOT CHECKED  {names}: {reason}")
    passed = len(findings) - len(failed) - len(missing)
    others = f", {len(missing)} could not be checked" if missing else ""
    click.echo(f"{kind} {name}: {passed} rules passed, {len(failed)} failed{others}")
    ctx.exit(1 if failed else 0)


def _kind_and_name(words: tuple[str, ...]) -> tuple[str, str]:
    """Read KIND and NAME; the kind may be left out where only one has the name."""
    from imbalance_derm.registry.manager import installed, suggest

    if len(words) > 2:
        raise click.UsageError(f"got {len(words)} words where [KIND] NAME is due")
    if len(words) == 2:
        kind, name = words
        if kind not in KINDS:
            raise InputError(f"unknown kind '{kind}'{suggest(kind, KINDS)}")
        return kind, name
    name = words[0]
    known = [*installed().entries]
    kinds = [kind for kind, each in known if each == name]
    if len(kinds) > 1:
        which = ", ".join(f"imbderm plugins check {kind} {name}" for kind in kinds)
        raise InputError(f"there are {len(kinds)} parts called '{name}'; say which: {which}")
    if not kinds:
        for problem in installed().problems:
            if problem.name == name:
                raise InputError(f"skipped from {problem.distribution}: {problem.reason}")
        hint = suggest(name, {each for _, each in known})
        raise InputError(f"no part is called '{name}'{hint}; see: imbderm plugins list")
    return kinds[0], name
