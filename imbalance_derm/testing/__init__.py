"""The conformance kit: what the contract of each kind asks of a part, as rules that can be run.

Examples
--------
In a file of tests of a plugin::

    from imbalance_derm.testing import conformance

    test_conformance = conformance("loss", "my-loss")
"""

from imbalance_derm.testing.check import Finding, check, rules_of
from imbalance_derm.testing.conformance import conformance

# The plugin of pytest imports this room at every start of pytest: nothing heavy here.
__all__ = ["Finding", "check", "conformance", "rules_of"]
