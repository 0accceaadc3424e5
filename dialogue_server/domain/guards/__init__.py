"""What an answer must not say, and what happens if it does."""
