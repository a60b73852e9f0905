"""A CMake cache that was created in or for another directory."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import cache_moved
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: cache_moved(CAUSE, case))
