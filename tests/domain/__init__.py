"""The rules, whichever door they are reached through."""
