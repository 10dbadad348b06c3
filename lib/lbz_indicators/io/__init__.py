"""The only reader and writer of storage.

Delta tables (`tables`, `changes`), the lease on them (`lease`), delivered files (`files`), work files (`work`, `generated`).
"""

from __future__ import annotations

from lbz_indicators.io.changes import CHANGE
from lbz_indicators.io.lease import Lease, find_lease
from lbz_indicators.io.lease_row import LeaseRow
from lbz_indicators.io.tables import Store, Written, require_place

__all__ = ["CHANGE", "Lease", "LeaseRow", "Store", "Written", "find_lease", "require_place"]
