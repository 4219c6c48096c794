"""`python -m tests.fuzz`: the OpenAPI document against the running product, by schemathesis. See `__main__`."""
