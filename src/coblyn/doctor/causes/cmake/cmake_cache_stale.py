"""A build directory whose compiler, build program or SDK is gone."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import cache_gone
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: cache_gone(CAUSE, case))
