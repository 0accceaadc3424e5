"""`python -m dialogue_server`: the same as the command `dialogue-server`."""

from .cli import main

if __name__ == "__main__":
    main()
