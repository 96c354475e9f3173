"""The one place that composes every room into a run; one file per stage."""
