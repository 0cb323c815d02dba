# SPDX-License-Identifier: GPL-2.0-only
"""Recordings for tests that need no guest, and running iommuscope on them."""

import functools
import json
import subprocess
import sys

from conftest import REPO, make


class Done:
    """A finished command."""

    def __init__(self, done):
        self.returncode, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr

    @functools.cached_property
    def objects(self):
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def iommuscope(*words, **options):
    command = [REPO / "build/iommuscope", *map(str, words)]
    return Done(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                               **options))


@functools.cache
def story_program():
    make("build/report/story")
    return REPO / "build/report/story"


def story(path, records, *words):
    """A recording by tests/report/story.c."""
    subprocess.run([story_program(), path, str(records), *words], check=True)
    return path


def damaged(recording, path, share=0.6):
    """The beginning of a recording: what is left when whoever recorded was killed."""
    data = recording.read_bytes()
    path.write_bytes(data[:int(len(data) * share)])
    return path


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def resident(*words):
    """The most memory, in bytes, that iommuscope used."""
    command = [sys.executable, "-c", PEAK, REPO / "build/iommuscope", *map(str, words)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
