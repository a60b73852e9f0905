"""A directory with a space in its name, which a generator does not quote."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_SPACE = (
    r"(?:^|[\s\"'=(])(?:[A-Za-z]:)?[/\\](?:[^\s\"'/\\:]{1,60}[/\\]){1,12}[^\s\"'/\\:]{1,60}(?:\\)?"
    r" [^\s\"'/\\:]{1,60}[/\\]"
)
_QUOTED = (
    r"[\"'](?:[A-Za-z]:)?[/\\][^\"'\n]{1,200}[^\s\"'/\\] [^\"'\n/\\]{1,60}[^\"'\n]{0,200}[\"']"
)

CAUSE = log_cause(
    "path-with-space",
    "The path of the build has a space in it",
    sign(
        r"(?:glslc|glslangValidator)(?:\.exe)?[^\n]{0,40}: (?:error: )?(?:too many input files"
        r"|(?:error: )?linking multiple "
        r"files is not supported)",
        "The shader compiler got one path as several: it has a space in it.",
        text="Build in a directory whose whole path has no space.",
        also=_SPACE + "|" + _QUOTED,
    ),
    sign(
        r"glslc(?:\.exe)?[^\n]{0,40}: (?:error: )?too many input files",
        "The shader compiler got one path as several, which a space in it does.",
        text="Build in a directory whose whole path has no space.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"(?:error: cannot open input file: |fatal error: |error: no such file or directory: |No rule to make target )"
        r"[`'\"](?P<half>(?:[A-Za-z]:)?[/\\][^'\"\n]{1,200}?[^'\"\s/\\]{1,60})['\"]",
        "{half} is the first half of a path with a space.",
        text="Build in a directory whose whole path has no space.",
        also=_QUOTED,
        unless=r"No such file or directory[^$]{0,20}#include|fatal error: [^\n]{1,200}\.h(?:pp)?[:'\"]",
        sure=Confidence.MEDIUM,
    ),
    looks_like="glslc: error: linking multiple files is not supported yet (in /home/me/my projects/…)",
    explanation="A tool that the build starts gets the path without quotes, so that it sees two words where one is "
    "meant. Make, ggml's generator of shaders and many scripts have this fault.",
    fix="Move the source and the build to a path without spaces, and configure again there.",
    links=(
        "https://github.com/qiutang98/flower/pull/10",
        "https://github.com/chreden/trview/issues/229",
    ),
    explains=("vulkan-shaders-gen", "vulkan-glslc-too-old"),
)
