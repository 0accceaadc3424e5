"""What an NPC remembers, and which of it matters now."""
