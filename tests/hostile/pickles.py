# SPDX-License-Identifier: Apache-2.0
"""Pickles that want to run something, to reach beyond their storages, or to exhaust the reader."""
import struct

from zips import of_dict, storage, tensor, torch

ALLOWED = set(b"(}]).tsuaeNKMJGXUTCBqrhjcRbQ") | {0x8f, 0x85, 0x86, 0x87, 0x90, 0x91, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d,
                                               0x8e, 0x96, 0x94, 0x93, 0x81, 0x92, 0x95}
# Names after what is known from attacks; each call would leave a file behind if anything ran it.
TARGETS = """posix system|nt system|os system|os popen|os execvp|os remove|subprocess Popen|subprocess check_output
subprocess run|builtins eval|builtins exec|builtins compile|builtins open|builtins getattr|builtins setattr
builtins __import__|builtins breakpoint|builtins globals|__builtin__ eval|__builtin__ exec|__builtin__ open
__builtin__ getattr|__builtin__ apply|__builtin__ execfile|importlib import_module|importlib reload|runpy run_path
runpy _run_code|operator methodcaller|operator attrgetter|_operator methodcaller|pickle loads|_pickle loads|marshal loads
types FunctionType|types CodeType|ctypes CDLL|ctypes.util find_library|socket create_connection|ssl SSLContext
urllib.request urlopen|http.client HTTPSConnection|httplib HTTPConnection|requests.api get|webbrowser open|shutil rmtree
shutil copyfile|tempfile mktemp|glob glob|io open|io FileIO|_io FileIO|codecs open|codecs decode|code interact
code InteractiveInterpreter|bdb Bdb|pdb run|cProfile runctx|profile run|timeit timeit|trace Trace|unittest.mock patch
pip main|pip._internal main|pkgutil resolve_name|pty spawn|commands getoutput|popen2 popen2|asyncio.unix_events _x
concurrent.futures ThreadPoolExecutor|multiprocessing.util spawnv_passfds|threading Thread|_thread start_new_thread
signal raise_signal|sys exit|sys modules|site main|smtplib SMTP|ftplib FTP|telnetlib Telnet|poplib POP3|imaplib IMAP4
xmlrpc.client ServerProxy|platform popen|pydoc pipepager|ensurepip bootstrap|venv create|distutils.spawn spawn
setuptools setup|test.support run_code|lib2to3.pgen2.pgen ParserGenerator|linecache getlines|logging.config fileConfig
uuid _get_command_stdout|inspect getsource|gc get_objects|atexit register|faulthandler dump|imp load_source
zipimport zipimporter|py_compile compile|compileall compile_file|cffi FFI|dill loads|joblib load|numpy.f2py.crackfortran x
numpy.testing._private.utils runstring|torch load|torch compile|torch.hub load|torch.jit load|torch.storage _load_from_bytes
torch.serialization load|torch.utils.collect_env run|torch.utils.data.datapipes.utils.decoder basichandlers
torch.cuda init|torch._utils _import_dotted_name|torch._tensor x|_posixsubprocess fork_exec|_winapi CreateProcess
shelve open|sysconfig get_paths""".replace("\n", "|").split("|")
NOT_NAMES = ((b"", b"x"), (b"x", b""), (b"os\0", b"system"), (b"a b", b"c"), (b".os", b"system"), (b"os.", b"system"),
             (b"a..b", b"c"), (b"a", b"b.c()"), (b"\xff", b"x"), (b"9a", b"b"), (b"a", b"b;c"), (b"a" * 40000, b"b-"))
RUN = b"X\x1c\0\0\0touch hostile-file-was-run-x\x85R"


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s


def long8(n):
    return b"\x8a\x08" + struct.pack("<q", n)


def opcode_cases():
    for code in range(256):
        if code not in ALLOWED and code != ord("."):
            yield "opcode_%02x" % code, of_dict(b"N" + bytes([code]) + b"posix\nsystem\n"), "FORMAT", \
                "opcode 0x%02x" % code


