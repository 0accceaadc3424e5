"""Pure: what a conversation is. No I/O, no clock, no randomness, no asyncio."""
