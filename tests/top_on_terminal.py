# SPDX-License-Identifier: GPL-2.0-only
"""In a guest: top on a terminal, live, ended by a key and by Ctrl-C. Prints what was seen as one line of JSON.

  python3 tests/top_on_terminal.py IOMMUSCOPE PID
"""

import json
import sys

from terminal import ENTER, Terminal


def look_around(program, pid):
    """A list, and an IOAS of it; ended by 'q'."""
    with Terminal([program, "top"]) as t:
        t.until(lambda: any(line.startswith(f"hold/{pid}") for line in t.lines))
        seen = {"list": t.lines}
        t.type("<<" + ENTER)
        seen["ioas"] = t.until("is domain").lines
        t.type("q")
        return {**seen, "status": t.wait(), "clean": t.is_clean()}


def interrupt(program, pid):
    with Terminal([program, "top"], term="xterm") as t:
        t.until(lambda: b"hold/%d" % pid in t.raw)
        t.type("\x03")
        return {"status": t.wait(), "clean": t.is_clean()}


def main(program, pid):
    pid = int(pid)
    print(json.dumps({
        "q": look_around(program, pid),
        "interrupt": interrupt(program, pid),
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
