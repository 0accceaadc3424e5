"""Character Cards and lorebooks: read, written, kept."""
