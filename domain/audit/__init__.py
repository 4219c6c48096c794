"""The audit trail."""

# What is kept for times of its own; `retention` says which entry is of which. Here, so that reading the settings loads
# no database library.
CLASSES = ("reads", "writes", "refusals", "actions")
