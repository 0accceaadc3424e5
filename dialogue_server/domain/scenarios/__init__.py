"""Conversations as tests: their file and what is expected."""
