"""Callsheet's tests."""
