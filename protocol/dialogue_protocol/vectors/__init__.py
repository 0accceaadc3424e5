"""The conformance vectors that every client of the protocol runs, and what writes them.

`python -m dialogue_protocol.vectors` writes protocol/vectors/; with `--check` it only compares.
"""
