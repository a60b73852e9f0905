"""A build for an older macOS than the functions it calls require."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._machine import deployment_target
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: deployment_target(CAUSE, case))
