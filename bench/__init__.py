"""Programs that measure the figures that Callsheet promises. `python -m bench NAME`; nothing imports them."""
