"""The `dialogue-server` command. `main` is its entry point."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import DialogueError, SettingsError
from ..server.client_socket import ConnectError
from .card import card
from .chat import chat
from .check import check
from .conversations import conversations, export_conversation, import_conversation
from .demo import demo
from .dev import dev
from .init import init
from .invocation import Invocation
from .link import LinkLost
from .model import model
from .prompt import prompt
from .replay import replay
from .scenarios import test
from .serve import serve
from .settings import settings
from .talk import Refused
from .texts import texts
from .ticket import ticket

USAGE, FAILURE, INTERRUPTED = 2, 1, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dialogue-server")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """NPCs that talk, streamed token by token to game engines.

    \b
    Try it:
      dialogue-server demo              a short scene, then you join in
    Make a world of your own:
      dialogue-server init village      copy the starter world into ./village
      dialogue-server dev village       work on it in the browser
      dialogue-server chat village      talk to its NPCs in this terminal
      dialogue-server check village     find mistakes in it
      dialogue-server prompt tove village    see what a model would read
      dialogue-server serve village     serve it to a game, on ws://127.0.0.1:8765
    Give the NPCs a better voice:
      dialogue-server serve village --backend openrouter     (key in OPENROUTER_API_KEY)
      dialogue-server serve village --backend ollama --model llama3.1
    """
    context.obj.debug = debug


for _command in (
    *(init, dev, serve, chat, demo, model, test, replay, settings, card, prompt, check),
    *(conversations, export_conversation, import_conversation, ticket, texts),
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong usage or settings, 130 Ctrl-C."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code of a command line. Every failure that was foreseen is one clear line."""
    invocation = Invocation()
    try:
        result = cli.main(
            arguments, prog_name="dialogue-server", standalone_mode=False, obj=invocation
        )
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        invocation.terminal.error(error.format_message())
        context = getattr(error, "ctx", None)
        if context is not None:
            invocation.terminal.complain(f"See `{context.command_path} --help`.")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SettingsError as error:
        return _failed(invocation, error.detail, USAGE)
    except DialogueError as error:
        return _failed(invocation, error.detail, FAILURE)
    except (ConnectError, LinkLost, Refused) as error:
        return _failed(invocation, str(error), FAILURE)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        sys.stdout = None
        return FAILURE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _failed(invocation, f"{place}{error.strerror or error}", FAILURE)
    except Exception as error:
        text = f"this is a mistake in dialogue-server ({type(error).__name__}: {error})"
        if not invocation.debug:
            text += "; run it with `dialogue-server --debug ...` and report what it shows"
        return _failed(invocation, text, FAILURE)
    return result if isinstance(result, int) else 0


def _failed(invocation: Invocation, detail: str, code: int) -> int:
    if invocation.debug:
        traceback.print_exc()
    invocation.terminal.error(detail)
    return code
