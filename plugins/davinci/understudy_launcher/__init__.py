# SPDX-License-Identifier: Apache-2.0
"""What Resolve's own Python runs: it starts the companion, and does on Resolve's objects what the companion asks.

Python 3.6 syntax and the standard library alone: any Python that Resolve finds can load it. All that takes more (gRPC,
a window, frame arithmetic) is done by the companion, ``python -m understudy_davinci`` in the product's own environment.
"""

import os
import subprocess
import sys
import tempfile

from . import relay

NOTHING_SAID = "it said nothing"


def start(verb, note, resolve):
    """Starts the companion for *verb*, and serves it until it needs Resolve's script no more.

    Args:
        verb: "replace" or "animate".
        note: what ``understudy plugins install davinci`` wrote: "python", the companion's interpreter.
        resolve: what the menu put into the script's globals.

    Returns:
        What went wrong, as a sentence for Resolve's console; "" if nothing did.
    """
    if resolve is None:
        return "Start Understudy from Resolve's menu: Workspace > Scripts."
    if not os.path.isfile(note["python"]):
        return gone(note)
    with tempfile.TemporaryFile() as errors:
        try:
            child = spawn([note["python"], "-m", "understudy_davinci", verb, "--relay"], errors)
        except OSError as error:
            return "%s cannot be run: %s. Install Understudy's menu scripts again." % (note["python"], error)
        if relay.serve(resolve, child.stdout, child.stdin):
            return ""  # it goes on by itself, or has ended by itself
        code = child.wait()
        return failed(note, code, last_line(errors)) if code else ""  # 0: it is open already


def spawn(command, errors):
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=environment(os.environ),
        cwd=os.path.expanduser("~"),
        **detached(sys.platform),
    )


OF_RESOLVE = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
)


def environment(ours):
    """*ours* without what would make another Python load Resolve's modules and libraries."""
    return {key: value for key, value in ours.items() if key not in OF_RESOLVE}


def detached(platform):
    """The companion outlives Resolve's script, and opens no console."""
    if platform == "win32":
        return {"creationflags": 0x00000200 | 0x08000000}  # CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW (3.7)
    return {"start_new_session": True}


def last_line(errors):
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else NOTHING_SAID


def gone(note):
    return (
        "Understudy was moved or removed: there is no %s. Run in its new place: understudy plugins install davinci"
        % note["python"]
    )


def failed(note, code, said):
    return "Understudy ended before it began (%s ended with %s: %s). Run: understudy doctor --davinci" % (
        note["python"],
        code,
        said,
    )
