# SPDX-License-Identifier: Apache-2.0
"""Zip archives that lie, and the honest one that they are made from."""
import struct
import zlib

UTF8, DESCRIPTOR = 0x0800, 0x0008
FOUR = struct.pack("<4f", 1, 2, 3, 4)


def storage(numel=b"K\4", kind=b"FloatStorage", key=b"0"):
    return (b"(X\7\0\0\0storagectorch\n" + kind + b"\nX" + struct.pack("<I", len(key)) + key + b"X\3\0\0\0cpu" + numel +
            b"tQ")


def tensor(of=None, offset=b"K\0", sizes=b"K\4\x85", strides=b"K\1\x85", function=b"_rebuild_tensor_v2", tail=b""):
    return (b"ctorch._utils\n" + function + b"\n(" + (storage() if of is None else of) + offset + sizes + strides +
            b"\x89ccollections\nOrderedDict\n)R" + tail + b"tR")


def of_dict(value):
    return b"\x80\2}X\1\0\0\0a" + value + b"s."


GOOD_PICKLE = of_dict(tensor())


def record(name, data, **changes):
    """What both headers say of a record; `local_x` and `central_x` make them differ."""
    return {"name": name, "data": data, "method": 0, "flags": UTF8, "crc": zlib.crc32(data), "packed": len(data),
            "size": len(data), "extra": b"", "disk": 0, "comment": b"", "gap": b"", **changes}


def build(records, count=None, offset=None, size=None, tail=b"", middle=b"", prefix=b"", disks=(0, 0), comment=None):
    out, directory = bytearray(prefix), b""
    for r in records:
        def get(side, field):
            return r.get(side + "_" + field, r[field])
        place = r.get("at", len(out))
        name = get("local", "name")
        if "at" not in r:
            out += struct.pack("<IHHHIIIIHH", r.get("signature", 0x04034b50), 0, get("local", "flags"),
                               get("local", "method"), 0, get("local", "crc"), get("local", "packed") & 0xffffffff,
                               get("local", "size") & 0xffffffff, r.get("local_name_length", len(name)),
                               r.get("local_extra_length", len(get("local", "extra"))))
            out += name + get("local", "extra") + r["data"] + r["gap"]
        name, extra = get("central", "name"), get("central", "extra")
        directory += struct.pack("<IIHHIIIIHHHHHII", r.get("entry_signature", 0x02014b50), 0, get("central", "flags"),
                                 get("central", "method"), 0, get("central", "crc"), get("central", "packed"),
                                 get("central", "size"), r.get("name_length", len(name)),
                                 r.get("extra_length", len(extra)), r.get("comment_length", len(r["comment"])),
                                 r["disk"], 0, 0, r.get("central_place", place))
        directory += name + extra + r["comment"]
    place = len(out) + len(middle)
    count = len(records) if count is None else count
    counts = count if isinstance(count, tuple) else (count, count)
    out += middle + directory + struct.pack("<IHHHHIIH", 0x06054b50, *disks, *counts,
                                            len(directory) if size is None else size,
                                            place if offset is None else offset,
                                            len(tail) if comment is None else comment) + tail
    return bytes(out)


def torch_records(pickle=GOOD_PICKLE, data=FOUR, **changes):
    return [record(b"a/data.pkl", pickle), record(b"a/data/0", data, **changes), record(b"a/version", b"3\n")]


def torch(pickle=GOOD_PICKLE, data=FOUR, extra=(), **changes):
    return build(torch_records(pickle, data, **changes) + list(extra))


def deflate(data):
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    return z.compress(data) + z.flush()


def deflated(name, data, **changes):
    packed = deflate(data)
    return {**record(name, data), "method": 8, "data": packed, "packed": len(packed), **changes}


def zip64(*fields):
    return struct.pack("<HH", 1, 8 * len(fields)) + b"".join(struct.pack("<Q", f) for f in fields)


def with_end64(count=3, second_count=None, size=None, offset=None, place=None, disks=1, length=44, signature=0x06064b50,
               narrow=0xffff, disk=0):
    good = build(torch_records())
    directory, begin = struct.unpack("<II", good[-10:-2])
    body = good[:-22]
    end64 = struct.pack("<IQHHIIQQQQ", signature, length, 0, 45, disk, 0, count,
                        count if second_count is None else second_count, directory if size is None else size,
                        begin if offset is None else offset)
    locator = struct.pack("<IIQI", 0x07064b50, disk, len(body) if place is None else place, disks)
    return body + end64 + locator + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, narrow, narrow, 0xffffffff, 0xffffffff, 0)


