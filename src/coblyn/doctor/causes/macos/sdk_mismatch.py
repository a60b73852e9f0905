"""Headers, objects and deployment target for different versions of macOS."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._toolchain import sdk_mismatch

CAUSE: Cause = described(__name__, lambda case: sdk_mismatch(CAUSE, case))
