"""What goes into a bug report, and what must not."""

from __future__ import annotations

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.finding import Diagnosis
from coblyn.doctor.log.log import Log
from coblyn.doctor.report import report, without_names
from coblyn.native.facts import Facts


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/home/mary/src/a.c:1", "~/src/a.c:1"),
        ("/home/john/src/a.c", "/home/<user>/src/a.c"),
        ("/Users/jane.doe/llama/a.o", "/Users/<user>/llama/a.o"),
        (r"C:\Users\Jane Doe\a.c", r"C:\Users\<user>\a.c"),
        ("c:/users/jane/a.c", "c:/users/<user>/a.c"),
        ("git clone https://me:pa55@example.org/x", "git clone https://<password>@example.org/x"),
        ("token hf_" + "a" * 34, "token <token>"),
        ("API_KEY=abcdef make", "API_KEY=<secret> make"),
        ("mail mary@example.org now", "mail <address> now"),
        ("running on oakdesk as mary", "running on <host> as <user>"),
        ("/home/maryann/src/a.c", "/home/<user>/src/a.c"),
        ("HF_TOKEN=abcdef DB_PASSWORD: hunter2", "HF_TOKEN=<secret> DB_PASSWORD: <secret>"),
        ("AWS_SECRET_ACCESS_KEY=abc+/d", "AWS_SECRET_ACCESS_KEY=<secret>"),
        ("C:\\Users\\Jane\nnext line", "C:\\Users\\<user>\nnext line"),
        ("detokenize = 1", "detokenize = 1"),
        ("primary summary.c", "primary summary.c"),
        ("/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1"),
    ],
)
def test_names_are_taken_out(text: str, clean: str) -> None:
    assert without_names(text, user="mary", home="/home/mary", host="oakdesk") == clean


def test_short_and_common_names_cut_no_words_to_pieces() -> None:
    text = "root cause: me"
    assert without_names(text, user="root", home="/", host="me") == text


def test_a_report_holds_facts_the_first_error_and_the_end_of_the_log() -> None:
    lines = [f"line {number}" for number in range(1, 201)]
    log = Log("\n".join(lines), range(1, 201), 200)
    text = report(
        Case(log=log),
        Diagnosis((), ("a.c:1: error: no",), failed=True),
        Facts.of(os="linux", cuda__compiler=""),
    )
    assert "- os: linux" in text
    assert "cuda" not in text
    assert "a.c:1: error: no" in text
    assert "line 200" in text
    assert "line 100\n" not in text
