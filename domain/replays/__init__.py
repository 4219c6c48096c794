"""Events sent once more to a webhook that missed them."""

FASTEST = 60_000  # events a minute; here, so that reading the settings loads none of the tables
