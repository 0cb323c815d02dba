# SPDX-License-Identifier: GPL-2.0-only
"""--perfetto: read back by protoc's code for tests/data/perfetto.proto, it tells what the records tell."""

import collections
import importlib
import subprocess
import sys

import pytest
from conftest import REPO
from recorded import damaged, iommuscope, resident, story

BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4
MONOTONIC, REALTIME = 3, 1


@pytest.fixture(scope="module")
def proto(tmp_path_factory):
    """The module that protoc makes of the definition."""
    directory = tmp_path_factory.mktemp("proto")
    subprocess.run(["protoc", f"--proto_path={REPO}/tests/data", f"--python_out={directory}", "perfetto.proto"],
                   check=True)
    sys.path.insert(0, str(directory))
    yield importlib.import_module("perfetto_pb2")
    sys.path.remove(str(directory))


class Trace:
    """What is in a trace, by track."""

    def __init__(self, proto, path):
        self.trace = proto.Trace()
        data = path.read_bytes()
        assert self.trace.ParseFromString(data) == len(data)
        assert_nothing_unknown(self.trace)
        self.tracks, self.slices, self.instants = {}, [], []
        self.counters = collections.defaultdict(list)
        open_slices = collections.defaultdict(list)
        for packet in self.trace.packet:
            assert packet.trusted_packet_sequence_id == 1
            if packet.HasField("track_descriptor"):
                self.describe(packet.track_descriptor)
            elif packet.HasField("track_event"):
                assert packet.timestamp_clock_id == MONOTONIC
                self.event(packet.timestamp, packet.track_event, open_slices[packet.track_event.track_uuid])
        assert not any(open_slices.values()), "a slice has no end"

    def describe(self, track):
        assert track.uuid and self.tracks.get(track.uuid, track) == track, "two tracks have one uuid"
        assert not track.parent_uuid or track.parent_uuid in self.tracks, "a track comes before its parent"
        self.tracks[track.uuid] = track

    def event(self, when, event, stack):
        track = self.tracks[event.track_uuid]       # it is described before it is used
        assert track.HasField("counter") == (event.type == COUNTER)
        if event.type == COUNTER:
            self.counters[track.uuid].append((when, event.counter_value))
        elif event.type == INSTANT:
            self.instants.append((track, when, event))
        elif event.type == BEGIN:
            assert not stack or stack[-1][0] <= when, "a slice begins before the one around it"
            stack.append((when, event))
        else:
            start, begun = stack.pop()
            assert start <= when
            notes = {note.name: note for note in (*begun.debug_annotations, *event.debug_annotations)}
            self.slices.append((track, len(stack), start, when, begun.name, notes))

    def named(self, name):
        return [track for track in self.tracks.values() if track.name == name]


def assert_nothing_unknown(message):
    """A field that the definition does not list would be lost when the message is written again."""
    assert message.SerializeToString(deterministic=True) == canonical(message), "fields that are not in the definition"


def canonical(message):
    copy = type(message)()
    copy.CopyFrom(message)
    copy.DiscardUnknownFields()
    return copy.SerializeToString(deterministic=True)


@pytest.fixture(scope="module")
def made(built, tmp_path_factory, proto):
    """(recording, Trace, the JSON lines that replay printed)"""
    directory = tmp_path_factory.mktemp("perfetto")
    recording = story(directory / "a.rec", 3000, "break", "lose")
    done = iommuscope("replay", recording, "--perfetto", directory / "a.perfetto", "-f", "json")
    assert done.returncode == 1, done.stderr
    return recording, Trace(proto, directory / "a.perfetto"), done.objects


@pytest.fixture(scope="module")
def records(made):
    return [one for one in iommuscope("replay", made[0], "trace", "-f", "json").objects if one["type"] == "record"]


def test_each_ioctl_is_a_slice_of_its_thread(made, records):
    _, trace, _ = made
    ioctls = [one for one in trace.slices if one[1] == 0]
    enters = [one for one in records if (one["kind"], one.get("action")) == ("ioctl", "enter")]
    exits = [one for one in records if (one["kind"], one.get("action")) == ("ioctl", "exit")]
    assert len(ioctls) == len(enters) == len(exits) > 100
    for got, enter, left in zip(sorted(ioctls, key=lambda one: one[2]), enters, exits):
        track, _, start, end, name, notes = got
        assert (track.thread.pid, track.thread.tid) == (enter["tgid"], enter["tid"])
        assert (start, end, name) == (enter["ktime_ns"], left["ktime_ns"], enter["cmd"].upper())
        assert notes["rc"].int_value == left["rc"]
        assert hex(notes["ctx"].pointer_value) == enter["ctx"]


def test_phases_fill_their_ioctl(made, records):
    _, trace, _ = made
    ioctls = [one for one in trace.slices if one[1] == 0]
    phases = [one for one in trace.slices if one[1] == 1]
    assert {one[1] for one in trace.slices} == {0, 1}
    assert sum(end - start for _, _, start, end, _, _ in ioctls) == \
        sum(end - start for _, _, start, end, _, _ in phases)
    names = {one[4] for one in phases}
    assert names == {"IOVA space", "account", "pin", "dma_map", "dma_unmap", "unpin", "attach", "rest"}
    moved = collections.Counter()
    for _, _, _, _, name, notes in phases:
        moved[name] += notes["bytes"].uint_value if "bytes" in notes else 0
    inside = ioctl_records(records)
    assert moved["pin"] == sum(max(one["got"], 0) * 4096 for one in inside if one["kind"] == "pin")
    assert moved["dma_map"] == sum(run[1] for one in inside if one["kind"] == "dma_map" for run in one["runs"])
    assert moved["dma_unmap"] == sum(one["unmapped"] for one in inside if one["kind"] == "dma_unmap")
    assert moved["unpin"] == sum(run[1] * 4096 for one in inside if one["kind"] == "unpin" for run in one["runs"])


