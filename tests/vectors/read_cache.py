#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read_cache.py - open cache entries with nothing of Caisson's own code.

From docs/wire/cache.md with hashlib, hmac and the `cryptography` package:
Caisson's own entries, and those of CacheKit's whose container needs no LZ4.
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import sys

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    NO_CRYPTOGRAPHY = None
except ImportError as e:
    NO_CRYPTOGRAPHY = f"the Python package cryptography is not here ({e})"

HERE = os.path.dirname(os.path.abspath(__file__))


class Refused(Exception):
    """What a reader must refuse."""


def mac(key, *pieces, algorithm=hashlib.sha3_256):
    return hmac.new(key, b"".join(pieces), algorithm).digest()


def expand(prk, *info):
    """HKDF-Expand to one block."""
    return mac(prk, *info, b"\x01")


def sha3(*pieces):
    return hashlib.sha3_256(b"".join(pieces)).digest()


def gcm_open(key, nonce, data, aad):
    try:
        return AESGCM(key).decrypt(nonce, data, aad)
    except InvalidTag as e:
        raise Refused("the tag") from e


def sized(text):
    return struct.pack("<I", len(text)) + text


def open_native(masters, clock_ms, tenant, key, form, data):
    """The value and version of one of Caisson's own entries."""
    if len(data) < 176:
        raise Refused("too short")
    head, tag, commitment, body = (data[:128], data[128:144], data[144:176],
                                   data[176:])
    (magic, suite, kind, mode, place0, label, session, writer, epoch, length,
     sequence, version, expiry, name, place) = \
        struct.unpack("<4sBBBB8s16s16sIIQQQ32s16s", head)
    if (magic, suite, kind, mode, place0, place) != \
            (b"CSN\x02", 2, 4, 0x10, 0, bytes(16)) or length != len(body):
        raise Refused("form")
    if label != sha3(b"caisson tenant v1:", tenant)[:8]:
        raise Refused("tenant")
    if name != sha3(b"caisson v1 cache entry", sized(key), sized(form)):
        raise Refused("name")
    master = masters.get(epoch)
    if master is None or master[0] != session:
        raise Refused("epoch")
    root = mac(b"caisson v1 cache master" + struct.pack("<I", epoch) +
               session, master[1])
    secret = expand(expand(root, b"caisson v1 cache tenant", tenant),
                    b"caisson v1 cache writer", writer)
    if commitment != expand(secret, b"caisson v1 cache commitment",
                            head[8:52]):
        raise Refused("commitment")
    tail = struct.pack("<H", len(tenant)) + tenant + struct.pack("<QB", 0, 1)
    value = gcm_open(expand(secret, b"caisson v1 cache key"),
                     bytes(4) + struct.pack(">Q", sequence), body + tag,
                     head + tail)
    if expiry != 0 and clock_ms >= expiry:
        raise Refused("expired")
    return value, version, expiry


def test_native(top, entry):
    masters = {m["epoch"]: (bytes.fromhex(m["id"]), bytes.fromhex(m["key"]))
               for m in top["masters"]}
    tenant, key, form = (entry[k].encode() for k in
                         ("tenant", "key", "format"))
    sealed = bytes.fromhex(entry["sealed"])
    value, version, expiry = open_native(masters, top["clock_ms"], tenant,
                                         key, form, sealed)
    assert value == bytes.fromhex(entry["value"])
    assert version >> 20 >= top["clock_ms"]
    assert expiry == entry["expires_ms"]
    bad = [(masters, tenant + b"x", key, form, sealed),
           (masters, tenant, key + b"x", form, sealed),
           (masters, tenant, key, form + b"x", sealed),
           (masters, tenant, key, form, sealed[:-1]),
           ({}, tenant, key, form, sealed)]
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1 << at % 8
        bad.append((masters, tenant, key, form, bytes(changed)))
    for case_ in bad:
        try:
            open_native(case_[0], top["clock_ms"], *case_[1:])
        except Refused:
            continue
        raise AssertionError("what was changed opened")


# --- CacheKit --------------------------------------------------------------

def cachekit_key(master, tenant):
    salt = b"cachekit_v1_" + bytes([10]) + b"encryption" + \
        struct.pack(">H", len(tenant)) + tenant
    prk = mac(salt, master, algorithm=hashlib.sha256)
    return mac(prk, b"encryption\x01", algorithm=hashlib.sha256)


def aad(*fields):
    return b"\x03" + b"".join(struct.pack(">I", len(f)) + f for f in fields)


def split(stored):
    """Metadata and payload of an auto-mode entry."""
    if stored[:2] == b"CK":
        assert stored[2] == 3
        (n,) = struct.unpack(">I", stored[3:7])
        return json.loads(stored[7:7 + n])["m"], stored[7 + n:]
    entry = json.loads(stored)
    return entry["metadata"], base64.b64decode(entry["data"], validate=True)


def test_cachekit(entry):
    stored = bytes.fromhex(entry["stored_hex"])
    tenant = entry.get("tenant_id", "default").encode()
    master = bytes.fromhex(entry.get("previous_hex",
                                     entry["master_key_hex"]))
    key = cachekit_key(master, tenant)
    fields = [tenant, entry["cache_key"].encode()]
    if entry["serializer"] == "interop":
        fields += [b"msgpack", b"False"]
    else:
        meta, stored = split(stored)
        assert meta["encrypted"] is True
        assert meta["tenant_id"].encode() == tenant
        assert bytes.fromhex(meta["key_fingerprint"]) == hashlib.sha256(
            b"key_fingerprint_v1" + key).digest()[:16]
        fields += [meta["format"].encode(),
                   str(meta["compressed"]).encode(),
                   meta["original_type"].encode()]
    plain = gcm_open(key, stored[:12], stored[12:], aad(*fields))
    value = bytes.fromhex(entry["value_hex"])
    if entry["serializer"] == "default" and entry["integrity"]:
        # An array of four whose block needs LZ4: its frame must do.
        assert plain[0] == 0x94 and plain[-8:] == b"\xa7msgpack"
    elif entry["serializer"] in ("orjson", "arrow") and entry["integrity"]:
        assert plain[8:] == value
    else:
        assert plain == value
    try:
        gcm_open(key, stored[:12], stored[12:],
                 aad(fields[0], fields[1] + b"x", *fields[2:]))
    except Refused:
        return
    raise AssertionError("an entry opens under another key")


failures = 0


def case(name, function, *args):
    global failures
    if NO_CRYPTOGRAPHY:
        print(f"skip {name}: {NO_CRYPTOGRAPHY}")
        return
    try:
        function(*args)
        print(f"ok {name}")
    except Exception as e:  # each case reports for itself
        failures += 1
        print(f"# {type(e).__name__}: {e}")
        print(f"not ok {name}")


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return json.load(f)


def main():
    top = load("cache.json")
    for i, entry in enumerate(top["entries"]):
        case(f"cache_{i}", test_native, top, entry)
    for name in ("entries", "entries-older"):
        for entry in load(f"cachekit/{name}.json")["entries"]:
            if "master_key_hex" in entry:
                case(f"cachekit_{name}_{entry['name']}".replace("-", "_"),
                     test_cachekit, entry)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