def directory_cases():
    good = torch_records()
    begin = len(build(good)) - 22
    yield "appended", build(good) + b"x", "FORMAT", "no end of a zip directory"
    yield "appended_end", build(good) + build(good)[-22:], "FORMAT", "do not end at"
    yield "prefixed", b"#!/bin/sh\n" + build(good), "UNSUPPORTED", "not a tensor file"
    yield "comment", build(good, tail=b"hello"), "FORMAT", "no end of a zip directory"
    yield "end_in_comment", build(good, tail=build(good)[-22:]), "FORMAT", "do not end at"
    yield "comment_length_lies", build(good, comment=7), "FORMAT", "no end of a zip directory"
    yield "only_a_header", b"PK\3\4", "FORMAT", "too few for a zip archive"
    yield "nothing_but_an_end", b"PK\3\4" + build([])[:], "FORMAT", ""
    for number in (0, 1, 2, 4, 1000, 65535):
        yield "count_%d" % number, build(good, count=number), "FORMAT", "zip"
    yield "two_counts", build(good, count=(3, 2)), "FORMAT", "two numbers of records"
    for name, offset in (("zero", 0), ("one_more", begin), ("beyond", 1 << 30), ("top", 0xffffffff)):
        yield "directory_at_" + name, build(good, offset=offset), "FORMAT", "do not end at"
    for name, size in (("zero", 0), ("one", 1), ("large", 1 << 30), ("top", 0xffffffff)):
        yield "directory_of_" + name, build(good, size=size), "FORMAT", "do not end at"
    yield "first_disk", build(good, disks=(1, 0)), "UNSUPPORTED", "several parts"
    yield "directory_disk", build(good, disks=(0, 1)), "UNSUPPORTED", "several parts"
    yield "unclaimed_bytes", build(good, middle=b"hidden"), "FORMAT", "belong to no record"
    yield "end64_count_large", with_end64(count=1 << 40), "FORMAT", "records in"
    yield "end64_counts_differ", with_end64(second_count=4), "FORMAT", "contradict"
    yield "end64_count_small", with_end64(count=2), "FORMAT", "follow its 2 entries"
    yield "end64_narrow_differs", with_end64(narrow=4), "FORMAT", ""
    yield "end64_size_top", with_end64(size=(1 << 64) - 1), "FORMAT", "do not end at"
    yield "end64_offset_top", with_end64(offset=(1 << 64) - 1), "FORMAT", "do not end at"
    yield "end64_sum_wraps", with_end64(size=(1 << 63) + 5, offset=1 << 63), "FORMAT", "do not end at"
    yield "end64_elsewhere", with_end64(place=0), "FORMAT", "not where its locator says"
    yield "end64_at_top", with_end64(place=(1 << 64) - 1), "FORMAT", "not where its locator says"
    yield "end64_disks", with_end64(disks=2), "UNSUPPORTED", "several parts"
    yield "end64_disk", with_end64(disk=1), "UNSUPPORTED", "several parts"
    yield "end64_length", with_end64(length=45), "FORMAT", "bad end record"
    yield "end64_length_top", with_end64(length=(1 << 64) - 1), "FORMAT", "bad end record"
    yield "end64_signature", with_end64(signature=0), "FORMAT", "bad end record"


def changed(**changes):
    return torch(**changes)


