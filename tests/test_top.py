# SPDX-License-Identifier: GPL-2.0-only
"""top: its numbers are those of a workload that is known, it is told by schema, and leaves every terminal as it was.

What needs a kernel is done in one guest, which also makes a recording; the rest looks at that here.
"""

import json
import re
import signal
import subprocess

import jsonschema
import pytest
from conftest import REPO
from live import MOCK, run_batch, watching, what_it_said
from terminal import BACK, DOWN, ENTER, ESCAPE, Terminal

PAGE = 4096
LIMIT = 1 << 20

# Who may not lock as much as it likes is charged.
HOLD = f"""\
mkfifo /tmp/in.$$
(ulimit -l {LIMIT // 1024}; exec setpriv --bounding-set -ipc_lock $W/hold mock </tmp/in.$$ >/tmp/{{0}}.facts) & holder=$!
exec 7>/tmp/in.$$
until [ -s /tmp/{{0}}.facts ]; do kill -0 $holder || exit 99; sleep 0.1; done
cp /tmp/{{0}}.facts $OUT
"""
CHURN = """\
mkfifo /tmp/churn.$$
$W/hold churn 50 </tmp/churn.$$ >/tmp/{0}.churn & churn=$!
exec 8>/tmp/churn.$$
until [ -s /tmp/{0}.churn ]; do kill -0 $churn || exit 99; sleep 0.1; done
cp /tmp/{0}.churn $OUT
"""
# A stopped collector reads nothing: some of it is lost for certain. The storm never rests for long.
LOSS = """\
$W/storm --seconds 300 --seed 21 >/dev/null 2>&1 & storm=$!
sleep 1
$I top -f json -o /tmp/loss.json --rings 1 --ring-size 1M -i 1 & top=$!
until [ -s /tmp/loss.json ]; do kill -0 $top || exit 99; sleep 0.1; done
kill -STOP $top; sleep 5; kill -CONT $top; sleep 4
kill -TERM $top; wait $top; status=$?; cp /tmp/loss.json $OUT
kill $storm; wait $storm; exit $status"""


def while_churning(command):
    """What never rests is not known: until they have been read, the churn is stopped."""
    return (f"kill -STOP $churn\n{watching(command)}sleep 1\n"
            f"kill -CONT $churn\nwait $collector || {{ {what_it_said()}; exit 98; }}\n{what_it_said()}\n")


CASES = {
    # attaching takes seconds here: as few times as will do
    "both": HOLD.format("both") + CHURN.format("both") + "".join(map(while_churning, (
        "top -f json -o $OUT/both.json -n 5 -i 0.7", "top -b -n 3 -i 0.7 --sort process -r",
        "record -o $OUT/both.rec -d 4"))) + """
kill -STOP $churn
$I top -f json -o $OUT/nobody.json -n 1 --pid 1 || exit
$I top -f json -o $OUT/some.json -n 1 --comm hold --pid $holder --ioas 2; status=$?
kill -CONT $churn; exit $status""",
    "live": HOLD.format("live") + f"/usr/bin/python3 {REPO}/tests/top_on_terminal.py $I $holder",
    "loss": LOSS,    # the last one: its storm needs a moment to end
}


@pytest.fixture(scope="module")
def cases(traced_kernel, built, tmp_path_factory):
    return run_batch(traced_kernel, tmp_path_factory.mktemp("top"), CASES, *MOCK, leftovers=True)


@pytest.fixture(scope="module")
def schema(built):
    text = json.loads(subprocess.run([built, "schema"], capture_output=True, text=True, check=True).stdout)
    return jsonschema.Draft202012Validator(text)


def facts(cases, name):
    return json.loads((cases[name].directory / f"{name}.facts").read_text())


def lines_of(cases, case, name):
    return [json.loads(line) for line in (cases[case].directory / f"{name}.json").read_text().splitlines()]


@pytest.fixture(scope="module")
def lines(cases):
    """Of the hold and the churn, one per interval."""
    assert (cases["both"].status, cases["both"].err) == (0, "")
    return lines_of(cases, "both", "both")


def process_of(line, pid):
    (process,) = [one for one in line["processes"] if one["tgid"] == pid]
    return process


# --- numbers -----------------------------------------------------------------

