"""Jobs in the portal: lists, one with its files and attempts, and what people do to it."""
