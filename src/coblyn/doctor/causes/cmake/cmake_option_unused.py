"""Accelerator options that the project does not know and that have no effect."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import option_unknown
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: option_unknown(CAUSE, case))
