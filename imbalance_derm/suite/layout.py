"""The folder of a suite: what is where."""

SUITE_FILE = "suite.json"
"""What the suite is: its axes, and the value of each for every run."""
RUNS = "runs"
"""A folder for each run."""
SESSIONS = "sessions"
"""What each command that is carrying the suite out tells its workers; gone when it has ended."""
