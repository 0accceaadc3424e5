"""The outside: sockets, admission, composition."""
