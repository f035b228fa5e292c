"""What the server remembers: jobs, their events and segments, linked media. SQLite, one writer thread."""

from .database import Database
from .edits import JobEdit
from .jobs import JobStore
from .media import LinkedFile, MediaStore
from .takes import TakeStore

__all__ = ["Database", "JobEdit", "JobStore", "LinkedFile", "MediaStore", "TakeStore"]
