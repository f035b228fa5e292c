"""A stand-in for DaVinci Resolve, as stubborn as the real one, for tests of the plugin. It is not Resolve.

    standin = ResolveStandIn("studio-20.3.2")
    artist = Artist(standin)
    artist.project(); artist.new_timeline()
    item = artist.places(artist.imports(path))
    plugin(standin.resolve, sleep=standin.clock.sleep)

Every behaviour follows a line of Resolve's documents or a measurement, named where it is modelled: R:n is a line of
the scripting README of 24 July 2026, T:n an entry of davinci-resolve-mcp's measured facts, 1.6 and B11 sections of
the project's research.
"""

from .artist import Artist
from .calls import Call, CallLog, breaches
from .faults import CallHangs, PluginKilled
from .handle import Handle, NotModelled
from .profiles import PROFILES, Profile
from .snapshot import snapshot
from .standin import ResolveStandIn

__all__ = [
    "PROFILES",
    "Artist",
    "Call",
    "CallHangs",
    "CallLog",
    "Handle",
    "NotModelled",
    "PluginKilled",
    "Profile",
    "ResolveStandIn",
    "breaches",
    "snapshot",
]
