#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read_vectors.py - open the vectors with nothing of Caisson's own code.

Everything is derived here from docs/WIRE.md with hashlib, hmac and the
`cryptography` package; ML-KEM and ML-DSA are the program openssl's.
"""

import hashlib
import hmac
import json
import os
import struct
import sys

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
    NO_CRYPTOGRAPHY = None
except ImportError as e:
    NO_CRYPTOGRAPHY = f"the Python package cryptography is not here ({e})"

import peer

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER, TENANT = 0, 1


class Refused(Exception):
    """What a reader must refuse."""


def sha3(*pieces):
    return hashlib.sha3_256(b"".join(pieces)).digest()


def mac(key, msg):
    return hmac.new(key, msg, hashlib.sha3_256).digest()


def extract(salt, key):
    return mac(salt or bytes(32), key)


def expand(prk, info, length=32):
    out, block, n = b"", b"", 0
    while len(out) < length:
        n += 1
        block = mac(prk, block + info + bytes([n]))
        out += block
    return out[:length]


def unhex(text):
    return bytes.fromhex(text)


class Reader:
    """Bytes from left to right; reading past the end is refused."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Refused("cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def sized(self):
        return self.take(self.number(2))

    def end(self):
        if self.at != len(self.data):
            raise Refused("bytes left over")


# --- sessions -------------------------------------------------------------

class Session:
    """The keys of an exported session, and what they open."""

    def __init__(self, exported):
        r = Reader(exported)
        if r.take(5) != b"CSX\2S":
            raise Refused("no exported session")
        self.suite, self.own, self.open_own = r.take(3)
        self.id = r.take(16)
        self.created, self.expires = r.number(8), r.number(8)
        self.reached = r.number(8)
        self.tenant, self.name = r.sized(), r.sized()
        self.counter = r.number(8)
        self.chains, self.epochs = [], []
        for _ in range(2):
            self.chains.append(r.take(32))
            self.epochs.append({r.number(4): r.take(32)
                                for _ in range(r.number(4))})
        r.end()
        self.label = sha3(b"caisson tenant v1:", self.tenant)[:8]

    def root(self, direction, number):
        """Walk the ratchet from the first chain key: none was used yet."""
        if self.epochs[direction]:
            return self.epochs[direction][number]
        chain = self.chains[direction]
        for _ in range(number):
            chain = expand(chain, b"caisson v1 ratchet")
        return expand(chain, b"caisson v1 epoch")

    def key(self, h):
        root = self.root(h["direction"], h["epoch"])
        return expand(root, b"caisson v1 writer" + h["writer"])

    def header(self, data):
        """The common fields of the 128 bytes, checked against this session;
        the place, which each kind has its own way with, as it is."""
        r = Reader(data)
        h = {"raw": data[:128]}
        if r.take(4) != b"CSN\2":
            raise Refused("magic")
        h["suite"], h["kind"], mode, h["place0"] = r.take(4)
        h["direction"], h["replay"] = mode & 1, mode >> 4
        if mode & 0x0e:
            raise Refused("mode")
        if r.take(8) != self.label:
            raise Refused("tenant")
        if r.take(16) != self.id:
            raise Refused("session")
        if h["suite"] != self.suite:
            raise Refused("suite")
        h["writer"] = r.take(16)
        h["epoch"], h["len"] = r.number(4), r.number(4)
        h["sequence"], h["version"] = r.number(8), r.number(8)
        h["place"] = r.take(56)
        if h["epoch"] > 16:
            raise Refused("an epoch that is far ahead")
        return h

    def aad(self, h, index=0, final=True):
        return (h["raw"] + struct.pack("<H", len(self.tenant)) + self.tenant +
                struct.pack("<QB", index, final))

    def open_kv(self, sealed):
        h = self.header(sealed)
        p = Reader(h["place"])
        h["position"], h["name"] = p.number(8), p.take(32)
        h["token"], h["count"] = p.number(4), p.number(4)
        h["key_len"], h["layer"] = p.number(4), p.number(4)
        h["role"], h["token?"] = h["place0"] & ~4, h["place0"] >> 2 & 1
        if not 1 <= h["role"] <= 3 or (h["token"] and not h["token?"]):
            raise Refused("form")
        if h["kind"] not in (1, 2) or len(sealed) != 144 + h["len"] or \
                h["key_len"] > h["len"]:
            raise Refused("form")
        nonce = struct.pack(">IQ", 0, h["sequence"])
        try:
            text = AESGCM(self.key(h)).decrypt(
                nonce, sealed[144:] + sealed[128:144], self.aad(h))
        except InvalidTag as e:
            raise Refused("tag") from e
        return text[:h["key_len"]], text[h["key_len"]:], h

    def open_stream(self, header, segments):
        h = self.header(header)
        h["name"] = h["place"][8:40]
        if h["kind"] != 3 or len(header) != 128 or h["place0"] or \
                any(h["place"][:8] + h["place"][40:]):
            raise Refused("form")
        aes, out = AESGCM(self.key(h)), b""
        for i, segment in enumerate(segments):
            final = i == len(segments) - 1
            if len(segment) < 16 or len(segment) > h["len"] + 16 or \
                    (not final and len(segment) != h["len"] + 16):
                raise Refused("form")
            try:
                out += aes.decrypt(struct.pack(">IQ", 0, i), segment,
                                   self.aad(h, i, final))
            except InvalidTag as e:
                raise Refused("tag") from e
        return out


