"""Objects, libraries or programs for a different processor than the rest."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._links import other_architecture
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: other_architecture(CAUSE, case))
