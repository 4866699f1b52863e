# SPDX-License-Identifier: Apache-2.0
"""Legacy streams of torch, safetensors, arrays of NumPy, indices of shards."""
import io
import json
import struct

from pickles import long8, pickles, text
from zips import FOUR, build, deflate, deflated, of_dict, record, tensor

MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa8502e".replace("502e", "50192e"))
VERSION = b"\x80\2M\xe9\3."
MACHINE = b"\x80\2}X\r\0\0\0little_endian\x88s."


def legacy_storage(key=b"7", numel=b"K\4", kind=b"FloatStorage", view=b"N"):
    return b"(" + text(b"storage") + b"ctorch\n" + kind + b"\n" + text(key) + text(b"cpu") + numel + view + b"tQ"


def keys(*names):
    return b"\x80\2](" + b"".join(text(n) for n in names) + b"e."


def legacy(body=None, version=VERSION, machine=MACHINE, listed=None, count=4, data=FOUR, tail=b""):
    return MAGIC + version + machine + of_dict(tensor(legacy_storage()) if body is None else body) + \
        (keys(b"7") if listed is None else listed) + struct.pack("<Q", count & 0xffffffffffffffff) + data + tail


def legacy_cases():
    yield "honest", legacy(), "OK", ""
    yield "only_magic", MAGIC, "FORMAT", ""
    yield "version_other", legacy(version=b"\x80\2M\xea\3."), "UNSUPPORTED", "version"
    yield "version_text", legacy(version=b"\x80\2" + text(b"1001") + b"."), "UNSUPPORTED", "version"
    yield "version_runs", legacy(version=b"\x80\2cposix\nsystem\n" + text(b"id") + b"\x85R."), "UNSUPPORTED", "looked up"
    yield "machine_list", legacy(machine=b"\x80\2]."), "FORMAT", "not a dict"
    yield "machine_silent", legacy(machine=b"\x80\2}."), "FORMAT", "little_endian"
    yield "machine_number", legacy(machine=MACHINE.replace(b"\x88", b"K\1")), "FORMAT", "little_endian"
    yield "machine_big", legacy(machine=MACHINE.replace(b"\x88", b"\x89")), "FORMAT", "ends before"
    yield "machine_runs", legacy(machine=b"\x80\2cos\nsystem\n)R."), "UNSUPPORTED", "looked up"
    yield "body_runs", legacy(b"cposix\nsystem\n)R"), "UNSUPPORTED", "looked up"
    yield "keys_run", legacy(listed=b"\x80\2cposix\nsystem\n)R."), "UNSUPPORTED", "looked up"
    yield "keys_dict", legacy(listed=b"\x80\2}."), "FORMAT", "not a list"
    yield "keys_numbers", legacy(listed=b"\x80\2]K\7a."), "FORMAT", "key of a storage"
    yield "keys_none", legacy(listed=keys()), "FORMAT", ""
    yield "keys_twice", legacy(listed=keys(b"7", b"7")), "FORMAT", "twice"
    yield "keys_other", legacy(listed=keys(b"8")), "FORMAT", "nothing asks for"
    yield "keys_more", legacy(listed=keys(b"7", b"8")), "FORMAT", "nothing asks for"
    yield "keys_path", legacy(listed=keys(b"../../etc/passwd")), "FORMAT", "nothing asks for"
    yield "keys_long", legacy(listed=keys(b"7" * 5000)), "FORMAT", "nothing asks for"
    for count in (-1, 0, 3, 5, 1 << 40, 1 << 61, 1 << 62, (1 << 62) + 4, 1 << 63):
        yield "count_%d" % count, legacy(count=count), "FORMAT", ""
    yield "no_elements", legacy(data=b""), "FORMAT", "ends before"
    yield "no_count", legacy(data=b"")[:-8], "FORMAT", "ends before"
    yield "followed", legacy(tail=b"x"), "FORMAT", "follow the last storage"
    for number, body in enumerate((legacy_storage(numel=b"K\5"), legacy_storage(numel=b"J\xff\xff\xff\xff"),
                                   legacy_storage(b""), legacy_storage(b"x"), legacy_storage(kind=b"float32"),
                                   legacy_storage(b"9" * 70), b"NQ", text(b"module") + b"\x85Q")):
        yield "storage_%d" % number, legacy(tensor(body)), "FORMAT", ""
    yield "part_of_another", legacy(tensor(legacy_storage(view=b"(" + text(b"1") + b"K\0K\4t"))), "UNSUPPORTED", "part of"
    yield "complex_storage", legacy(tensor(legacy_storage(kind=b"ComplexFloatStorage"))), "UNSUPPORTED", "how long it is"
    yield "no_keys_at_all", MAGIC + VERSION + MACHINE + of_dict(b"N"), "FORMAT", ""
    yield "preview", b"PYTORCH1" + bytes(100), "UNSUPPORTED", "preview"
    yield "tar", (b"storages" + bytes(249) + b"ustar\x0000").ljust(1024, b"\0"), "UNSUPPORTED", "tar"


