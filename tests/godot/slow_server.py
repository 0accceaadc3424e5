"""`dialogue-server`, whose authored voice takes its time, so that a test can cut in."""

import sys

from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.cli import main

assert ScriptedBackend.__init__.__kwdefaults__ is not None
ScriptedBackend.__init__.__kwdefaults__["delay"] = float(sys.argv.pop(1))

main()