def record_cases():
    inside = "agree with the directory"
    yield "bad_crc", changed(crc=1), "FORMAT", "CRC"
    yield "bad_crc_pickle", build([record(b"a/data.pkl", GOOD_PICKLE, crc=1)] + torch_records()[1:]), "FORMAT", "CRC"
    for bit in (0, 4, 5, 6, 12, 13, 14, 15):
        yield "flag_%d" % bit, changed(flags=UTF8 | 1 << bit), "UNSUPPORTED", "encrypted" if bit == 0 else "zip flags"
    for method in (1, 6, 9, 12, 14, 93, 95, 98, 99, 65535):
        yield "method_%d" % method, changed(method=method), "UNSUPPORTED", "compression method"
    yield "other_disk", changed(disk=1), "UNSUPPORTED", "several parts"
    for field, value in (("name", b"a/data/1"), ("flags", 0), ("method", 8), ("name_length", 7)):
        yield "local_" + field, changed(**{"local_" + field: value}), "FORMAT", inside
    yield "local_signature", changed(signature=0x04034b51), "FORMAT", inside
    yield "entry_signature", changed(entry_signature=0), "FORMAT", "no entry"
    yield "local_extra_beyond", changed(local_extra_length=0xffff), "FORMAT", "exceed the file"
    yield "local_extra_longer", changed(local_extra_length=1), "FORMAT", "overlap"
    for field in ("name", "extra", "comment"):
        yield field + "_beyond", changed(**{field + "_length": 0xffff}), "FORMAT", "zip directory"
    yield "entry_comment_hides_one", changed(comment_length=46 + 9), "FORMAT", "no entry"
    for name, packed in (("none", 0), ("less", 12), ("more", 20), ("half", 1 << 31)):
        yield "stored_in_" + name, changed(packed=packed), "FORMAT", "stored, but"
        yield "size_" + name, changed(packed=packed, size=packed), "FORMAT", ""
    for name, place in (("self", 1), ("directory", 290), ("top", 0xfffffffe)):
        yield "header_at_" + name, changed(central_place=place), "FORMAT", ""
    records = torch_records()
    yield "two_entries_one_record", build(records + [dict(records[1], at=len(build(records[:1])) - 22 - 46 - 10)]), \
        "FORMAT", ""
    yield "entry_within_another", build(records + [dict(record(b"a/x", b""), at=31)]), "FORMAT", ""
    for name, twin in (("same", b"a/data.pkl"), ("case", b"a/DATA.PKL"), ("storage", b"a/Data/0")):
        yield "duplicate_" + name, torch(extra=[record(twin, b"x")]), "FORMAT", "same name"
    for name in (b"a/../b", b"..", b"a/..", b"/etc/passwd", b"a\\b", b"a/b\0c", b"a/\xff", b"", b"a/./b", b"a/\xc0\x80"):
        yield "name_" + name.hex(), torch(extra=[record(name, b"x")]), "FORMAT", "unsafe record name"
    yield "name_elsewhere", torch(extra=[record(b"b/x", b"x")]), "FORMAT", "not in the folder"
    yield "no_folder", build([record(b"data.pkl", GOOD_PICKLE)]), "UNSUPPORTED", "in no folder"
    yield "gap", changed(gap=b"hidden"), "FORMAT", "belong to no record"
    yield "descriptor_missing", changed(flags=UTF8 | DESCRIPTOR), "FORMAT", "no data descriptor"
    for name, crc, packed, size in (("crc", 1, 16, 16), ("packed", zlib.crc32(FOUR), 15, 16), ("size", 0, 16, 17)):
        gap = struct.pack("<IIII", 0x08074b50, crc, packed, size)
        yield "descriptor_" + name, changed(flags=UTF8 | DESCRIPTOR, gap=gap), "FORMAT", "no data descriptor"
    yield "descriptor_signature", changed(flags=UTF8 | DESCRIPTOR, gap=bytes(16)), "FORMAT", "no data descriptor"
    yield "descriptor_long", changed(flags=UTF8 | DESCRIPTOR, gap=bytes(4096)), "FORMAT", "no data descriptor"
    every = 0xffffffff
    yield "zip64_missing", changed(central_size=every, central_packed=every), "FORMAT", "zip64 field is missing"
    for name, extra in (("short", zip64(16)), ("empty", zip64()), ("twice", zip64(16, 16) * 2)):
        yield "zip64_" + name, changed(central_size=every, central_packed=every, central_extra=extra), "FORMAT", \
            "bad zip64 field"
    for name, sizes in (("sizes_top", (2 ** 64 - 1, 2 ** 64 - 1)), ("sizes_63", (1 << 63, 1 << 63))):
        yield "zip64_" + name, changed(central_size=every, central_packed=every, central_extra=zip64(*sizes)), \
            "FORMAT", "2^62"
    yield "zip64_sizes_beyond", changed(central_size=every, central_packed=every,
                                        central_extra=zip64(1 << 61, 1 << 61)), "FORMAT", "exceed the file"
    yield "zip64_place_top", changed(central_place=every, central_extra=zip64(2 ** 64 - 1)), "FORMAT", "2^62"
    yield "zip64_place_beyond", changed(central_place=every, central_extra=zip64(1 << 61)), "FORMAT", "not before"
    yield "extra_field_beyond", changed(central_extra=struct.pack("<HH", 7, 100)), "FORMAT", "extra field exceeds"
    yield "extra_rest", changed(central_extra=b"abc"), "FORMAT", "bad extra field"