def entry(dtype="F32", shape=(4,), place=(0, 16), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(place), **more}


def safetensors(header, data=FOUR, length=None):
    body = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(body) if length is None else length) + body + data


def safetensors_cases():
    good = {"a": entry()}
    yield "honest", safetensors(good), "OK", ""
    for n in range(1, 8):
        yield "header_too_small_%d" % n, b"{\0\0\0\0\0\0\0"[:n], ("FORMAT", "UNSUPPORTED"), ""
    for name, n in (("by_1", 100000001), ("4g", 1 << 32), ("47", 1 << 47)):
        yield "header_too_large_" + name, safetensors(good, length=n), "LIMIT", "HeaderTooLarge"
    for name, n in (("by_1", 17), ("much", 99999000), ("largest", 100000000 - len(json.dumps(good)))):
        body = json.dumps(good).encode()
        yield "invalid_header_length_" + name, safetensors(good, length=len(body) + n), "FORMAT", "InvalidHeaderLength"
    for name, bad in (("ff", b"\xff"), ("long_form", b"\xc0\xaf"), ("surrogate", b"\xed\xa0\x80"), ("nul", b"\0"),
                      ("cut", b"\xe2\x82"), ("beyond", b"\xf5\x80\x80\x80")):
        yield "invalid_header_" + name, safetensors(b'{"' + bad + b'":' + json.dumps(entry()).encode() + b"}"), "FORMAT", \
            "InvalidHeader"
    said = "InvalidHeaderDeserialization"
    for number, body in enumerate((
            b"{", b"{]", b"{}x", b'{"a"}', b'{"a":}', b'{"a":1}', b'{"a":null}', b'{"a":[]}', b'{"a":"F32"}', b'{"a":{}}',
            b'{a:1}', b"{'a':1}", b'{"a":{"dtype":"F32"}}', b'{"a":1,}', b"{/**/}", b'{"a":NaN}', b'{"\\ud800":1}',
            b'{"a\\u0000b":1}', b'{"\\x":1}', b'{"a":1e999}', b'{"a":01}', b'{"a":99999999999999999999999}')):
        yield "header_json_%d" % number, safetensors(body), "FORMAT", said
    for name, bad in (
            ("dtype_number", entry(1)), ("dtype_null", entry(None)), ("dtype_unknown", entry("F33")),
            ("dtype_case", entry("f32")), ("dtype_empty", entry("")), ("dtype_long", entry("F" * 100000)),
            ("shape_real", entry(shape=(4.0,))), ("shape_negative", entry(shape=(-4,))), ("shape_text", entry(shape=("4",))),
            ("shape_nested", entry(shape=((4,),))), ("shape_null", entry(shape=(None,))), ("shape_bool", entry(shape=(True,))),
            ("place_one", entry(place=(0,))), ("place_three", entry(place=(0, 16, 16))), ("place_real", entry(place=(0, 16.0))),
            ("place_negative", entry(place=(-1, 15))), ("place_text", entry(place=("0", "16"))), ("more", entry(strides=[1]))):
        yield "header_" + name, safetensors({"a": bad}), "FORMAT", said
    for name, meta in (("list", []), ("number", 1), ("of_numbers", {"a": 1}), ("nested", {"a": {"b": "c"}}), ("text", "pt")):
        yield "metadata_" + name, safetensors({"__metadata__": meta, **good}), "FORMAT", said
    one = json.dumps(entry())
    for name, body in (("name", '{"a":%s,"a":%s}' % (one, one)), ("escaped", '{"a":%s,"\\u0061":%s}' % (one, one)),
                       ("metadata", '{"__metadata__":{},"__metadata__":{},"a":%s}' % one),
                       ("field", '{"a":%s}' % one.replace('{"', '{"dtype":"I32","'))):
        yield "duplicate_" + name, safetensors(body.encode()), "FORMAT", said
    yield "depth", safetensors(b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}"), "LIMIT", "nested"
    yield "many_values", safetensors(b'{"a":[' + b"1," * 4000001 + b"1]}"), "LIMIT", "values"
    yield "many_dimensions", safetensors({"a": entry(shape=(1,) * 65)}), "LIMIT", "dimensions"
    for name, header in (("hole_before", {"a": entry(place=(4, 20))}), ("reversed", {"a": entry(place=(16, 0))}),
                         ("overlap", {"a": entry(), "b": entry(place=(8, 24))}), ("same", {"a": entry(), "b": entry()}),
                         ("hole", {"a": entry(shape=(1,), place=(0, 4)), "b": entry(shape=(2,), place=(8, 16))}),
                         ("beyond", {"a": entry(place=(1 << 62, (1 << 62) + 16))})):
        yield "invalid_offset_" + name, safetensors(header), "FORMAT", "InvalidOffset"
    for name, shape in (("two", (1 << 62, 1 << 62)), ("bits", (1 << 60,)), ("top", ((1 << 63) - 1,)), ("zero", (0, 1 << 62, 8))):
        yield "validation_overflow_" + name, safetensors({"a": entry(shape=shape)}), "FORMAT", "ValidationOverflow"
    for dtype in ("F4", "F6_E2M3", "F6_E3M2"):
        yield "misaligned_slice_" + dtype, safetensors({"a": entry(dtype, (1,), (0, 1))}, b"x"), "FORMAT", "MisalignedSlice"
    for name, bad in (("more", entry(shape=(5,))), ("less", entry(shape=(3,))), ("none", entry(shape=(0,))),
                      ("wider", entry("F64")), ("narrower", entry("BF16")), ("scalar", entry(shape=()))):
        yield "tensor_invalid_info_" + name, safetensors({"a": bad}), "FORMAT", "TensorInvalidInfo"
    for name, data in (("short", FOUR[:-1]), ("long", FOUR + b"x"), ("none", b""), ("twice", FOUR * 2)):
        yield "incomplete_buffer_" + name, safetensors(good, data), "FORMAT", "MetadataIncompleteBuffer"
    yield "incomplete_buffer_no_tensors", safetensors({}), "FORMAT", "MetadataIncompleteBuffer"