def flips(data, step=1, start=0):
    """data with one bit changed, here and there."""
    for at in range(start, len(data), step):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        yield bytes(changed)


def refused(function, *args):
    try:
        function(*args)
    except Refused:
        return
    raise AssertionError("what was changed opened")


def same(got, want, what):
    if got != want:
        raise AssertionError(f"{what} is not what was recorded")


def test_kv(vector):
    s = Session(unhex(vector["exported"]))
    same(s.tenant.decode(), vector["tenant"], "the tenant")
    for entry in vector["entries"]:
        sealed = unhex(entry["sealed"])
        key, value, h = s.open_kv(sealed)
        same(key, unhex(entry["key"]), "K")
        same(value, unhex(entry["value"]), "V")
        same(h["replay"], vector["replay"], "the replay mode")
        for changed in flips(sealed):
            refused(s.open_kv, changed)
        refused(s.open_kv, sealed[:-1])
        refused(s.open_kv, sealed + b"\0")


def test_stream(vector):
    s = Session(unhex(vector["exported"]))
    for stream in vector["streams"]:
        header = unhex(stream["header"])
        parts = [unhex(p) for p in stream["segments"]]
        same(s.open_stream(header, parts), unhex(stream["text"]), "the text")
        for changed in flips(header):
            refused(s.open_stream, changed, parts)
        for i, part in enumerate(parts):
            for changed in flips(part, 97):
                refused(s.open_stream, header,
                        parts[:i] + [changed] + parts[i + 1:])
            for changed in flips(part, 1, len(part) - 16):
                refused(s.open_stream, header,
                        parts[:i] + [changed] + parts[i + 1:])
            if len(parts) > 1:
                refused(s.open_stream, header, parts[:i] + parts[i + 1:])
                refused(s.open_stream, header, parts[:i + 1] + parts[i:])
        if len(parts) > 2:
            refused(s.open_stream, header, [parts[1], parts[0]] + parts[2:])


# --- the handshake --------------------------------------------------------

def read_offer(data):
    r = Reader(data)
    if r.take(4) != b"CSO\1":
        raise Refused("no offer")
    o = {"suite": r.number(1), "signed": r.number(1)}
    same(r.number(2), 0, "the reserved field")
    o["time"], o["ttl"], o["nonce"] = r.number(8), r.number(8), r.take(32)
    o["server"], o["tenant"], o["ek"] = r.sized(), r.sized(), r.sized()
    o["body"] = data[:r.at]
    o["signature"] = r.sized() if o["signed"] else None
    r.end()
    return o


