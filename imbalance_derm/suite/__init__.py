"""Suites of runs: the grid, the stages that its runs share, and who computes them."""