def header_text(descr="'<f4'", fortran="False", shape="(4,)", text=None):
    return ("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n" % (descr, fortran, shape) if text is None else text).encode(
        "latin1")


def npy(data=FOUR, version=(1, 0), length=None, **header):
    body = header_text(**header)
    size = "<H" if version[0] == 1 else "<I"
    return b"\x93NUMPY" + bytes(version) + struct.pack(size, len(body) if length is None else length) + body + data


def npy_cases():
    yield "honest", npy(), "OK", ""
    yield "only_magic", b"\x93NUMPY", "FORMAT", ""
    yield "no_length", b"\x93NUMPY\1\0", "FORMAT", ""
    for version in ((0, 0), (4, 0), (1, 1), (255, 255)):
        yield "version_%d_%d" % version, npy(version=version), "UNSUPPORTED", "npy version"
    for name, length in (("beyond", 9000), ("by_1", 200)):
        yield "header_" + name, npy(length=length), "FORMAT", "exceeds"
    for name, version, length in (("large", (1, 0), 65535), ("4g", (2, 0), 0xffffffff), ("2g", (3, 0), 1 << 31)):
        yield "header_" + name, npy(version=version, length=length), "LIMIT", "npy header"
    for name, length in (("none", 0), ("one", 1), ("half", 20)):
        yield "header_" + name, npy(length=length), "FORMAT", "npy header"
    for number, descr in enumerate(("'|O'", "'|O8'", "'<O'", "'|V2'", "'<V2'", "'|S4'", "'<U4'", "'<c8'", "'<c16'", "'<m8'",
                                    "'<M8[ns]'", "'<f16'", "'<f3'", "'<i16'", "[('a', '<f4')]", "[]", "'<f'", "'<f44'", "'<f4")):
        yield "type_%d" % number, npy(descr=descr), "UNSUPPORTED", ""
    for number, descr in enumerate(("''", "'<'", "'f4'", "'?f4'", "4", "None", "'<f\\x34'", "'|f4'", "('<f4',)",
                                    "__import__('os')", "'" + "<" * 70 + "'")):
        yield "no_type_%d" % number, npy(descr=descr), "FORMAT", "npy header"
    for number, word in enumerate(("0", "1", "None", "true", "'False'", "(False,)", "")):
        yield "order_%d" % number, npy(fortran=word), "FORMAT", "npy header"
    for number, shape in enumerate(("4", "(4)", "[4]", "(-4,)", "(4.0,)", "(0x4,)", "('4',)", "(4,,)", "(,)", "(4", "((4,),)",
                                    "(9223372036854775808,)", "(99999999999999999999999999,)", "(1 << 2,)", "(None,)", "",
                                    "(2+2,)", "(4,) * 9")):
        yield "no_shape_%d" % number, npy(shape=shape), "FORMAT", "npy header"
    yield "dimensions", npy(shape="(" + "1," * 65 + ")"), "LIMIT", "dimensions"
    for number, shape in enumerate(("(4611686018427387904, 4611686018427387904)", "(9223372036854775807,)",
                                    "(0, 9223372036854775807, 2)")):
        yield "overflow_%d" % number, npy(shape=shape), "FORMAT", "overflow"
    for number, shape in enumerate(("()", "(3,)", "(5,)", "(0,)", "(2, 3)", "(1099511627776,)")):
        yield "other_size_%d" % number, npy(shape=shape), "FORMAT", "the shape takes"
    for number, header in enumerate((
            "", "{", "}", "{}", "[]", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'x': 1}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}; import os",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (4,)}", "{descr: '<f4', 'fortran_order': False, 'shape': (4,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}\0", "\0" * 64,
            "{'de\\x73cr': '<f4', 'fortran_order': False, 'shape': (4,)}", "dict(descr='<f4')", "{" * 5000)):
        yield "text_%d" % number, npy(text=header), "FORMAT", "npy header"
    yield "appended", npy(FOUR + b"x"), "FORMAT", "the shape takes"
    yield "cut", npy(FOUR[:-1]), "FORMAT", "the shape takes"


