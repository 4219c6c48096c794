"""Artifacts: the files that a job made."""
