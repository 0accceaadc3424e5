"""Models that stream."""