def npz_cases():
    good = npy()
    yield "honest", build([record(b"a.npy", good)]), "OK", ""
    for name, status, said in (("crc", "FORMAT", "CRC"), ("method", "UNSUPPORTED", "method"), ("flags", "UNSUPPORTED", "encr")):
        value = {"crc": 1, "method": 12, "flags": 1}[name]
        yield name, build([record(b"a.npy", good, **{name: value})]), status, said
    yield "same_names", build([record(b"a.npy", good), record(b"a.npy", good)]), "FORMAT", "two tensors"
    for name in (b"../a.npy", b"/a.npy", b"a\\b.npy"):
        yield "name_" + name.hex(), build([record(name, good)]), "FORMAT", "unsafe"
    yield "no_array", build([record(b"a.npy", b"hello")]), "FORMAT", "no npy array"
    yield "empty", build([record(b"a.npy", b"")]), "FORMAT", "no npy array"
    yield "size_lies", build([record(b"a.npy", npy(shape="(1000000,)"))]), "FORMAT", "the shape takes"
    yield "deflated_crc", build([deflated(b"a.npy", good, crc=1)]), "FORMAT", "CRC"
    yield "bomb", build([deflated(b"a.npy", npy(bytes(8 << 20), shape="(4,)"))]), "FORMAT", "the shape takes"
    packed = deflate(npy(bytes(1 << 20), shape="(4,)"))
    yield "small_claim", build([record(b"a.npy", packed, method=8, size=len(good))]), "FORMAT", "unpacks to more"


