"""Aids for development and demonstration: the demo studio and the receiver of its webhooks."""
