"""Losses: one file per family, all behind :class:`imbalance_derm.losses.contract.Loss`."""
