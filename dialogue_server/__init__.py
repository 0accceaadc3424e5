"""dialogue-server: NPCs that talk, streamed token by token to game engines."""

__version__ = "0.1.0"