def global_cases():
    for target in TARGETS:
        module, name = target.encode().split(b" ")
        yield "global_" + target.replace(" ", "_"), of_dict(b"c" + module + b"\n" + name + b"\n" + RUN), \
            "UNSUPPORTED", "it was not looked up"
    for module, name in ((b"posix", b"system"), (b"builtins", b"eval"), (b"os", b"system")):
        for op in (b"R", b"\x81", b"}\x92"):
            body = b"\x8c" + bytes([len(module)]) + module + b"\x8c" + bytes([len(name)]) + name + b"\x93" + \
                text(b"touch x") + b"\x85" + op
            yield "stack_global_%s_%s" % (module.decode(), op.hex()), b"\x80\4" + body + b".", "UNSUPPORTED", \
                "not looked up"
    for i, (module, name) in enumerate(NOT_NAMES):
        yield "global_no_name_%d" % i, of_dict(b"c" + module + b"\n" + name + b"\n"), "UNSUPPORTED", "not looked up"
    yield "global_without_end", b"\x80\2cposix", "FORMAT", "does not end"
    yield "global_half", b"\x80\2cposix\nsystem", "FORMAT", "does not end"
    yield "global_of_numbers", b"\x80\4K\1K\2\x93.", "FORMAT", "two texts"
    yield "call_of_a_text", of_dict(text(b"os.system") + b")R"), "FORMAT", "cannot be called"
    yield "call_of_none", of_dict(b"N)R"), "FORMAT", "cannot be called"
    yield "call_of_a_class", of_dict(b"ctorch\nFloatStorage\n)R"), "FORMAT", "cannot be called"
    yield "call_without_tuple", of_dict(b"ccollections\nOrderedDict\nNR"), "FORMAT", "not tuple"
    yield "call_with_names", of_dict(b"ccollections\nOrderedDict\n)}X\1\0\0\0aNs\x92"), "UNSUPPORTED", "named"
    yield "inner_function", of_dict(b"ctorch._tensor\n_rebuild_from_type_v2\n(cposix\nsystem\nN)NtR"), "UNSUPPORTED", \
        "not looked up"
    for i, args in enumerate((b")", b"NNNN", b"(ctorch\ndevice\nNNNt", b"(NNNNt")):
        yield "from_type_%d" % i, of_dict(b"ctorch._tensor\n_rebuild_from_type_v2\n" + args + b"R"), "FORMAT", ""


def machine_cases():
    for name, op in (("setitem", b"s"), ("setitems", b"u"), ("append", b"a"), ("appends", b"e"), ("tuple", b"t"),
                     ("tuple1", b"\x85"), ("tuple2", b"\x86"), ("tuple3", b"\x87"), ("put", b"q\0"), ("reduce", b"R"),
                     ("newobj", b"\x81"), ("build", b"b"), ("persid", b"Q"), ("stack_global", b"\x93"), ("memoize", b"\x94"),
                     ("additems", b"\x90"), ("frozenset", b"\x91"), ("newobj_ex", b"\x92"), ("stop", b".")):
        yield "empty_stack_" + name, b"\x80\4" + op + b".", "FORMAT", ""
        if op not in (b"u", b"e", b"t", b"\x90", b"\x91"):
            yield "below_mark_" + name, b"\x80\4NNN(" + op + b"..", "FORMAT", ""
    for name, filling in (("setitem", b"NNs"), ("setitems", b"(NNu"), ("append", b"Na"), ("appends", b"(Ne"),
                          ("additems", b"(N\x90"), ("build", b"Nb")):
        for target, push in (("none", b"N"), ("int", b"K\1"), ("tuple", b")"), ("text", text(b"x")),
                             ("storage", storage()), ("tensor", tensor())):
            yield "%s_on_%s" % (name, target), of_dict(push + filling), "FORMAT", ""
    yield "odd_items", of_dict(b"}(Nu"), "FORMAT", "without a value"
    yield "get_unset", of_dict(b"h\5"), "FORMAT", "was not set"
    yield "get_far", of_dict(b"j\xff\xff\xff\xff"), "FORMAT", "was not set"
    yield "put_far", of_dict(b"Nr\xff\xff\xff\x0f"), "FORMAT", "memo"
    yield "put_top", of_dict(b"Nr\xff\xff\xff\xff"), "FORMAT", "memo"
    yield "two_values", b"\x80\2}}.", "FORMAT", "2 values"
    yield "a_mark_left", b"\x80\2}(.", "FORMAT", "1 marks"
    yield "after_stop", of_dict(b"N") + b"cposix\nsystem\n.", "FORMAT", "follow the end"
    yield "no_stop", of_dict(b"N")[:-1], "FORMAT", "without STOP"
    yield "empty", b"", "FORMAT", "not a pickle"
    yield "no_protocol", b"}.", "FORMAT", "not a pickle"
    for protocol in (0, 1, 6, 255):
        yield "protocol_%d" % protocol, bytes([0x80, protocol]) + b"}.", "UNSUPPORTED", "protocol %d" % protocol
    for name, op in (("binunicode", b"X\xff\xff\xff\xff"), ("binunicode8", b"\x8d" + b"\xff" * 8),
                     ("binunicode8_63", b"\x8d" + b"\0" * 7 + b"\x80"), ("binbytes8", b"\x8e" + b"\xff" * 7 + b"\x7f"),
                     ("bytearray8", b"\x96" + b"\xff" * 8), ("binstring", b"T\xff\xff\xff\xff"), ("long1", b"\x8a\xff"),
                     ("long4_negative", b"\x8b\xff\xff\xff\xff"), ("long4", b"\x8b\xff\xff\xff\x7f"),
                     ("frame", b"\x95" + b"\xff" * 8), ("frame_more", b"\x95\x64" + b"\0" * 7), ("binfloat", b"G\0"),
                     ("binint", b"J\0"), ("short_binbytes", b"C\xff"), ("binput", b"Nq"), ("binbytes", b"B\0\0\0\x80")):
        yield "exceeds_" + name, b"\x80\4" + op + b".", "FORMAT", ""
    for name, root, kind in (("none", b"N", "None"), ("list", b"]", "list"), ("tuple", b")", "tuple"), ("int", b"K\1", "int"),
                             ("text", text(b"x"), "text"), ("object", b"cargparse\nNamespace\n", "object")):
        yield "root_" + name, b"\x80\2" + root + b".", "UNSUPPORTED", kind + ", not tensors"


