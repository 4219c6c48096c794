"""The API as its callers know it, one file for each action."""