def index_cases():
    def index(weights, **more):
        return json.dumps({"metadata": {}, "weight_map": weights, **more}).encode()
    for number, name in enumerate(("../x", "/etc/passwd", "a/b", "..", ".", "", ".hidden", "a\\b", "../../../../etc/shadow",
                                   "x" * 256, "/dev/zero", "sub/../x")):
        yield "file_%d" % number, index({"a": name}), "FORMAT", "plain name"
    for number, value in enumerate((1, None, True, [], {}, ["part"])):
        yield "no_file_%d" % number, index({"a": value}), "FORMAT", "in no file"
    for number, weights in enumerate(([], "x", 1, None)):
        yield "no_map_%d" % number, index(weights), "UNSUPPORTED", "weight_map"
    yield "no_map", b"{}", "UNSUPPORTED", "weight_map"
    yield "missing", index({"a": "nowhere.safetensors"}), "NOT_FOUND", "nowhere.safetensors"
    yield "itself", {"model": index({"a": "model"})}, "FORMAT", "JSON file"
    yield "two_in_a_circle", {"model": index({"a": "other"}), "other": index({"a": "model"})}, "FORMAT", "JSON file"
    part = safetensors({"a": entry()})
    yield "honest", {"model": index({"a": "part"}), "part": part}, "OK", ""
    yield "not_in_part", {"model": index({"b": "part"}), "part": part}, "FORMAT", "there is no 'b'"
    yield "part_damaged", {"model": index({"a": "part"}), "part": part[:-1]}, "FORMAT", "MetadataIncompleteBuffer"
    yield "part_empty", {"model": index({"a": "part"}), "part": b""}, "FORMAT", "empty"
    yield "part_unknown", {"model": index({"a": "part"}), "part": b"hello, world"}, "UNSUPPORTED", "not a tensor file"
    yield "many_parts", index({str(i): "f%d" % i for i in range(5000)}), "LIMIT", "files"
    yield "same_tensor_twice", b'{"weight_map":{"a":"x","a":"y"}}', "FORMAT", "uplicate"
    yield "depth", b'{"weight_map":' + b"[" * 100000 + b"]" * 100000 + b"}", "LIMIT", "nested"
    yield "not_utf8", b'{"weight_map":{"\xff":"x"}}', "FORMAT", "UTF-8"
    yield "cut", b'{"weight_map":{"a":"x"', "FORMAT", "JSON"
    yield "followed", index({"a": "x"}) + b"x", "FORMAT", "JSON"


def legacy_pickles():
    """The pickles of the zip archives that need no storage, as the object of a stream."""
    for name, pickle, status, said in pickles():
        if name.startswith(("global_", "call_", "exceeds_", "empty_stack_", "protocol_")):
            yield name, MAGIC + VERSION + MACHINE + pickle + keys(), status, said.replace("follow the end", "")
