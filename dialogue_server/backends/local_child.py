"""The embedded model's process: the sole owner of xllamacpp. Started by `local.py`, never by hand.

A process of its own because llama.cpp's crashes (and its slow farewells) must not be the game
server's. The contract with the parent:

- the first line of stdin is a `ChildConfig` as JSON (the API key comes this way, since a
  command line is visible to every user of the machine);
- one line of JSON on stdout answers it: a `Ready` or a `Failed`;
- the end of stdin ends the process, at once and without cleaning up: so the child is gone when
  its parent is, however that went, and a generation under way holds nothing up. (An orderly exit
  in mid-generation was seen to crash, and to hang for half a minute.)

What llama.cpp prints goes to stderr.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

import msgspec
from msgspec import Struct


class ChildConfig(Struct, frozen=True):
    """What the child serves, and how."""

    model: str
    api_key: str
    threads: int
    context_tokens: int
    """Per slot: prompt and answer together."""
    slots: int
    cache_mib: int
    """A cap on the prompt cache."""
    chat_template: str = ""
    """A Jinja template in place of the model's own; "" keeps it."""


class Ready(Struct, frozen=True, tag="ready"):
    """The model is loaded and listens on this loopback port."""

    port: int
    load_seconds: float


class Failed(Struct, frozen=True, tag="failed"):
    """The model cannot be served. `kind`: import (the runtime), memory, load."""

    kind: str
    detail: str


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on
    # llama.cpp may write to stdout; the parent must read nothing there but our one line.
    reports = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=ChildConfig)
    threading.Thread(target=_exit_at_end_of_stdin, daemon=True).start()
    report, server = _serve(config)
    reports.write(msgspec.json.encode(report) + b"\n")
    if server is None:
        sys.stderr.flush()
        os._exit(1)
    threading.Event().wait()


def _exit_at_end_of_stdin() -> None:
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(0)


def _serve(config: ChildConfig) -> tuple[Ready | Failed, Any]:
    started = time.monotonic()
    try:
        import xllamacpp  # noqa: PLC0415 - its absence is an answer, not a crash
    except (ImportError, OSError) as error:
        return Failed("import", str(error)), None
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, config))
        address: str = server.listening_address
    except MemoryError as error:
        return Failed("memory", str(error)), None
    except Exception as error:
        return Failed("load", str(error)), None
    port = int(address.rstrip("/").rpartition(":")[2])
    return Ready(port, time.monotonic() - started), server


def _parameters(xllamacpp: Any, config: ChildConfig) -> Any:
    """The parameters, each as measured (docs/design.md, "The embedded model")."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = config.model
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    # Open by default, to any origin that a browser on this machine has open.
    parameters.api_keys = [config.api_key]
    parameters.endpoint_slots = False
    parameters.endpoint_props = False
    parameters.ui = False
    # All cores collapse (to a quarter) as soon as anything else runs; the parent says how many.
    parameters.cpuparams.n_threads = config.threads
    parameters.cpuparams_batch.n_threads = config.threads
    parameters.n_parallel = config.slots
    parameters.n_ctx = config.context_tokens * config.slots
    # A newcomer's long prompt then stalls a running stream by tenths of a second, not seconds.
    parameters.n_batch = 128
    parameters.n_ubatch = 128
    # Dropping the oldest messages of a history keeps the rest of the cache.
    parameters.n_cache_reuse = 64
    parameters.cache_ram_mib = config.cache_mib
    # How soon a client that went away is noticed, in seconds.
    parameters.sse_ping_interval = 1
    parameters.verbosity = 1
    if config.chat_template:
        parameters.chat_template = config.chat_template
        parameters.use_jinja = True
    return parameters


if __name__ == "__main__":
    main()
