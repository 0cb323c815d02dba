# SPDX-License-Identifier: GPL-2.0-only
"""scripts/transplant: added lines stay with the lines they were added to, whatever else changes."""

import subprocess

import pytest
from conftest import REPO

PLAIN = "one two three four five"


def transplant(tmp_path, *texts):
    """(exit status, words of the result) of three files, a word a line."""
    paths = [tmp_path / name for name in ("plain", "traced", "changed")]
    for path, text in zip(paths, texts):
        path.write_text("".join(f"{word}\n" for word in text.split()))
    done = subprocess.run([REPO / "scripts/transplant", *paths], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize("what, traced, changed, result", [
    ("nothing is changed", "one two TRACE three four five", PLAIN, "one two TRACE three four five"),
    ("nothing is added", PLAIN, "one two NEW four five", "one two NEW four five"),
    ("changed far before", "one two three four TRACE five", "NEW two three four five", "NEW two three four TRACE five"),
    ("lines before", "one two three TRACE four five", "NEW NEW one two three four five",
     "NEW NEW one two three TRACE four five"),
    ("lines removed before", "one two three four TRACE five", "three four five", "three four TRACE five"),
    ("changed far behind", "one TRACE two three four five", "one two three four NEW", "one TRACE two three four NEW"),
    ("replaced just before", "one two TRACE three four five", "one NEW three four five", "one NEW TRACE three four five"),
    ("replaced just behind", "one two TRACE three four five", "one two NEW four five", "one two TRACE NEW four five"),
    ("removed just before", "one two TRACE three four five", "one three four five", "one TRACE three four five"),
    ("removed just behind", "one two TRACE three four five", "one two four five", "one two TRACE four five"),
    ("removed on both sides", "one two TRACE three four five", "one four five", "one TRACE four five"),
    ("replaced one for one", "one two TRACE three four five", "one NEW2 NEW3 four five", "one NEW2 TRACE NEW3 four five"),
    ("everything is removed", "one two TRACE three four five", "", "TRACE"),
    ("at the start", "TRACE one two three four five", "NEW two three four five", "TRACE NEW two three four five"),
    ("at the end", "one two three four five TRACE", "one two three four NEW", "one two three four NEW TRACE"),
    ("several", "T0 one T1 two T2 T3 three four T4 five T5", "one NEW two four five six",
     "T0 one T1 NEW two T2 T3 four T4 five T5 six"),
])
def test_added_lines_stay(tmp_path, what, traced, changed, result):
    assert transplant(tmp_path, PLAIN, traced, changed) == (0, result), what


@pytest.mark.parametrize("traced", ["one two three four", "one two THREE four five", "two one three four five"])
def test_more_than_added_lines_is_refused(tmp_path, traced):
    assert transplant(tmp_path, PLAIN, traced, PLAIN) == (1, "")


def test_lookalike_place_is_not_taken(tmp_path):
    """
    Two loops that look alike, and a traced line in the first, which is the one that is changed: patch(1) with fuzz
    changed the second (mutant O17). What counts is which lines were changed, not what they look like.
    """
    plain = "f { loop skip fill } g { loop skip fill }"
    traced = "f { loop skip TRACE fill } g { loop skip fill }"
    assert transplant(tmp_path, plain, traced, "f { loop fill } g { loop skip fill }") == (
        0, "f { loop TRACE fill } g { loop skip fill }")
    assert transplant(tmp_path, plain, traced, "f { loop skip fill } g { loop fill }") == (
        0, "f { loop skip TRACE fill } g { loop fill }")


def test_bytes_that_are_no_text_survive(tmp_path):
    for name, text in (("plain", b"a\n\xff\n"), ("traced", b"a\nTRACE \xfe\n\xff\n"), ("changed", b"b\n\xff\n")):
        (tmp_path / name).write_bytes(text)
    paths = [tmp_path / name for name in ("plain", "traced", "changed")]
    done = subprocess.run([REPO / "scripts/transplant", *paths], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"b\nTRACE \xfe\n\xff\n", b"")


def test_wrong_usage_is_told():
    done = subprocess.run([REPO / "scripts/transplant"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("usage: ")