def deflate_cases():
    zeros = bytes(1 << 20)
    bomb = deflate(zeros)
    yield "bomb_small_claim", torch(data=bomb, method=8, size=16, crc=zlib.crc32(FOUR)), "FORMAT", "unpacks to more"
    yield "bomb_large_claim", torch(data=bomb, method=8, size=1 << 31, crc=1), "FORMAT", "more than deflate can give"
    yield "bomb_version", build(torch_records()[:2] + [deflated(b"a/version", zeros)]), "LIMIT", "version"
    yield "bomb_byteorder", torch(extra=[deflated(b"a/byteorder", zeros)]), "LIMIT", "byteorder"
    huge = bytes(65 << 20)
    yield "bomb_pickle", build([deflated(b"a/data.pkl", huge)] + torch_records()[1:]), "LIMIT", "data.pkl"
    yield "bomb_of_bombs", build([deflated(b"a/data.pkl", bytes(32 << 20))] + torch_records()[1:]), "FORMAT", \
        "not a pickle"
    for name, data in (("damaged", b"\xff" * 16), ("empty", b""), ("endless", deflate(FOUR)[:-2]),
                       ("far_back", b"\x4b\x04\x42\x00")):
        yield "deflate_" + name, torch(data=data, method=8, size=16, crc=zlib.crc32(FOUR)), "FORMAT", ""
    packed = deflate(FOUR)
    yield "deflate_followed", torch(data=packed + b"rest", method=8, size=16, crc=zlib.crc32(FOUR)), "FORMAT", \
        "unpacks to"
    yield "deflate_too_little", torch(data=packed, method=8, size=17, crc=zlib.crc32(FOUR)), "FORMAT", ""
    yield "deflate_crc", torch(data=packed, method=8, size=16, crc=1), "FORMAT", "CRC"


def torch_record_cases():
    records = torch_records()
    yield "no_pickle", build(records[1:]), "FORMAT", "no record 'data.pkl'"
    yield "no_version", build(records[:2]), "FORMAT", "no record 'version'"
    yield "no_storage", build([records[0], records[2]]), "FORMAT", "no record 'data/0'"
    yield "script", torch(extra=[record(b"a/constants.pkl", b"")]), "UNSUPPORTED", "TorchScript"
    for text, status in ((b"", "FORMAT"), (b"x", "FORMAT"), (b"-1", "FORMAT"), (b"0\n", "UNSUPPORTED"),
                         (b"11\n", "UNSUPPORTED"), (b"9" * 20, "FORMAT"), (b"3" * 99, "LIMIT"), (b"3\n\n", "FORMAT")):
        yield "version_" + text.hex()[:20], build(records[:2] + [record(b"a/version", text)]), status, "version"
    for text in (b"", b"LITTLE", b"middle", b"little\n", b"bigger"):
        yield "byteorder_" + text.hex(), torch(extra=[record(b"a/byteorder", text)]), "FORMAT", "byteorder"
    for text in (b"", b"2", b"x"):
        yield "format_version_" + text.hex(), torch(extra=[record(b"a/.format_version", text)]), "UNSUPPORTED", \
            ".format_version"


def cases():
    yield "honest", torch(), "OK", ""
    yield "honest_end64", with_end64(), "OK", ""
    yield "honest_deflated", torch(data=deflate(FOUR), method=8, packed=len(deflate(FOUR)), size=16, crc=zlib.crc32(FOUR)), \
        "OK", ""
    for part in (directory_cases, record_cases, deflate_cases, torch_record_cases):
        yield from part()
