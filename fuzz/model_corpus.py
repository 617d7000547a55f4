#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""model_corpus - write the corpora of the targets that read model files.

model_corpus.py CORPUS: one input of each form that is accepted and of each
reason to refuse, in CORPUS/gguf, safetensors and safetensors_index.
"""
import pathlib
import struct
import sys

top = pathlib.Path(sys.argv[1])


def put(target, name, data):
    folder = top / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def tensor(name, dtype, shape, begin, end, more=""):
    return '"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%s,%s]%s}' % (
        name, dtype, shape, begin, end, more)


def safetensors(name, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else header.encode()
    put("safetensors", name, struct.pack(
        "<Q", len(text) if length is None else length) + text + data)
    # The form in which the target counts the length itself.
    if length is None and b"\0" not in text:
        put("safetensors", name + "_text", text + b"\0" + data)


four = tensor("a", "U8", 4, 0, 4)
safetensors("empty", "{}")
safetensors("one", "{%s}" % four, b"abcd")
safetensors("spaces", "{%s}   " % four, b"abcd")
safetensors("metadata", '{"__metadata__":{"k":"v","\\u00e4":"\\ud83d\\ude00'
            '\\n\\u0000"},%s}' % four, b"abcd")
safetensors("scalar", "{%s}" % tensor("", "F32", "", 0, 4), b"abcd")
safetensors("zero", "{%s}" % tensor("a", "F64", "3,0", 0, 0))
safetensors("more", '{%s}' % tensor("a", "F4", "2,4", 0, 4, ',"x":[1,-2.5e3,'
            'true,false,null,{"y":"z"}]'), b"abcd")
safetensors("unordered", "{%s,%s}" % (tensor("b", "F16", 2, 4, 8), four),
            b"abcdefgh")
for dtype, bits in (("BOOL", 8), ("F6_E2M3", 6), ("F6_E3M2", 6), ("C64", 64),
                    ("BF16", 16), ("I32", 32), ("F8_E8M0", 8)):
    safetensors("type_" + dtype, "{%s}" % tensor("a", dtype, 8, 0, bits),
                bytes(bits))
for name, header in {
        "hole": "{%s,%s}" % (four, tensor("b", "U8", 3, 5, 8)),
        "overlap": "{%s,%s}" % (four, tensor("b", "U8", 5, 3, 8)),
        "trailing": "{%s}" % four,
        "backwards": "{%s}" % tensor("a", "U8", 4, 4, 0),
        "wraps": "{%s}" % tensor("a", "U8", "4294967297,4294967296,4", 0, 4),
        "negative": "{%s}" % tensor("a", "U8", -1, 0, 4),
        "above": "{%s}" % tensor("a", "U8", 1 << 64, 0, 4),
        "float": "{%s}" % tensor("a", "U8", "4.0", 0, 4),
        "type": "{%s}" % tensor("a", "F33", 4, 0, 4),
        "odd": "{%s}" % tensor("a", "F4", 3, 0, 1),
        "twice": "{%s,%s}" % (four, four),
        "nul": "{%s}" % tensor("a\\u0000", "U8", 8, 0, 8),
        "surrogate": "{%s}" % tensor("\\ud800", "U8", 8, 0, 8),
        "metadata_twice": '{"__metadata__":{},"__metadata__":{}}',
        "key_twice": '{"__metadata__":{"a":"","a":""}}',
        "metadata_number": '{"__metadata__":{"a":1}}',
        "space": " {}", "array": "[]", "follows": "{}x",
        "deep": '{"a":{"x":%s' % ("[" * 40),
        "cut": '{"a":{"dtype":"U8","sha'}.items():
    safetensors(name, header, b"abcdefgh")
safetensors("not_utf8", b'{"\xff":{}}')
safetensors("length_zero", b"{}", length=0)
safetensors("length_huge", b"{}", length=1 << 63)
safetensors("length_short", b"{}", length=1)


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def key(name, kind, value):
    return string(name) + struct.pack("<I", kind) + value


def info(name, kind=24, offset=0, dims=(8,)):
    return (string(name) + struct.pack("<I", len(dims)) +
            b"".join(struct.pack("<Q", d) for d in dims) +
            struct.pack("<IQ", kind, offset))


def gguf(name, keys=(), tensors=(), data=b"", version=3, counts=None,
         align=32):
    n = counts or (len(tensors), len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, *n)
    head += b"".join(keys) + b"".join(tensors)
    if tensors:
        head += bytes(-len(head) % align)
    put("gguf", name, head + data)


def array(kind, n, items=b""):
    return struct.pack("<IQ", kind, n) + items


u32 = struct.Struct("<I").pack
gguf("nothing")
gguf("one", [], [info("t")], bytes(8))
gguf("two", [], [info("t", 2, 32, (32, 2)), info("u")], bytes(68))
gguf("version_2", [], [info("t")], bytes(8), version=2)
for kind, value in enumerate((b"\1", b"\xff", b"\1\2", b"\1\xff", bytes(4),
                              b"\xff" * 4, struct.pack("<f", 1.5), b"\1",
                              string("text"), array(8, 2, string("a") +
                                                    string("b")),
                              b"\xff" * 8, b"\xff" * 8,
                              struct.pack("<d", float("nan")))):
    gguf("value_%d" % kind, [key("general.k", kind, value)])
for kind, size in ((0, 1), (4, 4), (7, 1), (12, 8)):
    gguf("array_%d" % kind, [key("a", 9, array(kind, 2, bytes(2 * size)))])
gguf("aligned", [key("general.alignment", 4, u32(64))],
     [info("t"), info("u", 0, 64, (1,))], bytes(68), align=64)
gguf("split", [key("split.no", 2, b"\1\0"), key("split.count", 2, b"\2\0")],
     [info("t")], bytes(8))
gguf("unknown_type", [], [info("t", 999)], bytes(40))
gguf("scalar", [], [info("t", 0, 0, ())], bytes(4))
for kind in (12, 14, 16, 23, 29, 34, 39):
    gguf("type_%d" % kind, [], [info("t", kind, 0, (256,))], bytes(210))
gguf("type_removed", [], [info("t", 4)], bytes(8))
for name, v in (("version_0", 0), ("version_1", 1), ("big_endian", 3 << 24)):
    gguf(name, version=v)
gguf("counts_huge", counts=(1 << 63, 1 << 63))
gguf("counts_more", [key("a", 0, b"\1")], counts=(0, 2))
gguf("string_long", [string("k") + u32(8) + b"\xff" * 8])
gguf("string_not_utf8", [key("a", 8, string(b"\xe2\x82"))])
gguf("array_long", [key("a", 9, array(8, 1 << 63))])
gguf("array_nested", [key("a", 9, array(9, 1, bytes(12)))])
gguf("key_empty", [key("", 0, b"\1")])
gguf("key_twice", [key("a", 0, b"\1")] * 2)
gguf("bool_2", [key("a", 7, b"\2")])
for value in (0, 33, 4, 1 << 31):
    gguf("alignment_%d" % value, [key("general.alignment", 4, u32(value))])
gguf("dims_5", [], [info("t", 24, 0, (1,) * 5)], bytes(8))
gguf("dim_zero", [], [info("t", 24, 0, (8, 0))], bytes(8))
gguf("dim_negative", [], [info("t", 24, 0, (1 << 63,))], bytes(8))
gguf("dims_wrap", [], [info("t", 0, 0, (1 << 32, 1 << 32))], bytes(8))
gguf("row_odd", [], [info("t", 2, 0, (33,))], bytes(36))
gguf("offset_odd", [], [info("t", 24, 8)], bytes(16))
gguf("offset_huge", [], [info("t", 24, 1 << 63)], bytes(8))
gguf("overlap", [], [info("t"), info("u")], bytes(8))
gguf("hole", [], [info("t"), info("u", 24, 64)], bytes(72))
gguf("trailing", [], [info("t")], bytes(100))
gguf("tensor_twice", [], [info("t"), info("t", 24, 32)], bytes(40))
gguf("name_nul", [], [info("t\0")], bytes(8))


def index(name, text):
    put("safetensors_index", name, text if isinstance(text, bytes)
        else text.encode())


MAP = '"x":"a.st","y":"a.st","z":"b.st"'
index("good", '{"metadata":{"total_size":3},"weight_map":{%s}}' % MAP)
index("more", '\n{"weight_map":{%s},"x":[1.5e-3,{}]}\n' % MAP)
for name, changed in {
        "elsewhere": MAP.replace('"z":"b', '"z":"a'),
        "unnamed": '"x":"a.st","z":"b.st"',
        "missing": MAP.replace("b.st", "c.st"),
        "twice": MAP + ',"x":"a.st"',
        "parent": MAP.replace("a.st", "../a.st"),
        "absolute": MAP.replace("a.st", "/a.st"),
        "empty": MAP.replace("a.st", ""),
        "number": MAP.replace('"a.st"', "1"),
        "nothing": ""}.items():
    index(name, '{"weight_map":{%s}}' % changed)
index("map_twice", '{"weight_map":{%s},"weight_map":{}}' % MAP)
index("no_map", "{}")
index("follows", '{"weight_map":{%s}} {}' % MAP)
index("cut", '{"weight_map":{"x')
index("array", "[]")
