"""Where conversations and content live."""
