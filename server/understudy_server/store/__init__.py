"""What the server remembers: jobs, their events and segments, linked media. SQLite, one writer thread."""

from .database import Database
from .edits import JobEdit
from .jobs import JobStore
from .media import MediaFile, MediaStore
from .reserve import Reserve
from .takes import TakeStore

__all__ = ["Database", "JobEdit", "JobStore", "MediaFile", "MediaStore", "Reserve", "TakeStore"]