def exhausting_cases():
    yield "deep_dicts", b"\x80\2" + (b"}" + text(b"k")) * 3000 + b"N" + b"s" * 3000 + b".", "LIMIT", "nested more"
    yield "dict_in_itself", b"\x80\2}q\0" + text(b"a") + b"h\0s.", "LIMIT", ""
    yield "two_dicts_in_each_other", b"\x80\2}q\0" + text(b"a") + b"}q\1" + text(b"b") + b"h\0ss.", "LIMIT", ""
    yield "laughing_root", b"\x80\2" + laughing(30), "LIMIT", "entries"
    doubled = b"]q\x28)a"
    for level in range(39, -1, -1):
        doubled = b"]q" + bytes([level]) + b"(" + doubled + b"h" + bytes([level + 1]) + b"e"
    yield "lists_held_twice", b"\x80\2" + doubled + b".", "LIMIT", "entries"
    yield "lists_in_each_other", of_dict(b"]q\0(h\0h\0K\1e"), "LIMIT", "entries"
    yield "many_marks", b"\x80\2" + b"(" * 2000000 + b".", "FORMAT", "marks"
    yield "many_nodes", b"\x80\2" + b"]" * 3900000 + b".", ("LIMIT", "FORMAT"), ""
    yield "many_opcodes", b"\x80\2" + b"(t" * 2000001 + b".", "LIMIT", "opcodes"
    yield "long_name", b"\x80\2}" + text(b"x" * 70000) + tensor() + b"s.", "LIMIT", "name of a tensor"
    yield "long_names", b"\x80\2}" + (text(b"x" * 30000) + b"}") + text(b"y" * 40000) + tensor() + b"ss.", "LIMIT", \
        "name of a tensor"
    for name, key in (("empty", text(b"")), ("not_utf8", text(b"\xff")), ("nul", text(b"a\0b"))):
        yield "key_" + name, b"\x80\2}" + key + tensor() + b"s.", "FORMAT", "empty or not UTF-8"
    yield "same_key", b"\x80\2}" + (text(b"a") + tensor() + b"s") * 2 + b".", "FORMAT", "two tensors"
    yield "same_key_otherwise", b"\x80\2}" + text(b"a.b") + tensor() + b"s" + text(b"a") + b"}" + text(b"b") + tensor() + \
        b"ss.", "FORMAT", "two tensors"


def laughing(levels):
    """Dicts that each hold the one below twice: 2^levels entries in as many lines."""
    inner = b"}q" + bytes([levels]) + text(b"x") + b"Ns"
    for level in range(levels - 1, -1, -1):
        inner = text(b"a") + inner + b"s" + text(b"b") + b"h" + bytes([level + 1]) + b"s"
        inner = b"}q" + bytes([level]) + inner
    return inner + b"."


