"""``python -m imbalance_derm`` is ``imbderm``."""

from imbalance_derm.cli.main import main

main()
