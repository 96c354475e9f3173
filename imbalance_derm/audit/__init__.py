"""The evidence on synthetic samples: what can be said of them before a classifier is trained."""
