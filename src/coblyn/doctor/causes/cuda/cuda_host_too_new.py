"""The installed gcc is newer than nvcc supports."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._machine import cuda_host
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: cuda_host(CAUSE, case))
