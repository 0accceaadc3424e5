"""What the server costs, measured beside a bare forwarder in the same run.

`python -m benchmarks` (or `make bench`); `--quick` for a look, `--json FILE` for the figures.
Every figure comes from separate processes: an upstream that speaks like OpenRouter, the target
(server or forwarder), and a load client that reads the WebSockets.
"""
