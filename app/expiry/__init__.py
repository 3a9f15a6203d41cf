"""What is kept, and for how long: results and blocks by age, by quota and by use; rows that tell of nothing any more.

The row says first that a file is gone, then the file goes. Whoever dies in between leaves litter, which the audit
finds, and never a promise without its file.
"""

from __future__ import annotations

from app.expiry.presence import storage_is_there
from app.expiry.results import lost, note_use
from app.expiry.sweep import Expired, Expiry

__all__ = ["Expired", "Expiry", "lost", "note_use", "storage_is_there"]
