"""Formats of strings as regular expressions.

Sources: JSON Schema Validation 2020-12, 7.3, and the standards that it names: RFC 3339 (dates, times), RFC 5321 (mail),
RFC 1123 (hosts), RFC 4291 (IPv6), RFC 3986 and 3987 (URIs, IRIs), RFC 6570 (templates), RFC 6901 (pointers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DEFINED", "of_format"]

DEFINED = {
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
}
"""Formats that a draft from 4 to 2020-12 defines. All others mean nothing that could be enforced."""

_MONTHS = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_LEAP_YEAR = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = rf"(?:\d{{4}}-{_MONTHS}|{_LEAP_YEAR}-02-29)"

_PARTS = r"(?:\.\d+)?"
_OFFSET = r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"


def _leap_seconds() -> str:
    """The last second of a day in Greenwich, where it is 60; offsets are whole hours, to keep it short."""
    ways = [
        rf"{hour:02}:59:60{_PARTS}(?:\+{(hour + 1) % 24:02}|-{23 - hour:02})" for hour in range(23)
    ]
    return rf"23:59:60{_PARTS}(?:[Zz]|[+-]00:00)|(?:{'|'.join(ways)}):00"


_TIME = rf"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d{_PARTS}{_OFFSET}|{_leap_seconds()})"

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}"


def _ipv6() -> str:
    """Eight groups, the last two perhaps as IPv4, with one gap at most."""
    group = r"[0-9A-Fa-f]{1,4}"
    end = rf"(?:{group}:{group}|{_IPV4})"
    ways = [rf"(?:{group}:){{6}}{end}"]
    for after in range(6):
        before = 5 - after
        start = rf"(?:(?:{group}:){{0,{before - 1}}}{group})?" if before > 0 else ""
        ways.append(rf"{start}::(?:{group}:){{{after}}}{end}")
    ways.append(rf"(?:(?:{group}:){{0,5}}{group})?::{group}")
    ways.append(rf"(?:(?:{group}:){{0,6}}{group})?::")
    return f"(?:{'|'.join(ways)})"


_IPV6 = _ipv6()

# Labels that begin with xn-- stand for others, and not all of them do.
_LABEL = (
    r"(?:[0-9A-WYZa-wyz](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
    r"|[Xx](?:[0-9A-MO-Za-mo-z-][0-9A-Za-z-]{0,60}[0-9A-Za-z]|[0-9A-MO-Za-mo-z])?"
    r"|[Xx][Nn](?:[0-9A-Za-z][0-9A-Za-z-]{0,59}[0-9A-Za-z]|-[0-9A-Za-z][0-9A-Za-z-]{0,58}[0-9A-Za-z]"
    r"|-[0-9A-Za-z]|[0-9A-Za-z])?)"
)
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"

_ATOM = r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_ADDRESS = rf"\[(?:{_IPV4}|IPv6:{_IPV6})\]"
_EMAIL = rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:{_HOST}|{_ADDRESS})"
_WIDE = r"\u{80}-\u{10FFFF}"
_WIDE_ATOM = _ATOM.replace("-]+", rf"{_WIDE}-]+")
_WIDE_LABEL = rf"[0-9A-Za-z{_WIDE}](?:[0-9A-Za-z{_WIDE}-]{{0,61}}[0-9A-Za-z{_WIDE}])?"
_WIDE_QUOTED = _QUOTED.replace("-~]|", rf"-~{_WIDE}]|")
_WIDE_LOCAL = rf"(?:{_WIDE_ATOM}(?:\.{_WIDE_ATOM})*|{_WIDE_QUOTED})"
_WIDE_EMAIL = rf"{_WIDE_LOCAL}@{_WIDE_LABEL}(?:\.{_WIDE_LABEL})*"


def _reference(more: str, private: str) -> tuple[str, str]:
    """URIs, and references to them.

    Args:
        more: What letters there are beside those of ASCII, as in a character class.
        private: The same, in queries only.
    """
    escaped = "%[0-9A-Fa-f]{2}"
    plain = rf"0-9A-Za-z\-._~!$&'()*+,;={more}"
    letter = rf"(?:[{plain}:@]|{escaped})"
    bare = rf"(?:[{plain}@]|{escaped})"
    host = rf"(?:\[(?:{_IPV6}|[Vv][0-9A-Fa-f]+\.[{plain}:]+)\]|(?:[{plain}]|{escaped})*)"
    authority = rf"(?:(?:[{plain}:]|{escaped})*@)?{host}(?::\d*)?"
    rooted = rf"/(?:{letter}+(?:/{letter}*)*)?"
    full = rf"//{authority}(?:/{letter}*)*"
    query = rf"(?:\?(?:[{plain}:@/?{private}]|{escaped})*)?"
    end = rf"{query}(?:#(?:[{plain}:@/?]|{escaped})*)?"
    whole = rf"[A-Za-z][0-9A-Za-z+.-]*:(?:{full}|{rooted}|{letter}+(?:/{letter}*)*)?{end}"
    relative = rf"(?:{full}|{rooted}|{bare}+(?:/{letter}*)*)?{end}"
    return whole, rf"(?:{whole}|{relative})"


_LETTERS = (
    r"\u{A0}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFEF}\u{10000}-\u{1FFFD}\u{20000}-\u{2FFFD}\u{30000}-\u{3FFFD}"
    r"\u{40000}-\u{EFFFD}"
)
_, _URI_REFERENCE = _reference("", "")
_IRI, _IRI_REFERENCE = _reference(_LETTERS, r"\u{E000}-\u{F8FF}\u{F0000}-\u{10FFFD}")

_NAME = (
    r"(?:[0-9A-Za-z_]|%[0-9A-Fa-f]{2})(?:\.?(?:[0-9A-Za-z_]|%[0-9A-Fa-f]{2}))*(?::[1-9]\d{0,3}|\*)?"
)
_TEMPLATE = (
    r"(?:[^\x00-\x20\x22<>%\\^`{|}\x7f]|%[0-9A-Fa-f]{2}"
    rf"|\{{[+#./;?&=,!@|]?{_NAME}(?:,{_NAME})*\}})*"
)
_POINTER = r"(?:/(?:[^~/]|~[01])*)*"

_PATTERNS: Mapping[str, str] = {
    "date": _DATE,
    "date-time": rf"{_DATE}[Tt]{_TIME}",
    "email": _EMAIL,
    "hostname": _HOST,
    "idn-email": _WIDE_EMAIL,
    "ipv6": _IPV6,
    "iri": _IRI,
    "iri-reference": _IRI_REFERENCE,
    "json-pointer": _POINTER,
    "relative-json-pointer": rf"(?:0|[1-9]\d*)(?:#|{_POINTER})",
    "time": _TIME,
    "uri-reference": _URI_REFERENCE,
    "uri-template": _TEMPLATE,
}
"""What llguidance does not know, or takes for more than it is. Others are left to it."""


def of_format(name: str) -> dict[str, Any] | None:
    """The keywords that say what a format says; none if it is not ours to say.

    Nobody defines formats of other names, which are for those who read the schema (2020-12, 7.2.3).
    """
    if name in _PATTERNS:
        length = {"maxLength": 253} if name == "hostname" else {}
        return {"pattern": f"^(?:{_PATTERNS[name]})$", **length}
    return None if name in DEFINED else {}
