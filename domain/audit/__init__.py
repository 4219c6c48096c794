"""The audit trail."""

SOURCES = ("api", "portal", "cli", "system")  # the door that an entry came through
# What is kept for times of its own; `retention` says which entry is of which. Here, so that reading the settings loads
# none of the tables.
CLASSES = ("reads", "writes", "refusals", "actions")
