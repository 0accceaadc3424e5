"""Writes the clients' message classes from messages.py: `python -m dialogue_protocol.codegen`."""
