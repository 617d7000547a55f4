#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_vectors.py FOLDER - have CacheKit's Python SDK write our vectors.

Runs under an interpreter that has the SDK (tools/interop makes one).  A
current SDK writes auto-keys.json, interop.json, wire.json and entries.json;
one before version 0.12, whose frames and containers were other ones, writes
entries-older.json.  Nonces are random, so a new run gives other bytes of the
same meaning.
"""

import datetime
import hashlib
import importlib.metadata
import json
import os
import sys
import uuid

import msgpack

VERSION = importlib.metadata.version("cachekit")
OLDER = tuple(int(p) for p in VERSION.split(".")[:2]) < (0, 12)

MASTER = "a1" * 32
LONG_MASTER = "b2" * 48
FORMER = "c3" * 32
DEPLOYMENT = "7f0c1f5e-3b5a-4b52-9f3e-2c61b3a4d5e6"

VALUES = {
    "small": {"user": "alice", "age": 30, "tags": ["a", "b"], "ok": True},
    "null": None,
    "text": "caf\u00e9 \u2713",
    "repetitive": {"data": "abc" * 700},
    "numbers": [1, -1, 2.5, 2 ** 40, -(2 ** 40)],
    "noise": hashlib.sha512(b"caisson").hexdigest(),
}


def handler(**options):
    from cachekit.cache_handler import CacheSerializationHandler
    return CacheSerializationHandler(**options)


def secure(master, **options):
    os.environ["CACHEKIT_MASTER_KEY"] = master
    try:
        from cachekit.config import reset_settings
        reset_settings()
    except ImportError:
        pass
    return handler(encryption=True, single_tenant_mode=True,
                   master_key=master, **options)


def packed(value):
    return msgpack.packb(value, use_bin_type=True)


def entry(name, h, value, plain, key, **facts):
    facts = {k: v for k, v in facts.items() if v is not None}
    return {"name": name, "cache_key": key, "value_hex": plain.hex(),
            "stored_hex": bytes(h.serialize_data(value, cache_key=key)).hex()
            if not isinstance(h, bytes) else h.hex(), **facts}


def entries_of_default():
    found = []
    for name, value in VALUES.items():
        key = f"ns:test:func:m.f:args:{name}:1s"
        found.append(entry(
            f"plain-{name}", handler(serializer_name="default",
                                     **({} if OLDER else
                                        {"encryption": False})),
            value, packed(value), key, serializer="default", integrity=True))
        found.append(entry(
            f"secure-{name}", secure(MASTER, serializer_name="default",
                                     deployment_uuid=DEPLOYMENT),
            value, packed(value), key, serializer="default", integrity=True,
            master_key_hex=MASTER, tenant_id=DEPLOYMENT))
    value = VALUES["small"]
    found.append(entry(
        "secure-rotated",
        secure(FORMER, serializer_name="default",
               deployment_uuid=DEPLOYMENT),
        value, packed(value), "k:1s", serializer="default", integrity=True,
        master_key_hex=MASTER, previous_hex=FORMER, tenant_id=DEPLOYMENT))
    return found


def entries_of_now():
    import orjson
    import pyarrow

    found = entries_of_default()
    value = VALUES["small"]
    found.append(entry(
        "secure-default-tenant", secure(LONG_MASTER,
                                        serializer_name="default"),
        value, packed(value), "k:1s", serializer="default", integrity=True,
        master_key_hex=LONG_MASTER))
    found.append(entry(
        "secure-without-integrity",
        secure(MASTER, serializer_name="default", deployment_uuid=DEPLOYMENT,
               enable_integrity_checking=False),
        value, packed(value), "k:0s", serializer="default", integrity=False,
        master_key_hex=MASTER, tenant_id=DEPLOYMENT))
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    for name, integrity in (("orjson", True), ("orjson-bare", False)):
        found.append(entry(
            f"plain-{name}",
            handler(serializer_name="orjson", encryption=False,
                    enable_integrity_checking=integrity),
            value, text, "k:1o", serializer="orjson", integrity=integrity))
        found.append(entry(
            f"secure-{name}",
            secure(MASTER, serializer_name="orjson",
                   enable_integrity_checking=integrity),
            value, text, "k:1o", serializer="orjson", integrity=integrity,
            master_key_hex=MASTER))
    table = pyarrow.table({"id": [1, 2, 3], "score": [0.5, 0.25, 0.125]})
    h = secure(MASTER, serializer_name="arrow")
    raw = bytes(handler(serializer_name="arrow", encryption=False)
                ._base_serializer.serialize(table)[0])
    found.append(entry("secure-arrow", h, table, raw[8:], "k:1w",
                       serializer="arrow", integrity=True,
                       master_key_hex=MASTER))
    from cachekit.interop import encode_interop_value
    for name in ("small", "text", "numbers"):
        value = VALUES[name]
        plain = encode_interop_value(value)
        key = "users:get:" + hashlib.blake2b(
            name.encode(), digest_size=32).hexdigest()
        found.append(entry(
            f"interop-plain-{name}",
            handler(serializer_name="default", interop_mode=True,
                    encryption=False),
            value, plain, key, serializer="interop", integrity=True))
        found.append(entry(
            f"interop-secure-{name}",
            secure(MASTER, serializer_name="default", interop_mode=True),
            value, plain, key, serializer="interop", integrity=True,
            master_key_hex=MASTER))
    plain = encode_interop_value(value)
    found.append(entry(
        "interop-rotated",
        secure(FORMER, serializer_name="default", interop_mode=True),
        value, plain, "a:b:c", serializer="interop", integrity=True,
        master_key_hex=MASTER, previous_hex=FORMER))
    return found


# --- keys ------------------------------------------------------------------

def tagged(value):
    """A Python argument as the vectors' typed JSON."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2 ** 53 else {"$int": str(value)}
    if isinstance(value, float):
        return {"$float": repr(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, datetime.datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, uuid.UUID):
        return {"$uuid": str(value).upper()}
    if isinstance(value, (set, frozenset)):
        return {"$set": [tagged(v) for v in value]}
    if isinstance(value, (list, tuple)):
        return [tagged(v) for v in value]
    if isinstance(value, dict):
        return {k: tagged(v) for k, v in value.items()}
    return value


UTC = datetime.timezone.utc
ZONE = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
ARGUMENTS = [
    [],
    [0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 32, 2 ** 63, 2 ** 64 - 1],
    [-1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31) - 1, -(2 ** 63)],
    [1.5, 2.0, -0.0, 1e300, -3.0, 2.0 ** 63, 2.0 ** 64, 5e-324],
    ["", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "\u00e9\u2713\U0001f512"],
    [b"", b"\x00\xff", b"y" * 255, b"y" * 256],
    [datetime.datetime(2024, 2, 29, 12, 30, 45, 123456, tzinfo=UTC),
     datetime.datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=UTC),
     datetime.datetime(2000, 1, 1, tzinfo=ZONE),
     datetime.datetime(1, 1, 2, 3, 4, 5, tzinfo=UTC),
     datetime.datetime(9999, 12, 30, tzinfo=UTC)],
    [uuid.UUID("550e8400-e29b-41d4-a716-446655440000")],
    [{"b": 1, "a": {"z": [], "y": {}}, "\uff61": 1, "\U00010000": 2, "": 3}],
    [list(range(16)), {f"k{i:02}": i for i in range(17)}, [[[[[[1]]]]]]],
    [True, False, None],
]