def test_exactly_what_is_there(cases, lines):
    known = facts(cases, "both")
    process = process_of(lines[-1], known["pid"])
    assert len(lines) == 5 and (process["comm"], process["contexts"]) == ("hold", 1)
    first, second = process["ioases"]
    assert (first["id"], second["id"]) == (known["a"], known["b"])
    # 16 pages are in both IOASes, 8 in the first one only
    assert [one["bytes_mapped"] // PAGE for one in (process, first, second)] == [40, 24, 16]
    for what in "bytes_pinned", "bytes_charged":
        assert [one[what] // PAGE for one in (process, first, second)] == [24, 24, 16]
    for one in process, first, second:
        assert one["known"] and one["bytes_limit"] == LIMIT and one["accounts"] == ["user"]
        assert (one["maps"], one["unmaps"], one["calls_failed"], one["violations"]) == (0, 0, 0, 0)
        assert one["map_p50_ns"] is None, "nothing was mapped while it was watched"


def test_calls_of_a_window_that_is_not_whole_are_unknown(cases, lines):
    first = next(line for line in lines if line["processes"])
    process = process_of(first, facts(cases, "both")["pid"])
    assert process["known"] and process["maps"] is process["unmaps"] is None


def test_rates_and_latencies(cases, lines):
    process = process_of(lines[-1], json.loads((cases["both"].directory / "both.churn").read_text())["pid"])
    (ioas,) = process["ioases"]
    assert process["bytes_pinned"] == process["bytes_charged"] == 0, "no domain"
    assert 49 * PAGE <= process["bytes_mapped"] <= 50 * PAGE
    for one in process, ioas:
        assert one["maps"] > 0 and abs(one["maps"] - one["unmaps"]) <= 1
        for call in "map", "unmap":
            assert 0 < one[f"{call}_p50_ns"] <= one[f"{call}_p99_ns"] < lines[-1]["window_ns"]


def test_text(cases):
    name = f"hold/{facts(cases, 'both')['pid']}"
    first, _, second = cases["both"].out.split("\n\n")
    assert first.splitlines()[0].startswith("top  0 violations  0 lost  2 processes  2 contexts  ")
    rows = [line.split() for line in second.splitlines()[3:]]
    assert [row for row in rows if row[0] == name] == [
        [name, "2", "64K", "64K", "64K", "1M", "user", "0", "0", *"----", "0", "0"],
        [name, "1", "96K", "96K", "96K", "1M", "user", "0", "0", *"----", "0", "0"]]
    (churn,) = [row for row in rows if row[0] != name]
    assert churn[2] in ("196K", "200K") and churn[3:7] == ["0", "0", "8M", "-"]


def test_filters(cases):
    (nobody,), (some,) = lines_of(cases, "both", "nobody"), lines_of(cases, "both", "some")
    assert nobody["processes"] == []
    (process,) = some["processes"]
    assert process["tgid"] == facts(cases, "both")["pid"] and [ioas["id"] for ioas in process["ioases"]] == [2]


@pytest.mark.parametrize("case, name", [("both", "both"), ("both", "nobody"), ("both", "some"), ("loss", "loss")])
def test_every_line_fits_the_schema(cases, schema, case, name):
    for line in lines_of(cases, case, name):
        schema.validate(line)


def test_lost_is_unknown(cases):
    """After a loss no number is shown of a ctx that was hit, until it is known again."""
    assert cases["loss"].status == 0
    lines = lines_of(cases, "loss", "loss")
    rows = [ioas for line in lines if line["lost"] for process in line["processes"] for ioas in process["ioases"]]
    unknown = [row for row in rows if not row["known"]]
    assert unknown
    for row in unknown:
        numbers = {row[what] for what in row if re.match("bytes_(?!limit)|map|unmap|calls", what)}
        assert numbers == {None}
    assert all(line["violations"] == 0 for line in lines)


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_left_in_the_kernel(cases, name):
    assert cases[name].left == ""


# --- live, on a terminal -------------------------------------------------------

def test_live_on_a_terminal(cases):
    assert (cases["live"].status, cases["live"].err) == (0, "")
    (seen,), known = cases["live"].objects, facts(cases, "live")
    rows = [line.split() for line in seen["q"]["list"] if line.startswith("hold/")]
    assert [row[:6] for row in rows] == [[f"hold/{known['pid']}", "1", "96K", "96K", "96K", "1M"],
                                         [f"hold/{known['pid']}", "2", "64K", "64K", "64K", "1M"]]
    ioas = "\n".join(seen["q"]["ioas"])
    assert "IOAS 1 of hold" in ioas and "iommufd_mock0" in ioas and "  areas    AAAA...." in ioas
    for end in "q", "interrupt":
        assert (seen[end]["status"], seen[end]["clean"]) == (0, True), end


# --- a recording, on terminals of all kinds ------------------------------------

@pytest.fixture(scope="module")
def recording(cases):
    assert cases["both"].status == 0
    return cases["both"].directory / "both.rec"


@pytest.fixture
def at_end(built, recording):
    """at_end(...): a terminal that shows the end of the recording."""
    terminals = []

    def show(*options, **how):
        terminals.append(Terminal([str(built), "replay", str(recording), "top", "--speed", "20", *options], **how))
        return terminals[-1].until("end of the recording").settle()
    yield show
    for terminal in terminals:
        terminal.close()


def order(terminal):
    """Names of the rows, as they stand there."""
    return [re.split(r"/", line)[0] + "/" + re.split(r"\D+", line)[2] for line in terminal.lines
            if re.match(r"hold/\d+ +\d", line)]


def test_sort_and_filter(at_end, cases):
    known = facts(cases, "both")
    t = at_end()
    assert "PROCESS         IOAS  MAPD  PIND  CHRG LIMIT  MAP UNMAP  p50  p99  p50  p99 VIOL" in t.lines
    assert order(t)[1:] == ["hold/1", "hold/2"], "the churn has most mapped"
    t.type(">")
    t.until("IOASes by pinned").settle()
    assert order(t)[:2] == ["hold/1", "hold/2"]
    t.type("r")
    t.until("by pinned reversed").until(lambda: order(t)[1:] == ["hold/2", "hold/1"])
    t.type("/qemu")
    t.until("no row passes")
    t.type(BACK * 4 + f"{known['pid']}")
    t.until(lambda: len(order(t)) == 2)
    t.type(ESCAPE)
    t.until(lambda: len(order(t)) == 3)
    t.type(f"/{known['pid']}" + ENTER)
    t.until(f"filter: {known['pid']}").until(lambda: len(order(t)) == 2)


def test_drill_down(at_end, cases):
    known = facts(cases, "both")
    t = at_end("--by", "process", "--sort", "pinned")
    assert len([line for line in t.lines if line.startswith("hold/")]) == 2
    t.type(ENTER)
    t.until(f"of process {known['pid']}").until(lambda: order(t) == ["hold/1", "hold/2"])
    t.type(DOWN + ENTER)
    t.until("IOAS 2 of hold").until("allowed  =====").settle()
    assert "allowed  0x1000000-0x3ffffff" in t.text and "reserved" in t.text
    t.type("-" * 11)
    t.until("reserved 0x4000000-0x40fffff")
    t.type("0")
    t.until(lambda: "reserved 0x4000000" not in t.text)
    t.type(BACK)
    t.until("of process")
    t.type(BACK)
    t.until("processes by pinned")
    t.type("?")
    t.until("look into a row")
    t.type("xq")
    assert (t.wait(), t.is_clean()) == (0, True)


@pytest.mark.parametrize("rows, cols, head", [
    (12, 40, "PROCESS      IOAS  MAPD  PIND  CHRG VIOL"),
    (50, 200, "PROCESS                  IOAS  MAPD  PIND  CHRG LIMIT  MODE  MAP UNMAP  p50  p99  p50  p99 FAIL VIOL"),
])
def test_resize(at_end, rows, cols, head):
    t = at_end()
    t.resize(rows, cols)
    t.until(lambda: head in t.lines and t.lines[-1].startswith("?: keys"))
    t.resize(24, 80)
    t.until("p99  p50  p99 VIOL")
    t.type("q")
    assert (t.wait(), t.is_clean()) == (0, True)


@pytest.mark.parametrize("term", ["vt100", "xterm", "screen"])
def test_terminals(at_end, term):
    t = at_end(term=term)
    t.type("q")
    assert (t.wait(), t.is_clean()) == (0, True)


@pytest.mark.parametrize("term, says", [
    ("dumb", "a terminal of type 'dumb' (TERM) cannot move its cursor; set TERM to what fits, such as xterm or vt100, "
             "or use --batch"),
    ("nosuch", "the terminal type 'nosuch' (TERM) is not known here; set TERM to what fits, such as xterm or vt100, "
               "or use --batch"),
])
def test_terminals_that_cannot(built, recording, term, says):
    with Terminal([str(built), "replay", str(recording), "top"], cols=200, term=term) as t:
        assert (t.wait(), t.lines[0], t.is_clean()) == (2, "iommuscope: " + says, True)


def test_no_terminal(built, recording):
    done = subprocess.run([built, "replay", recording, "top"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (
        2, "iommuscope: standard input and output are no terminal; use --batch\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_by_a_signal(at_end, number):
    t = at_end(term="xterm")
    t.signal(number)
    assert (t.wait(), t.is_clean()) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT])
def test_clean_after_a_crash(at_end, number):
    t = at_end(term="xterm")
    t.signal(number)
    assert (t.wait(), t.is_clean()) == (-number, True)


def test_clean_when_the_source_fails(built, recording, tmp_path):
    """A recording that is damaged near its end: what is wrong is said when the screen is free again."""
    data = bytearray(recording.read_bytes())
    data[len(data) // 2] ^= 0x55
    damaged = tmp_path / "damaged.rec"
    damaged.write_bytes(data)
    with Terminal([str(built), "replay", str(damaged), "top", "--speed", "50"], cols=200, term="xterm") as t:
        t.until(lambda: b"end of the recording" in t.raw)
        t.type("q")
        assert (t.wait(), t.is_clean()) == (2, True)
        assert b"damaged" in t.raw[t.raw.rfind(b"\x1b[?1049l"):]


# --- a recording, as lines -----------------------------------------------------

def test_a_recording_has_the_same_numbers(built, cases, recording, schema):
    done = subprocess.run([built, "replay", recording, "top", "-f", "json"], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) >= 3 and done.stderr == ""
    for line in lines:
        schema.validate(line)
    process = next(one for one in lines[-1]["processes"] if one["tgid"] == facts(cases, "both")["pid"])
    assert [process[f"bytes_{what}"] // PAGE for what in ("mapped", "pinned", "charged")] == [40, 24, 24]
    assert sum(line["window_ns"] for line in lines) < 30e9


def test_a_recording_as_text(built, recording):
    done = subprocess.run([built, "replay", recording, "top", "-b", "--rows", "1"], capture_output=True, text=True,
                          check=True)
    *_, row, rest = done.stdout.splitlines()
    assert row.startswith("hold/") and rest.startswith("2 more: mapped 160K, pinned 160K, 0 violations")


def test_rows_of_a_recording(built, cases, recording):
    pid = str(facts(cases, "both")["pid"])
    for options, ids in (["--pid", pid], [1, 2]), (["--comm", "hol"], []), (["--ioas", "9"], []), \
                        (["--pid", pid, "--pid", "1", "--comm", "hold", "--ioas", "2"], [2]):
        done = subprocess.run([built, "replay", recording, "top", "-f", "json", *options], capture_output=True,
                              text=True, check=True)
        last = json.loads(done.stdout.splitlines()[-1])
        assert [ioas["id"] for process in last["processes"] for ioas in process["ioases"]] == ids


def test_output_that_is_lost_is_an_error(built, recording):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([built, "replay", recording, "top", "-b"], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)
    assert (done.returncode, done.stderr) == (
        2, "iommuscope: cannot write to standard output: No space left on device\n")


@pytest.mark.parametrize("options, says", [
    (["top", "--sort", "size"], "--sort: 'size' is no column; 'iommuscope help top' lists them"),
    (["top", "--by", "user"], "--by: 'user' is neither process nor ioas"),
    (["check", "--batch"], "--batch, --interval, --count, --by, --sort, --reverse, --rows, --speed, --pid, --comm and "
                           "--ioas are for top, not check"),
])
def test_usage(built, recording, options, says):
    done = subprocess.run([built, "replay", recording, *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"iommuscope: {says}\n")


def test_help_names_every_column(built):
    """The list in the text is that of the heading."""
    text = subprocess.run([built, "help", "top"], capture_output=True, text=True, check=True).stdout
    names = re.search(r"Columns: (.*?)\.", text, re.S)[1].replace("\n", " ").split(", ")
    assert len(names) == 15
    for name in names:
        done = subprocess.run([built, "replay", "/nonexistent", "top", "-b", "--sort", name], capture_output=True,
                              text=True, check=False)
        assert "is no column" not in done.stderr
