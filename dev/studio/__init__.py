"""The demo studio: what is in it, and how its past weeks are made up."""
