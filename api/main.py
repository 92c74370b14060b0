"""The command's entry point: every command, and the one place where errors meet the shell."""

import io
import sys

from api import key_command
from api.serve import serve
from models.errors import HueweaveError
from service.commands.app import make_app
from service.commands.console import fail


def main() -> None:
    """Run the command line; exit 0 when done, 1 if the work failed, 2 if the call is wrong."""
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be text that the terminal can show; that must not end a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code. Errors a caller can mend are one line."""
    app = make_app()
    app.command()(serve)
    app.add_typer(key_command.app, name="key")
    try:
        app(arguments, prog_name="hueweave")
    except SystemExit as done:  # how Typer ends, well or not
        return done.code if isinstance(done.code, int) else 0
    except HueweaveError as error:
        fail(str(error))
        return error.exit_code
    except OSError as error:  # a full disk, a folder without rights: not the caller's wording
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 1
    return 0
