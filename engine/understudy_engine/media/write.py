"""Everything that is written: segment layers, the joined master, and what is delivered."""

from .layer import stored_format, write_layer

__all__ = ["stored_format", "write_layer"]
