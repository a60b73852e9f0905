"""The worker process: a line of ``MARK`` and JSON is a report; all other lines are the library's log.

python -m coblyn.workshop.worker TASK LIBRARIES JSON
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from coblyn.errors import CoblynError
from coblyn.llama.library import open_library
from coblyn.llama.process import end_with_parent
from coblyn.workshop.comparing import compare
from coblyn.workshop.observing import observe
from coblyn.workshop.protocol import MARK, Task
from coblyn.workshop.quantizing import plan, quantize

__all__ = ["TASKS", "main"]

TASKS: dict[str, Task] = {
    "plan": plan,
    "quantize": quantize,
    "observe": observe,
    "compare": compare,
}


def main() -> None:
    """Run the task named by the first argument."""
    end_with_parent()
    task, libraries, request = sys.argv[1:]
    try:
        library = open_library(Path(libraries), tell_crashes=True)
        _tell("done", **TASKS[task](library, json.loads(request), _tell))
    except CoblynError as error:
        _tell("failed", code=error.code, message=error.message, hint=error.hint)
    # Some drivers crash at process exit, after all work is done.
    os._exit(0)


def _tell(event: str, **values: Any) -> None:
    os.write(1, f"{MARK}{json.dumps({'event': event, **values})}\n".encode())


if __name__ == "__main__":
    main()
