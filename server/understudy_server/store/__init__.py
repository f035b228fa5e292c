"""What the server remembers: jobs, their events and segments, linked media, analyses. SQLite, one writer thread."""

from .analyses import AnalysisEdit, AnalysisStore
from .database import Database
from .edits import JobEdit
from .jobs import JobStore
from .media import MediaFile, MediaStore
from .reserve import Reserve
from .takes import TakeStore

__all__ = [
    "AnalysisEdit",
    "AnalysisStore",
    "Database",
    "JobEdit",
    "JobStore",
    "MediaFile",
    "MediaStore",
    "Reserve",
    "TakeStore",
]
