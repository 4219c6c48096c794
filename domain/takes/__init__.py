"""Takes: what was made of an asset, numbered, to be decided on."""
