"""One session, one turn: asyncio, no third party."""
