# SPDX-License-Identifier: Apache-2.0
# Written by: understudy plugins install davinci (version @VERSION@). Install again rather than change it.
"""Understudy's entry in the menu Workspace > Scripts.

Resolve's own Python runs it: 3.6 or later, with the standard library alone.
"""

import io
import json
import os
import sys

VERB = "@VERB@"
NOTE = r"""@NOTE@"""  # where the installer noted the way to the product


def main(resolve):
    """What went wrong, as a sentence; "" if nothing did."""
    try:
        with io.open(NOTE, encoding="utf-8") as file:
            note = json.load(file)
        sys.path.insert(0, note["plugin"])
        import understudy_launcher
    except (OSError, ValueError, KeyError, ImportError) as error:
        return "Understudy is not where it was (%s). Run: understudy plugins install davinci" % error
    return understudy_launcher.start(VERB, note, resolve)


def found_resolve(given):
    """Resolve puts ``resolve`` into a script's globals; 21.1 documents ``app`` in its place."""
    if given.get("resolve") is not None:
        return given["resolve"]
    return given["app"].GetResolve() if given.get("app") is not None else None


said = main(found_resolve(globals()))  # not under __name__ == "__main__", which Resolve does not promise
if said:
    sys.stderr.write(said + os.linesep)
