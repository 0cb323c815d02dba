# SPDX-License-Identifier: GPL-2.0-only
"""Run a program on a terminal that a test can read and type on.

The kernel's end is a pty; the other one is pyte, which does what a terminal does with what is written to it. Also
runs in a guest: nothing of the tests is needed but this file.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import pyte

UP, DOWN, ENTER, BACK, ESCAPE = "\x1b[A", "\x1b[B", "\r", "\x7f", "\x1b"
ALTERNATE = (b"\x1b[?1049h", b"\x1b[?1049l")    # xterm's second screen, on and off
CURSOR = (b"\x1b[?25l", b"\x1b[?25h")


class Terminal:
    """A program and its terminal: rows of text in .lines, status in .status when it has ended."""

    def __init__(self, argv, rows=24, cols=80, term="linux", **env):
        self.screen = pyte.Screen(cols, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw, self.status = b"", None
        self.master, self.slave = pty.openpty()
        self.resize(rows, cols)
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if not self.pid:
            self._become(argv, {**os.environ, "TERM": term, **env})
        os.set_blocking(self.master, False)

    def _become(self, argv, env):
        try:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.slave, fd)
            os.closerange(3, 256)
            os.execve(argv[0], [str(word) for word in argv], {name: value for name, value in env.items() if value})
        finally:
            os._exit(127)

    def resize(self, rows, cols):
        """As a terminal window does it: the program gets SIGWINCH."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.screen.resize(rows, cols)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def signal(self, number):
        os.kill(self.pid, number)

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    def read(self, seconds=0.05):
        """What comes within that time."""
        if not select.select([self.master], [], [], seconds)[0]:
            return
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return
        self.raw += data
        self.stream.feed(data)

    def until(self, what, seconds=120):
        """Read until @what, a text or a function, is on the screen (is true)."""
        there = what if callable(what) else lambda: what in self.text
        end = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < end, f"not within {seconds} s: {what}\n{self.text}"
            assert not self.ended(), f"ended with {self.status}, before {what}:\n{self.text}"
            self.read()
        return self

    def settle(self):
        """Read until no more comes."""
        while select.select([self.master], [], [], 0.3)[0] and not self.ended():
            self.read()
        return self

    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self, seconds=120):
        """Until it has ended; its status, negative: a signal."""
        end = time.monotonic() + seconds
        while not self.ended():
            assert time.monotonic() < end, f"still running:\n{self.text}"
            self.read()
        self.read()
        return self.status

    def is_clean(self):
        """The terminal is as it was before."""
        left = [self.raw.count(on) and self.raw.rfind(on) > self.raw.rfind(off) for on, off in (ALTERNATE, CURSOR)]
        return termios.tcgetattr(self.slave) == self.before and not any(left)

    def close(self):
        if not self.ended():
            self.signal(signal.SIGKILL)
            self.wait()
        os.close(self.master)
        os.close(self.slave)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
