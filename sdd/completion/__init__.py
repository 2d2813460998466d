"""Completion of command lines by the shell: a script that knows commands, settings and names, and runs no Python."""
