"""The driver is older than the CUDA that the program was built with."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._machine import cuda_driver
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: cuda_driver(CAUSE, case))
