# SPDX-License-Identifier: GPL-2.0-only
"""What the documents say is there is there."""

import re
import subprocess

import pytest
from conftest import REPO

DOCUMENTS = sorted(str(path.relative_to(REPO)) for path in (REPO / "README.md", *(REPO / "docs").glob("*.md")))


def test_rules_are_those_that_are_checked():
    done = subprocess.run([REPO / "scripts/rules"], capture_output=True, text=True, check=True)
    assert (REPO / "docs/rules.md").read_text() == done.stdout, "run scripts/rules >docs/rules.md"
    assert len(re.findall(r"^\| [A-Z]", done.stdout, re.M)) >= 30


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_exist(name):
    """Each file or directory of ours that a document names in backquotes or in a command."""
    text = (REPO / name).read_text()
    tops = r"(?:bpf|docs|kernel_patch|scripts|tests|user|\.ci)"
    paths = set(re.findall(rf"(?<![\w/.-])({tops}/[\w./-]*\w)", text))
    assert [path for path in sorted(paths) if not (REPO / path).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_exist(name):
    targets = set(re.findall(r"(?:^ {4}|`)make ([a-z]+)\b", (REPO / name).read_text(), re.M))
    known = re.search(r"^\.PHONY: (.*)$", (REPO / "Makefile").read_text(), re.M)[1].split() + ["bench"]
    assert targets <= set(known)