def auto_keys():
    from cachekit.key_generator import CacheKeyGenerator

    def made(module, qualname):
        def f():
            pass
        f.__module__, f.__qualname__ = module, qualname
        return f

    generator = CacheKeyGenerator()
    names = [("__main__", "get_user"), ("pkg.mod", "outer.<locals>.inner"),
             ("m", "<lambda>"), ("m..n", "...f"), ("m", "g" * 230),
             ("caf\u00e9", "gr\u00fc\u00df")]
    spaces = [None, "", "test", "with space\nand more\r", "n" * 130,
              "\u2713" * 120]
    serializers = ["std", "default", "standard", "auto", "pythonic",
                   "orjson", "arrow", "local", "<custom>:Mine"]
    found = []

    def add(args, kwargs, name, space, integrity, serializer):
        key = generator.generate_key(made(*name), tuple(args), kwargs, space,
                                     integrity, serializer)
        found.append({"name": f"vector {len(found)}", "namespace": space,
                      "function_module": name[0],
                      "function_qualname": name[1],
                      "args": [tagged(a) for a in args],
                      "kwargs": {k: tagged(v) for k, v in kwargs.items()},
                      "integrity_checking": integrity,
                      "serializer_type": serializer, "expected_key": key})

    for args in ARGUMENTS:
        add(args, {}, names[0], "test", True, "std")
        add([], {f"p{i}": a for i, a in reversed(list(enumerate(args)))},
            names[0], None, False, "orjson")
    for name in names:
        for space in spaces:
            add([1], {"b": 2, "a": [1.0]}, name, space, True, "default")
    for serializer in serializers:
        add([1], {}, names[0], "test", False, serializer)
    return {"generator": f"cachekit {VERSION} (Python)", "vectors": found}