def ioctl_records(records):
    """Those that their thread wrote within an ioctl."""
    within, found = set(), []
    for one in records:
        if one["kind"] == "ioctl":
            (within.add if one["action"] == "enter" else within.discard)(one["tid"])
        elif one["tid"] in within:
            found.append(one)
    return found


def test_counters_follow_pins_and_charges(made, records):
    _, trace, _ = made
    for tgid in {one["tgid"] for one in records if one["kind"] == "ctx"}:
        pinned = charged = 0
        pins, charges = {}, {}      # by time, the last one counts
        for one in (one for one in records if one["tgid"] == tgid):
            if one["kind"] == "pin":
                pinned += max(one["got"], 0)
            elif one["kind"] == "unpin":
                pinned -= sum(run[1] for run in one["runs"])
            elif one["kind"] == "account":
                charged += one["delta"]
            else:
                continue
            pins[one["ktime_ns"]], charges[one["ktime_ns"]] = pinned, charged
        assert max(pins.values()) > 500
        parent = next(track.uuid for track in trace.tracks.values() if track.process.pid == tgid and not track.name)
        for name, want in (("pinned pages", pins), ("charged pages", charges)):
            track, = [one for one in trace.named(name) if one.parent_uuid == parent]
            assert want.items() <= dict(trace.counters[track.uuid]).items()


def test_iova_spaces_have_tracks(made, records):
    _, trace, _ = made
    for ioas in (1, 2):
        for track in trace.named(f"IOAS {ioas} mapped"):
            values = [value for _, value in trace.counters[track.uuid]]
            assert max(values) >= 16 * 4096
            assert trace.tracks[trace.tracks[track.uuid].parent_uuid].name == f"IOAS {ioas}"
    contexts = {one["ctx"] for one in records if one["kind"] == "ctx"}
    assert len(trace.named("IOAS 1")) == len(contexts)
    areas = trace.named("IOAS 1 areas")[0]
    assert {value for _, value in trace.counters[areas.uuid]} == {0, 1, 2, 3}


def test_violations_and_losses_are_instants(made, records):
    _, trace, said = made
    violations = [one for one in said if one["type"] == "violation"]
    got = [one for one in trace.instants if list(one[2].categories) == ["violation"]]
    assert len(violations) == len(got) > 1
    for violation, (_, when, event) in zip(violations, got):
        notes = {note.name: note for note in event.debug_annotations}
        assert (event.name, when) == (violation["rule"], violation["ktime_ns"])
        assert notes["text"].string_value == violation["text"]
        assert notes["severity"].string_value == violation["severity"]
    (track, _, loss), = [one for one in trace.instants if list(one[2].categories) == ["loss"]]
    assert track.name == "iommuscope"
    assert {note.name: note.uint_value for note in loss.debug_annotations}["ring"] == 17


def test_time_of_day(made):
    recording, trace, _ = made
    snapshot = trace.trace.packet[0].clock_snapshot
    clocks = {clock.clock_id: clock.timestamp for clock in snapshot.clocks}
    assert snapshot.primary_trace_clock == MONOTONIC and set(clocks) == {MONOTONIC, REALTIME}
    assert clocks[MONOTONIC] == trace.trace.packet[0].timestamp
    head = recording.read_bytes()[:8000].decode(errors="replace")
    offset = next(int(line.split()[1]) for line in head.splitlines() if line.startswith("clock_offset_ns "))
    assert clocks[REALTIME] - clocks[MONOTONIC] == offset


def test_names_that_are_no_text(made):
    """A process may call itself anything; a string of a trace must be UTF-8."""
    _, trace, _ = made
    assert "</script>?" in {track.process.process_name for track in trace.tracks.values()}


def test_trace_alone_has_no_violations(made, proto, tmp_path):
    done = iommuscope("replay", made[0], "trace", "--perfetto", tmp_path / "t", "-o", "/dev/null")
    assert done.returncode == 0, done.stderr
    trace = Trace(proto, tmp_path / "t")
    assert len(trace.slices) == len(made[1].slices)
    assert {tuple(event.categories) for _, _, event in trace.instants} == {("loss",)}


def test_recording_that_is_cut_off(built, proto, tmp_path):
    cut = damaged(story(tmp_path / "a.rec", 50_000), tmp_path / "cut.rec")
    done = iommuscope("replay", cut, "--perfetto", tmp_path / "t")
    assert done.returncode == iommuscope("replay", cut).returncode == 3
    assert Trace(proto, tmp_path / "t").tracks


@pytest.mark.parametrize("words, said", [
    (["info", "--perfetto", "x"], "--perfetto is for check and trace, not info"),
    (["--perfetto", "/no/such/directory/x"], "cannot write to /no/such/directory/x: No such file or directory"),
    (["--perfetto", "/dev/full"], "cannot write to /dev/full: No space left on device"),
    (["--minimize", "-o", "x", "--perfetto", "y"], "nothing else"),
])
def test_bad_requests_are_one_line(made, tmp_path, words, said):
    done = iommuscope("replay", made[0], *words, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and said in done.stderr


def test_memory_does_not_grow_with_the_records(built, tmp_path):
    small, large = (story(tmp_path / f"{n}.rec", n) for n in (100_000, 1_000_000))
    peaks = [resident("replay", recording, "trace", "-o", "/dev/null", "--perfetto", "/dev/null")
             for recording in (small, large)]
    assert peaks[1] < peaks[0] + (8 << 20), peaks
