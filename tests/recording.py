# SPDX-License-Identifier: GPL-2.0-only
"""A reader of recordings that knows their layout from docs/recording.md only.

It shares no code with iommuscope: when both read the same, the document is right.
"""

import binascii
import ctypes
import ctypes.util
import dataclasses
import re

from conftest import REPO

RECORDS, TEXT, INDEX = 1, 2, 3


def layout(section):
    """{name: (offset, bytes)} of a table of the document."""
    text = (REPO / "docs/recording.md").read_text()
    body = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \|", body, re.M)
    return {name: (int(offset), int(size)) for offset, size, name in rows}


class Struct:
    """Reads what a table describes."""

    def __init__(self, fields):
        self.fields = fields
        self.size = max(offset + size for offset, size in fields.values())
        places = sorted(fields.values())
        assert all(a + size == b for (a, size), (b, _) in zip(places, places[1:])), "there is a gap"

    def read(self, data, at=0):
        return {name: int.from_bytes(data[at + offset:at + offset + size], "little")
                for name, (offset, size) in self.fields.items()}

    def crc_is_right(self, data, at=0):
        offset, _ = self.fields["crc"]
        return binascii.crc32(data[at:at + offset]) == self.read(data, at)["crc"]


def unpack(packed, size):
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    to = ctypes.create_string_buffer(size + 1)
    got = zstd.ZSTD_decompress(to, ctypes.c_size_t(size), packed, ctypes.c_size_t(len(packed)))
    assert got == size
    return to.raw[:size]


def unescape(value):
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], value)


@dataclasses.dataclass
class Recording:
    head: dict
    origin: dict        # {word: [value, ...]} of both texts
    kinds: dict         # {number: (name, payload bytes, {field: (offset, bytes)})}
    records: list       # of dictionaries, "runs" and the fields among the rest
    frames: list        # of (offset, head) of frames of records
    index: list
    seal: dict


def parse_text(text, origin, kinds):
    for line in text.decode().splitlines():
        word, _, value = line.partition(" ")
        if word == "kind":
            name, number, size = value.split()
            fields = {}
            kinds[int(number)] = (name, int(size), fields)
        elif word == "field":
            name, offset, size = value.split()
            fields[name] = (int(offset), int(size))
        else:
            origin.setdefault(word, []).append(unescape(value))


def parse_records(data, kinds):
    header = Struct(layout("Record"))
    at = 0
    while at < len(data):
        one = header.read(data, at)
        one["kind"], size, fields = kinds[one["kind"]]
        at += header.size
        payload = data[at:at + size]
        one.update({f".{name}": payload[offset:offset + width] for name, (offset, width) in fields.items()})
        at += size
        runs = [int.from_bytes(data[at + i * 8:at + i * 8 + 8], "little") for i in range(2 * one["nruns"])]
        one["runs"] = list(zip(runs[::2], runs[1::2]))
        at += 16 * one["nruns"]
        yield one
    assert at == len(data)


def read_recording(path):
    data = path.read_bytes()
    head, frame, entry, seal = (Struct(layout(name)) for name in ("Head", "Frame", "Index", "Seal"))
    read = Recording(head.read(data), {}, {}, [], [], [], None)
    assert data[:8] == b"IMSREC\r\n" and head.crc_is_right(data)
    text = data[head.size:head.size + read.head["text"]]
    assert binascii.crc32(text) == read.head["text_crc"]
    parse_text(text, read.origin, read.kinds)
    at = head.size + len(text)
    while data[at:at + 8] != b"IMSEND\r\n":
        this = frame.read(data, at)
        assert this["magic"] == 0x464d5349 and frame.crc_is_right(data, at)
        content = unpack(data[at + frame.size:at + frame.size + this["packed"]], this["size"])
        if this["kind"] == RECORDS:
            read.frames.append((at, this))
            read.records += parse_records(content, read.kinds)
        elif this["kind"] == TEXT:
            parse_text(content, read.origin, read.kinds)
        elif this["kind"] == INDEX:
            read.index = [entry.read(content, i) for i in range(0, len(content), entry.size)]
            last = at
        at += frame.size + this["packed"]
    read.seal = seal.read(data, at)
    assert seal.crc_is_right(data, at) and at + seal.size == len(data) and read.seal["index"] == last
    return read
