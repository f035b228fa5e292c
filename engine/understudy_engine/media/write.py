"""Everything that is written: a segment's layers, the master joined of them, and what is delivered."""

from .deliver import DeliveryCodec, deliver
from .join import join_master
from .layer import stored_format, write_layer

__all__ = ["DeliveryCodec", "deliver", "join_master", "stored_format", "write_layer"]