REFUSED = [
    ("nan", {"args": [{"$float": "nan"}]}),
    ("infinity", {"args": [{"$float": "1e999"}]}),
    ("minus infinity", {"args": [{"$float": "-1e999"}]}),
    ("nan in a map in a set", {"args": [{"$set": [[{"$float": "nan"}]]}]}),
    ("past 64 bits", {"args": [{"$int": "18446744073709551616"}]}),
    ("below 64 bits", {"args": [{"$int": "-9223372036854775809"}]}),
    ("no zone", {"args": [{"$datetime": "2024-01-01T00:00:00"}]}),
    ("empty namespace", {"args": [], "namespace": ""}),
    ("long namespace", {"args": [], "namespace": "a" * 65}),
    ("upper case", {"args": [], "namespace": "Users"}),
    ("dot first", {"args": [], "namespace": ".users"}),
    ("two dots", {"args": [], "operation": "get..user"}),
    ("colon", {"args": [], "operation": "get:user"}),
    ("newline", {"args": [], "operation": "get\n"}),
    ("not ASCII", {"args": [], "operation": "caf\u00e9"}),
    ("reserved ns", {"args": [], "namespace": "ns"}),
    ("reserved nsapi", {"args": [], "namespace": "nsapi"}),
]


def untagged(value):
    if isinstance(value, list):
        return [untagged(v) for v in value]
    if not isinstance(value, dict):
        return value
    (tag, inner), = value.items()
    return {"$float": float, "$int": int,
            "$datetime": datetime.datetime.fromisoformat,
            "$set": lambda v: {tuple(untagged(x)) if isinstance(x, list)
                               else untagged(x) for x in v}}[tag](inner)


def interop():
    from cachekit.interop import (InteropError, args_hash,
                                  canonical_args_bytes, encode_interop_value,
                                  generate_interop_key)
    from cachekit.serializers import EncryptionWrapper
    from cachekit.serializers.interop_serializer import InteropSerializer

    keys = []
    more = [[{3, 1, 2}, {"b", 10, "a", -5, 1.5, b"x"}, {2, 2.0}, set()],
            [[{1}, {"k": frozenset({"b", "a"})}]]]
    for args in ARGUMENTS + more:
        keys.append({"name": f"vector {len(keys)}", "namespace": "users",
                     "operation": "get.user_1-a",
                     "args": [tagged(a) for a in args],
                     "canonical_args_hex": canonical_args_bytes(args).hex(),
                     "args_hash": args_hash(args),
                     "expected_key": generate_interop_key(
                         "users", "get.user_1-a", args)})
    for name, case in REFUSED:
        try:
            generate_interop_key(case.get("namespace", "t"),
                                 case.get("operation", "op"),
                                 untagged(case["args"]))
        except InteropError:
            continue
        raise SystemExit(f"the SDK takes what it should refuse: {name}")
    values = [{"name": name,
               "canonical_msgpack_hex": encode_interop_value(v).hex()}
              for name, v in VALUES.items()]

    wrapper = EncryptionWrapper(
        serializer=InteropSerializer(), master_key=bytes.fromhex(MASTER),
        tenant_id="caf\u00e9 & co", previous_master_keys=[])
    key = keys[1]["expected_key"]
    sealed, meta = wrapper.serialize(VALUES["small"], key)
    meta.encrypted = False
    facts = {"tenant_id": "caf\u00e9 & co", "cache_key": key,
             "format": "msgpack", "compressed": False,
             "aad_hex": wrapper._create_aad(meta, key).hex()}
    return {"generator": f"cachekit {VERSION} (Python)",
            "key_vectors": keys, "value_vectors": values,
            "error_vectors": [{"name": n, **c} for n, c in REFUSED],
            "aad_vectors": [facts],
            "encryption_vectors": [{
                **facts, "master_key_hex": MASTER,
                "derived_key_fingerprint_hex":
                    wrapper.encryption_key_fingerprint,
                "plaintext_hex":
                    encode_interop_value(VALUES["small"]).hex(),
                "ciphertext_hex": sealed.hex()}]}


def wire():
    from cachekit._rust_serializer import ByteStorage

    storage, found = ByteStorage("msgpack"), []
    inputs = [b"", b"\x00", b"A" * 256, b"A" * 3000,
              bytes(range(256)) * 2,
              b"".join(hashlib.sha256(bytes([i])).digest()
                       for i in range(64))]
    for data in inputs:
        found.append({"name": f"vector {len(found)}", "format": "msgpack",
                      "envelope_encoding": "bin", "input_hex": data.hex(),
                      "envelope_hex": bytes(
                          storage.store(data, "msgpack")).hex()})
    return {"generator": f"cachekit {VERSION} (Python)", "vectors": found}


def write(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(content, f, indent=1, ensure_ascii=True)
        f.write("\n")


def main():
    folder = sys.argv[1]
    generator = f"cachekit {VERSION} (Python)"
    if OLDER:
        write(folder, "entries-older.json",
              {"generator": generator, "entries": entries_of_default()})
        return
    write(folder, "auto-keys.json", auto_keys())
    write(folder, "interop.json", interop())
    write(folder, "wire.json", wire())
    write(folder, "entries.json",
          {"generator": generator, "entries": entries_of_now()})


if __name__ == "__main__":
    main()
