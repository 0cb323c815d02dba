# SPDX-License-Identifier: GPL-2.0-only
"""Run things in a guest, and read what iommuscope says about them.

A boot costs seconds and a command milliseconds, so tests collect what they want
to run on one kernel into a batch: a dictionary of shell scripts, each with the
status and the output of its own. In such a script

  $I      is iommuscope
  $W      is the directory of the workloads
  $OUT    is a directory of the host, for whatever a case wants to keep. No case waits for what is
          written there: stat() begins to send what waits, and takes the size that the host's file
          has meanwhile, so that what waits can be lost.
"""

import dataclasses
import functools
import json
import pathlib
import re
import shlex

from conftest import REPO, script

MOCK = ("--append", "intel_iommu=off")      # what the mock IOMMU needs on 6.12
SELFTEST = (*MOCK, "--append", "hugepages=700", "--memory", "4G")

# A case that hangs must not take the others with it: the guest is killed, and all fail. Guests have company, see Makefile.
TIMEOUT = 900

PREAMBLE = """\
export I={repo}/build/iommuscope W={repo}/build/workload OUT={out}
run_case() {{
	sh -c "$(cat "$OUT/$1.sh")" >"$OUT/$1.stdout" 2>"$OUT/$1.stderr" </dev/null
	echo $? >"$OUT/$1.status"
}}
"""

# Whatever of ours is still in the kernel after each case. Maps are freed a moment after their last user.
LEFT = """\
ours() {
	bpftool prog list; bpftool map list; bpftool link list
	cat /proc/[0-9]*/comm 2>/dev/null | grep -xE 'iommuscope|ims-deputy|sleep|mock|vfio_dma' || true
}
left() {
	n=0
	while [ -n "$(ours 2>&1)" ] && [ $n -lt 100 ]; do
		busybox sleep 0.1
		n=$((n + 1))
	done
	ours >"$OUT/$1.left" 2>&1
}
"""


def watching(command, name="collector"):
    """Shell text: `$I command` in the background as $name, from the moment on at which it sees all that happens.

    What it says on stderr is in /tmp/name.told; `what_it_said(name)` passes on what is not about every run.
    """
    return (f"$I {command} -v 2>/tmp/{name}.told & {name}=$!\n"
            f"until grep -q watching /tmp/{name}.told; do kill -0 ${name} || {{ {what_it_said(name)}; exit 99; }}; sleep 0.1; done\n")


def what_it_said(name="collector"):
    return f"grep -vE '^iommuscope: (watching|[0-9]+ records in )' /tmp/{name}.told >&2"


@dataclasses.dataclass
class Result:
    """What became of one case."""
    status: int
    out: str
    err: str
    left: str = ""
    directory: pathlib.Path = None

    @functools.cached_property
    def objects(self):
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclasses.dataclass
class Checked:
    """What `iommuscope check` said, and what its command did."""
    status: int
    summary: dict
    violations: list
    out: str
    err: str

    @property
    def verdict(self):
        return self.summary["verdict"]

    @property
    def records(self):
        """By kind."""
        return self.summary["records"]

    @property
    def rules(self):
        """That were violated, the first one first."""
        return list(dict.fromkeys(violation["rule"] for violation in self.violations))


def run_batch(kernel, directory, cases, *options, leftovers=False):
    """{name: Result} of {name: shell script}, one after the other in one guest."""
    lines = [PREAMBLE.format(repo=shlex.quote(str(REPO)), out=shlex.quote(str(directory)))]
    lines += [LEFT] if leftovers else []
    for name, text in cases.items():
        (directory / f"{name}.sh").write_text(text)
        lines += [f"run_case {name}"] + ([f"left {name}"] if leftovers else [])
    (directory / "batch").write_text("\n".join(lines) + "\n")
    done = script("vm", "run", "--kernel", kernel, "--timeout", TIMEOUT, "--share", directory, *options, "--",
                  "sh", directory / "batch")
    assert done.returncode == 0, f"the guest failed with {done.returncode}:\n{done.stderr}"
    return {name: read_result(directory, name) for name in cases}


def read_result(directory, name):
    def read(kind):
        """As it was written: a terminal's carriage returns are no ends of lines."""
        path = directory / f"{name}.{kind}"
        return path.read_bytes().decode(errors="replace") if path.exists() else ""
    return Result(int(read("status")), read("stdout"), read("stderr"), read("left"), directory)


def check_command(name, command, *options):
    """A case that runs a command under check; read_check() reads what came of it."""
    words = " ".join(shlex.quote(str(option)) for option in options)
    return f"exec $I check --format json -o $OUT/{name}.json {words} -- {command}"


def read_check(result, name):
    path = result.directory / f"{name}.json"
    assert path.exists(), f"check ended with {result.status} and wrote nothing:\n{result.err}"
    objects = [json.loads(line) for line in path.read_text().splitlines()]
    assert objects and objects[-1]["type"] == "summary", f"no summary at the end; {result.status}:\n{result.err}"
    assert all(one["type"] == "violation" for one in objects[:-1])
    return Checked(result.status, objects[-1], objects[:-1], result.out, result.err)


def run_check(kernel, directory, command, *options, vm=()):
    """`check -- command` in a guest of its own."""
    result = run_batch(kernel, directory, {"check": check_command("check", command, *options)}, *vm)
    return read_check(result["check"], "check")


def assert_pass(checked):
    """Right, and nothing missing that could have been wrong."""
    assert checked.violations == [], checked.violations[0]["text"]
    assert (checked.verdict, checked.status) == ("PASS", 0), checked.summary["why"]
    assert set(checked.summary["lost"].values()) == {0}
    assert checked.summary["rules"]["not_checked"] == []
    contexts = checked.summary["contexts"]
    assert contexts["seen"] > 0 and contexts["given_up"] == 0 and contexts["inconsistent_records"] == 0


def contract_kinds(newer=False):
    """The names of all kinds of records that the kernel makes, from bpf/record.h: 6.12, or newer ones."""
    text = (REPO / "bpf/record.h").read_text()
    body = re.search(r"enum ims_kind \{(.*?)\};", text, re.S)[1]
    if not newer:
        body = body.partition("what 6.12 does not have")[0]
    names = re.findall(r"^\s*IMS_(\w+)", body, re.M)
    return {name.lower() for name in names} - {"none", "loss", "end", "nr_kinds", "snapshot"}


def all_steps(program, *but):
    """Shell text: that workload with all its steps, but some."""
    return f'$W/{program} $($W/{program} --list | cut -d" " -f1 | grep -vxE "{"|".join(but) or "-"}")'