def read_reply(data):
    r = Reader(data)
    if r.take(4) != b"CSR\1":
        raise Refused("no reply")
    p = {"suite": r.number(1), "signed": r.number(1)}
    same(r.number(2), 0, "the reserved field")
    p["session"], p["nonce"] = r.take(16), r.take(32)
    p["created"], p["expires"] = r.number(8), r.number(8)
    p["server"], p["tenant"], p["name"] = r.sized(), r.sized(), r.sized()
    p["ct"] = r.sized()
    p["body"] = data[:r.at]
    p["mac"] = r.take(32)
    p["signature"] = r.sized()
    r.end()
    return p


def transcript(offer, body):
    return sha3(b"caisson v1 handshake", struct.pack("<I", len(offer)), offer,
                struct.pack("<I", len(body)), body)


def test_handshake(vector, top):
    offer, reply = unhex(vector["offer"]), unhex(vector["reply"])
    o, p = read_offer(offer), read_reply(reply)
    same(o["suite"], vector["suite"], "the suite of the offer")
    same(p["suite"], vector["suite"], "the suite of the reply")
    same(o["server"].decode(), top["server"]["alias"], "the server")
    same(p["server"], o["server"], "the server of the reply")
    same(o["tenant"].decode(), top["tenant"]["alias"] if o["signed"] else "",
         "the tenant")
    same(sha3(unhex(top["server"]["public"])).hex(),
         top["server"]["alias"].rpartition(":")[2], "the server's DID")
    t = transcript(offer, p["body"])
    same(t, unhex(vector["transcript"]), "the transcript")
    prk = extract(t, unhex(vector["secret"]))
    keys = expand(prk, b"caisson v1 session keys", 128)
    same(keys, unhex(vector["keys"]), "the keys")
    same(mac(keys[:32], t), p["mac"], "the server's MAC")
    same(b"CSC\1" + p["session"] + mac(keys[32:64], t),
         unhex(vector["confirm"]), "the confirmation")
    # Whatever is changed changes the transcript.
    for changed in flips(offer, 61):
        assert transcript(changed, p["body"]) != t
    for changed in flips(p["body"], 61):
        assert transcript(offer, changed) != t
    for side, own in (("server", SERVER), ("tenant", TENANT)):
        s = Session(unhex(vector[f"{side}_exported"]))
        same(s.own, own, "the direction")
        same(s.id, p["session"], "the session's id")
        same(s.tenant, p["tenant"], "the session's tenant")
        same((s.created, s.expires), (p["created"], p["expires"]), "times")
        assert s.created <= s.reached < s.expires
        same(s.chains, [keys[64:96], keys[96:]], "the chain keys")
        for sender in ("server", "tenant"):
            message = vector[f"from_{sender}"]
            key, value, h = s.open_kv(unhex(message["sealed"]))
            same(key, unhex(message["key"]), "K")
            same(value, unhex(message["value"]), "V")
            same(h["direction"], ("server", "tenant").index(sender),
                 "the direction bit")


def test_pending(vector):
    """The server's half between its reply and the confirmation."""
    r = Reader(unhex(vector["pending_exported"]))
    p = read_reply(unhex(vector["reply"]))
    if r.take(5) != b"CSX\2P":
        raise Refused("no exported half")
    same(r.number(1), vector["suite"], "the suite of the half")
    same(r.take(16), p["session"], "the session's id")
    same(r.take(32), unhex(vector["transcript"]), "the transcript")
    same((r.number(8), r.number(8)), (p["created"], p["expires"]), "times")
    assert p["created"] <= r.number(8) < p["expires"]
    same((r.sized(), r.sized()), (p["tenant"], p["name"]), "the tenant")
    same(r.take(96), unhex(vector["keys"])[32:], "the keys")
    r.end()


