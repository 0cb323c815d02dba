# SPDX-License-Identifier: GPL-2.0-only
"""cache - what a script has made once is found again

Scripts that fetch or build things keep them in ~/.cache/iommuscope
(IOMMUSCOPE_CACHE or XDG_CACHE_HOME put it elsewhere), each result in a directory
KIND/KEY. It is made under a lock in a directory of its own and renamed when
complete, so that parallel and interrupted runs leave nothing half done, and it
never changes afterwards.

The scripts that import this write the path of the result to stdout, and what
they are doing to stderr. Exit status: 0 done, 1 a step failed, 2 bad request or
environment.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import time

PROGRAM = pathlib.Path(sys.argv[0]).name
KEEP = {"flavour": 300, "base": 8, "selftests": 20}
IN_USE = 3600           # seconds during which a result is safe from pruning


def fail(message, status=2):
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    sys.exit(status)


@contextlib.contextmanager
def phase(name):
    """One line on stderr: what is being done, and how long it took."""
    print(f"{PROGRAM}: {name} ...", end="", file=sys.stderr, flush=True)
    start = time.monotonic()
    try:
        yield
    finally:
        print(f" {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


def wait(child):
    """Its exit status. If this script has to go, make(1) ends first, and takes its compilers with it."""
    try:
        return child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise


def run(command, log, **options):
    """Run a command into a log; its last lines explain a failure."""
    with open(log, "ab") as out:
        out.write(f"$ {' '.join(map(str, command))}\n".encode())
        out.flush()
        rc = wait(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, close_fds=False,
                                   **options))
    if rc:
        lines = pathlib.Path(log).read_text(errors="replace").splitlines()
        print("", *lines[-30:], sep="\n", file=sys.stderr)
        fail(f"'{command[0]}' failed with status {rc}; the whole log is {log}", 1)


def output_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def cache(*names):
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = pathlib.Path(os.environ.get("IOMMUSCOPE_CACHE") or os.path.join(xdg, "iommuscope"), *names)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name):
    """Hold a lock, along with every child: one that outlives this script still owns its tree."""
    with open(cache("lock", name), "w", encoding="ascii") as handle:
        os.set_inheritable(handle.fileno(), True)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with phase("waiting for another build of the same"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def cached(kind, key, fill):
    """The directory kind/key; fill(tmp) makes it if it is not there yet."""
    final, tmp = cache(kind, key), cache(kind, f".{key}.tmp")
    if not final.exists():
        with locked(f"{kind}-{key}"):
            if not final.exists():
                if kind != "base":      # an interrupted base goes on where it was
                    shutil.rmtree(tmp, ignore_errors=True)
                tmp.mkdir(parents=True, exist_ok=True)
                fill(tmp)
                tmp.rename(final)
                prune(kind, final)
    os.utime(final)
    return final


def prune(kind, newest):
    """Keep the results used last, and what was touched of late; interrupted builds are the first to go."""
    def worth(path):
        return not path.name.startswith("."), path.stat().st_mtime
    for path in sorted(newest.parent.iterdir(), key=worth)[:-KEEP.get(kind, 100)]:
        if time.time() - path.stat().st_mtime > IN_USE:
            shutil.rmtree(path, ignore_errors=True)
