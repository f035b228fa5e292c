"""Runs one scenario in this process: ``python -m tests.plugins.blender.scenarios.run MODULE FUNCTION``.

Ends the process by itself: Blender 4.5 as a module can hang in the interpreter's own exit.
"""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import importlib
import os
import sys
import traceback


def main(module: str, function: str) -> int:
    try:
        getattr(importlib.import_module(f"tests.plugins.blender.scenarios.{module}"), function)()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
