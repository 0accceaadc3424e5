"""Listeners to the engine's observer."""
