"""`python -m understudy_server` is the command `understudy`."""

from .cli import main

if __name__ == "__main__":  # the engine's process is spawned and imports this module again
    main()
