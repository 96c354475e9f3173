"""Every part of this environment keeps the contract of its kind; every rule names a real line."""

from __future__ import annotations

import pytest

from imbalance_derm.registry.component import KINDS
from imbalance_derm.registry.manager import installed
from imbalance_derm.testing import check, conformance, rules_of


@pytest.mark.parametrize(("kind", "name"), sorted(installed().entries), ids=lambda word: word)
def test_it_keeps_its_contract(kind, name):
    assert check(kind, name) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_names_a_line_that_is_there(kind):
    rules = rules_of(kind)
    assert len({rule.name for rule in rules}) == len(rules) >= 9
    for rule in rules:
        path, number, text = rule.contract.split(":", 2)
        assert path.startswith("imbalance_derm/"), rule.name
        assert int(number) > 0, (rule.name, rule.contract)
        assert text.strip() == rule.line


test_conformance = conformance("loss", "focal")
test_what_cannot_be_tried_is_skipped = conformance("dataset", "csv")
