"""The wire protocol of dialogue-server: messages, codecs and the sans-I/O connection."""
