"""Why Callsheet cannot start."""


class StartError(Exception):
    """Something on this machine is in the way. The message is one sentence that names the variable to change."""
