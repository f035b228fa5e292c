"""Files that clients bring: under shared roots, uploaded, and given back."""

from .downloads import Downloads
from .links import MediaLinker
from .prober import Prober
from .roots import Roots
from .uploads import Uploads

__all__ = ["Downloads", "MediaLinker", "Prober", "Roots", "Uploads"]
