"""Starts and stops Callsheet on one machine: the checks, the supervisor, and the guard each program runs under."""