def seed_of_offer(exported):
    r = Reader(exported)
    if r.take(5) != b"CSX\1O":
        raise Refused("no exported offer")
    suite = r.number(1)
    r.sized()
    r.take(r.number(4))
    keys = r.take(64)
    r.end()
    return suite, keys[:32] if suite == peer.X_WING else keys


def test_handshake_kem(vector):
    suite, keys = seed_of_offer(unhex(vector["offer_exported"]))
    reply = read_reply(unhex(vector["reply"]))
    ek, secret = peer.decapsulate(suite, keys, reply["ct"])
    same(ek, read_offer(unhex(vector["offer"]))["ek"],
         "the encapsulation key")
    same(secret, unhex(vector["secret"]), "the KEM's secret")


def verify(public, signature, message, context=b""):
    if not peer.verifies("ML-DSA-44", public, signature, message, context):
        raise Refused("signature")


def test_handshake_signatures(vector, top):
    o = read_offer(unhex(vector["offer"]))
    p = read_reply(unhex(vector["reply"]))
    if o["signed"]:
        tenant = unhex(top["tenant"]["public"])
        verify(tenant, o["signature"], o["body"], b"caisson session offer v1")
        refused(verify, tenant, o["signature"], o["body"] + b"x",
                b"caisson session offer v1")
        refused(verify, tenant, o["signature"], o["body"],
                b"caisson session reply v1")
    server = unhex(top["server"]["public"])
    text = unhex(vector["transcript"]) + p["mac"]
    verify(server, p["signature"], text, b"caisson session reply v1")
    refused(verify, server, p["signature"], text[:-1] + b"\0\0",
            b"caisson session reply v1")


# --- sealed files ---------------------------------------------------------

def cbor(r):
    """One deterministic CBOR item; maps come as lists of pairs."""
    head = r.number(1)
    kind, low = head >> 5, head & 31
    if low < 24:
        arg = low
    elif low < 28:
        arg = int.from_bytes(r.take(1 << low - 24), "big")
    else:
        raise Refused("CBOR")
    if kind == 0:
        return arg
    if kind == 1:
        return -1 - arg
    if kind == 2:
        return r.take(arg)
    if kind == 3:
        return r.take(arg).decode()
    if kind == 4:
        return [cbor(r) for _ in range(arg)]
    if kind == 5:
        return [(cbor(r), cbor(r)) for _ in range(arg)]
    if kind == 6:
        return ("tag", arg, cbor(r))
    raise Refused("CBOR")


def cbor_all(data):
    r = Reader(data)
    item = cbor(r)
    r.end()
    return item


def cbor_bytes(data):
    n = len(data)
    if n < 24:
        return bytes([0x40 | n]) + data
    if n < 256:
        return b"\x58" + struct.pack(">B", n) + data
    if n < 65536:
        return b"\x59" + struct.pack(">H", n) + data
    return b"\x5a" + struct.pack(">I", n) + data


class Cose:
    """A COSE_Sign1 of ours, and what its signature is over."""

    def __init__(self, data, typ, kid):
        tag, number, (header, others, payload, signature) = cbor_all(data)
        fields = dict(cbor_all(header))
        if tag != "tag" or number != 18 or others or \
                fields != {1: -48, 4: kid.encode(), 16: typ}:
            raise Refused("COSE")
        self.payload, self.signature = payload, signature
        self.signed = (b"\x84\x6aSignature1" + cbor_bytes(header) +
                       cbor_bytes(typ.encode()) + cbor_bytes(payload))