def tensor_cases():
    top = long8(1 << 62)
    minus = b"J\xff\xff\xff\xff"
    for name, body in (
            ("offset", tensor(offset=b"K\1")), ("offset_top", tensor(offset=long8((1 << 63) - 1))),
            ("offset_negative", tensor(offset=minus)), ("offset_least", tensor(offset=long8(-(1 << 63)))),
            ("size", tensor(sizes=b"K\5\x85")), ("size_negative", tensor(sizes=minus + b"\x85")),
            ("size_top", tensor(sizes=top + b"\x85")), ("stride", tensor(strides=b"K\2\x85")),
            ("stride_negative", tensor(strides=minus + b"\x85")), ("stride_top", tensor(strides=top + b"\x85")),
            ("product", tensor(sizes=top + top + b"\x86", strides=b"K\0K\0\x86")),
            ("sum", tensor(sizes=b"K\3K\3\x86", strides=top + top + b"\x86")),
            ("square", tensor(sizes=top + b"\x85", strides=top + b"\x85")),
            ("sizes_without_strides", tensor(strides=b")")), ("strides_without_sizes", tensor(sizes=b")")),
            ("sizes_list", tensor(sizes=b"]K\4a")), ("sizes_of_text", tensor(sizes=text(b"4") + b"\x85")),
            ("sizes_of_none", tensor(sizes=b"N\x85")), ("strides_real", tensor(strides=b"G" + bytes(8) + b"\x85")),
            ("size_of_9_bytes", tensor(sizes=b"\x8a\x09" + bytes(8) + b"\1\x85")),
            ("size_of_200_bytes", tensor(sizes=b"\x8a\xc8" + b"\x7f" * 200 + b"\x85")),
            ("many_dimensions", tensor(sizes=b"(" + b"K\1" * 65 + b"t", strides=b"(" + b"K\1" * 65 + b"t")),
            ("offset_none", tensor(offset=b"N")), ("of_none", tensor(of=b"N")), ("of_text", tensor(of=text(b"0"))),
            ("of_tensor", tensor(of=tensor())), ("without_arguments", b"ctorch._utils\n_rebuild_tensor_v2\n)R"),
            ("three_arguments", b"ctorch._utils\n_rebuild_tensor_v2\n(NNNtR"),
            ("v3_without_type", tensor(function=b"_rebuild_tensor_v3")),
            ("v3_with_a_storage_for_type", tensor(function=b"_rebuild_tensor_v3", tail=b"ctorch\nFloatStorage\n")),
            ("v3_wider_type", tensor(function=b"_rebuild_tensor_v3", tail=b"ctorch\nfloat64\n")),
            ("parameter_of_none", b"ctorch._utils\n_rebuild_parameter\n(NNNtR"),
            ("parameter_of_nothing", b"ctorch._utils\n_rebuild_parameter\n)R"), ("size_of_none", b"ctorch\nSize\nN\x85R"),
            ("more_in_storage", tensor(of=storage(b"K\5"))), ("less_in_storage", tensor(of=storage(b"K\3"))),
            ("negative_storage", tensor(of=storage(minus))), ("storage_top", tensor(of=storage(long8((1 << 63) - 1)))),
            ("storage_wraps", tensor(of=storage(long8((1 << 62) + 4)))), ("storage_huge_int", tensor(of=storage(b"\x8a\x0a" + b"\x01" * 10))),
            ("storage_real", tensor(of=storage(b"G" + bytes(8)))), ("storage_none", tensor(of=storage(b"N"))),
            ("wider_class", tensor(of=storage(kind=b"DoubleStorage"))),
            ("two_classes", b"(" + storage() + storage(kind=b"IntStorage") + b"t"),
            ("two_sizes", b"(" + storage() + storage(b"K\3") + b"t"),
            ("id_none", b"NQ"), ("id_text", text(b"storage") + b"Q"), ("id_empty", b")Q"), ("id_module", b"(" + text(b"module") + b"NNNNtQ"),
            ("id_class_a_type", tensor(of=storage(kind=b"float32")))):
        yield "tensor_" + name, of_dict(body), "FORMAT", "data.pkl"
    for key in (b"", b"1", b"00", b"../0", b"../../etc/passwd", b"-1", b"0x0", b" 0", b"0\0", b"\xd9\xa0", b"9" * 64):
        yield "storage_key_" + key.hex()[:24], of_dict(tensor(of=storage(key=key))), "FORMAT", "data.pkl"
    for flag in (b"conj", b"neg"):
        yield "metadata_" + flag.decode(), of_dict(tensor(tail=b"}" + text(flag) + b"\x88s")), "UNSUPPORTED", "conjugated"
    spread = tensor(sizes=long8(1 << 40) + b"\x85", strides=b"K\0\x85")
    yield "spread_to_8_tb", of_dict(spread), "NOMEM", "memory"


def pickles():
    for part in (opcode_cases, global_cases, machine_cases, exhausting_cases, tensor_cases):
        yield from part()


def cases():
    for name, pickle, status, said in pickles():
        yield name, torch(pickle), status, said
