"""The only reader and writer of storage.

Delta tables (`tables` on `reading`, `delta_tables`, `place`, `changes`), the lease on them (`lease`), delivered files (`files`),
work files (`work`, `generated`). Private files (`private`), packages with their passwords and messages (`packages`, `passwords`,
`mail`, `notices`).
"""

from __future__ import annotations

from lbz_indicators.io.changes import CHANGE
from lbz_indicators.io.lease import Lease, find_lease
from lbz_indicators.io.lease_row import LeaseRow
from lbz_indicators.io.place import require_place
from lbz_indicators.io.reading import ABSENT
from lbz_indicators.io.tables import Store, Written, of_keys

__all__ = ["ABSENT", "CHANGE", "Lease", "LeaseRow", "Store", "Written", "find_lease", "of_keys", "require_place"]
