"""Scripts with Windows line endings."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.checkout._checkout import script_of_windows

CAUSE: Cause = described(__name__, lambda case: script_of_windows(CAUSE, case))
