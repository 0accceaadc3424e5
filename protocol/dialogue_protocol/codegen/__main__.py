"""`python -m dialogue_protocol.codegen write|check`."""

import sys

from .cli import main

sys.exit(main(sys.argv[1:]))