def node(hashes):
    """RFC 9162, 2.1.1, above the hashes of leaves."""
    if not hashes:
        return sha3(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return sha3(b"\1" + node(hashes[:k]) + node(hashes[k:]))


def top(data, leaf):
    return node([sha3(b"\0" + data[i:i + leaf])
                 for i in range(0, len(data), leaf)])


def tree(data, leaf):
    return sha3(b"caisson tree v1" + struct.pack("<QI", len(data), leaf) +
                top(data, leaf))


def read_file(data, signer):
    r = Reader(data)
    if r.take(5) != b"CSNF\2":
        raise Refused("no sealed file")
    front = Cose(r.take(r.number(4)), "application/caisson-sealed+cbor",
                 signer)
    f = {"front": front, "prefix": data[:r.at], "records": [], "marks": []}
    final = False
    while not final:
        n = r.number(4)
        if n == 0x40000010:
            f["marks"].append([len(f["records"]), r.take(16)])
            n = r.number(4)
        final, n = n >> 31, n & 0x7fffffff
        f["records"].append((final, r.take(n + 16)))
    f["head"], f["slots"], f["wrapped"] = cbor_all(front.payload)
    f["fixed"], f["commitment"] = cbor_all(f["head"])
    f["facts"] = dict(cbor_all(f["fixed"]))
    if f["facts"][8] == 1:
        f["table"] = [r.take(32) for _ in f["records"]]
    n = r.number(4)
    f["foot_at"] = r.at
    f["foot"] = Cose(r.take(n), "application/caisson-sealed-end+cbor", signer)
    if r.number(4) != n or r.take(4) != b"CSNE":
        raise Refused("the end")
    r.end()
    return f


def unwrap(f, index, secret):
    alias, kem, ct, wrap = f["slots"][index]
    info = (b"caisson v2 sealed kek" + struct.pack("<BHB", 1, 32, kem) +
            struct.pack("<H", len(alias)) + alias.encode() + sha3(ct) +
            sha3(f["head"]))
    try:
        return aes_key_unwrap(expand(extract(b"", secret), info), wrap)
    except Exception as e:
        raise Refused("the wrap") from e


def open_records(f, prk):
    fixed, out, sealed = f["facts"], b"", []
    runs = [[0, fixed[3]]] + f["marks"]
    for i, (final, record) in enumerate(f["records"]):
        n = len(record) - 16
        if n > fixed[5] or (not final and n != fixed[5]):
            raise Refused("a segment's length")
        run = [name for first, name in runs if first <= i][-1]
        aes = AESGCM(expand(prk, b"caisson v2 sealed run" + run))
        try:
            out += aes.decrypt(
                struct.pack(">IQ", 0, i), record,
                sha3(f["head"]) + struct.pack("<QB", i, final))
        except InvalidTag as e:
            raise Refused("tag") from e
        sealed.append(record)
    return out, sealed


def check_foot(f, prk, text, sealed):
    leaf = min(f["facts"][5], 65536)
    head, total, root, runs, kind, content = cbor_all(f["foot"].payload)
    if f["facts"][8] == 1:
        ours = tree(b"".join(r[:-16] for r in sealed), leaf)
        if f["table"] != [top(r[:-16], leaf) for r in sealed]:
            raise Refused("the table")
    else:
        ours = tree(b"".join(r[-16:] for r in sealed), 16)
    if [head, total, root, runs] != [sha3(f["head"]), len(text), ours,
                                     f["marks"]]:
        raise Refused("the foot")
    if kind == 4:
        same(content, b"", "the content hash")
        return kind, bytes(32)
    last = runs[-1][1] if runs else f["facts"][3]
    aes = AESGCM(expand(prk, b"caisson v2 sealed foot" + last))
    try:
        content = aes.decrypt(bytes(12), content,
                              sha3(f["head"]) + bytes([kind]))
    except InvalidTag as e:
        raise Refused("the content hash") from e
    if content != {1: lambda: tree(text, leaf), 2: lambda: sha3(text),
                   3: lambda: hashlib.sha256(text).digest()}[kind]():
        raise Refused("the content hash")
    return kind, content


def open_file(data, signer, key):
    """key is the data key, or asks a slot for it."""
    f = read_file(data, signer)
    fixed = f["facts"]
    if fixed[1] != 2 or fixed[2] != 1 or fixed[4] != signer or \
            fixed[8] not in (1, 2):
        raise Refused("the fixed part")
    prk = extract(sha3(f["fixed"]), key(f) if callable(key) else key)
    if expand(prk, b"caisson v2 sealed commitment") != f["commitment"]:
        raise Refused("the commitment")
    text, sealed = open_records(f, prk)
    return text, fixed, check_foot(f, prk, text, sealed), f


def refused_file(data, signer, key):
    """What was changed may make no sense in any way, but never opens."""
    try:
        open_file(data, signer, key)
    except (Refused, KeyError, ValueError, TypeError, IndexError,
            AssertionError, UnicodeDecodeError):
        return
    raise AssertionError("what was changed opened")


def test_sealed(vector, top_level):
    data, signer = unhex(vector["file"]), top_level["signer"]["alias"]
    key = unhex(vector["data_key"])
    for i, recipient in enumerate(vector["recipients"]):
        f = read_file(data, signer)
        same(unwrap(f, i, unhex(recipient["secret"])), key, "the data key")
    text, fixed, (kind, content), f = open_file(data, signer, key)
    same(text, unhex(vector["text"]), "the text")
    same(fixed.get(7, ""), vector["content_type"], "the content type")
    same(fixed[6] * 1000, top_level["clock_ms"], "the time")
    same(kind, vector["content_hash_kind"], "the content hash's kind")
    same(content, unhex(vector["content_hash"]), "the content hash")
    if "root" in vector:
        same(cbor_all(f["foot"].payload)[2], unhex(vector["root"]), "root")
    # All but the signatures, which test_sealed_signatures looks at.
    body, end = len(f["prefix"]), f["foot_at"]
    for changed in flips(data[:end], 101, body):
        refused_file(changed + data[end:], signer, key)
    if vector["recipients"]:
        secret = unhex(vector["recipients"][0]["secret"])
        head = data.index(f["head"]) + len(f["head"])
        for changed in flips(data[:head], 7):
            refused_file(changed + data[head:], signer,
                         lambda f: unwrap(f, 0, secret))
    # With the bytes that tell how long the signature is.
    signature = data.index(f["foot"].signature)
    for changed in flips(data[:signature], 3, end):
        refused_file(changed + data[signature:], signer, key)
    refused_file(data[:-1], signer, key)
    refused_file(data + b"\0", signer, key)


def test_sealed_kem(vector):
    f = read_file(unhex(vector["file"]), vector["signer"])
    for i, recipient in enumerate(vector["recipients"]):
        _, secret = peer.decapsulate(recipient["kem"],
                                     unhex(recipient["kem_seed"]),
                                     f["slots"][i][2])
        same(secret, unhex(recipient["secret"]), "the KEM's secret")


def test_sealed_signatures(vector, top_level):
    public = unhex(top_level["signer"]["public"])
    f = read_file(unhex(vector["file"]), top_level["signer"]["alias"])
    for cose in (f["front"], f["foot"]):
        verify(public, cose.signature, cose.signed)
        refused(verify, public, cose.signature, cose.signed + b"\0")
    refused(verify, public, f["front"].signature, f["foot"].signed)


# --- running --------------------------------------------------------------

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
    for i, vector in enumerate(load("kv.json")):
        case(f"kv_{i}", test_kv, vector)
    for i, vector in enumerate(load("stream.json")):
        case(f"stream_{i}", test_stream, vector)
    top = load("session.json")
    for vector in top["handshakes"]:
        suite = vector["suite"]
        case(f"handshake_{suite}", test_handshake, vector, top)
        case(f"half_{suite}", test_pending, vector)
        case(f"handshake_{suite}_signatures", test_handshake_signatures,
             vector, top)
        case(f"handshake_{suite}_kem", test_handshake_kem, vector)
    top = load("sealed.json")
    for i, vector in enumerate(top["files"]):
        vector["signer"] = top["signer"]["alias"]
        case(f"sealed_{i}", test_sealed, vector, top)
        case(f"sealed_{i}_signatures", test_sealed_signatures, vector, top)
        case(f"sealed_{i}_kem", test_sealed_kem, vector)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
