"""Recorded sessions: their file, their answers, their comparison."""
