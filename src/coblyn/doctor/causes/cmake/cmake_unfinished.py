"""A build directory that CMake did not finish."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import unfinished
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: unfinished(CAUSE, case))
