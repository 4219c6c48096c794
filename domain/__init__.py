"""What is true whichever door you came through: rules and tables. Knows no web framework, queue or HTTP client."""
