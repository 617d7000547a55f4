#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read_report.py - read the reports of report.json with no code of Caisson's.

Everything here is from docs/wire/report.md: hash trees, CBOR, COSE, claims.
Signatures are checked by the program openssl.
"""

import hashlib
import json
import os
import sys

import peer

HERE = os.path.dirname(os.path.abspath(__file__))
TYP = "application/caisson-report+cwt"
# COSE algorithm, multicodec of the did:key
ALGS = {"ML-DSA-44": (-48, 0x1210), "ML-DSA-65": (-49, 0x1211),
        "ML-DSA-87": (-50, 0x1212)}


class Refused(Exception):
    """What a reader must refuse."""


def expect(condition, what):
    if not condition:
        raise Refused(what)


def sha3(*pieces):
    return hashlib.sha3_256(b"".join(pieces)).digest()


# --- trees ------------------------------------------------------------------

def top(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha3(b"\1", top(leaves[:k]), top(leaves[k:]))


def leaves_of(data, leaf):
    return [sha3(b"\0", data[i:i + leaf]) for i in range(0, len(data), leaf)]


def root(length, leaf, leaves):
    return sha3(b"caisson tree v1", length.to_bytes(8, "little"),
                leaf.to_bytes(4, "little"), top(leaves))


def memory(length):
    return bytes(i * 7 % 251 for i in range(length))


# --- CBOR -------------------------------------------------------------------

class Cbor:
    """Deterministic CBOR (RFC 8949, 4.2) from left to right."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        expect(n <= len(self.data) - self.at, "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def head(self):
        first = self.take(1)[0]
        kind, low = first >> 5, first & 31
        if low < 24:
            return kind, low
        expect(low < 28, "a length of no kind")
        n = int.from_bytes(self.take(1 << low - 24), "big")
        expect(n >= (24 if low == 24 else 1 << (8 << low - 25)),
               "a head that is longer than need be")
        return kind, n

    def item(self):
        start = self.at
        kind, n = self.head()
        if kind == 0:
            return n
        if kind == 1:
            return -1 - n
        if kind == 2:
            return self.take(n)
        if kind == 3:
            return self.take(n).decode("utf-8")
        if kind == 4:
            return [self.item() for _ in range(n)]
        if kind == 5:
            return self.map(n)
        if kind == 6:
            return (n, self.item())
        expect(self.data[start] in (0xf4, 0xf5), "another simple value")
        return self.data[start] == 0xf5

    def map(self, n):
        out, last = {}, b""
        for _ in range(n):
            start = self.at
            key = self.item()
            here = self.data[start:self.at]
            expect(here > last, "keys out of order, or twice")
            last = here
            out[key] = self.item()
        return out


def cbor(data):
    c = Cbor(data)
    item = c.item()
    expect(c.at == len(data), "bytes left over")
    return item


def byte_string(data):
    n = len(data)
    for low, size in ((24, 1), (25, 2), (26, 4)):
        if n < 24:
            return bytes([0x40 | n]) + data
        if n < 1 << 8 * size:
            return bytes([0x40 | low]) + n.to_bytes(size, "big") + data
    raise Refused("too long")


# --- reports ----------------------------------------------------------------

def base58(text):
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    n = 0
    for c in text:
        n = n * 58 + letters.index(c)
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def public_key(did, alg):
    """What a did:key with a multicodec says."""
    data = base58(did.removeprefix("did:key:z"))
    code = ALGS[alg][1]
    expect(data[:2] == bytes([code & 0x7f | 0x80, code >> 7]), "multicodec")
    return data[2:]


def read_report(data, alg, public):
    """The claims, and what the signature is over."""
    number, parts = cbor(data)
    expect(number == 18 and len(parts) == 4, "no COSE_Sign1")
    header, others, payload, signature = parts
    alias = "did:pqaid:" + sha3(public).hex()
    expect(others == {} and cbor(header) == {
        1: ALGS[alg][0], 4: alias.encode(), 16: TYP}, "the header")
    claims = cbor(payload)
    expect(claims[1] == alias, "iss")
    expect(claims[256] == b"\1" + sha3(public), "ueid")
    expect(claims[-70000] == 1 and claims[4] > claims[6], "version, times")
    expect(set(claims) - {10, 273, -70023} == {
        1, 4, 6, 256, -70000, -70020, -70021, -70022, -70024, -70025},
        "claims that are missing or unknown")
    signed = (b"\x84\x6aSignature1" + byte_string(header) +
              byte_string(TYP.encode()) + byte_string(payload))
    return claims, signed, signature


def check_region(region, flats, length):
    data = memory(length)
    expect(region[4] == length and region[5] == "RW", "size, protection")
    expect(7 in region or region[1] in flats, "no hash at all")
    if 7 in region:
        leaf, tree = region[7]
        leaves = leaves_of(data, leaf)
        expect(tree == root(length, leaf, leaves), "the tree")
        expect(region.get(8, b"".join(leaves)) == b"".join(leaves),
               "the leaves")
    else:
        expect(8 not in region, "leaves without a tree")
    if region[1] in flats:
        expect(flats[region[1]] == sha3(data), "the flat hash")


def flat_hashes(claims):
    out = {}
    for form, component in claims.get(273, []):
        expect(form == 295, "another content format")
        fields = cbor(component)
        expect(set(fields) == {1, 2} and fields[2][0] == 10, "a component")
        out[fields[1][0]] = fields[2][1]
    return out


def test_tree(vector):
    data = memory(vector["length"])
    expect(root(len(data), vector["leaf"], leaves_of(
        data, vector["leaf"])).hex() == vector["tree"], "the root")
    expect(sha3(data).hex() == vector["flat"], "the flat hash")


def test_report(vector, nonce):
    data = bytes.fromhex(vector["report"])
    public = public_key(vector["did"], vector["alg"])
    claims, _, _ = read_report(data, vector["alg"], public)
    expect(vector["alias"] == claims[1], "the alias")
    expect(claims[-70020] == "vectors" and
           claims[-70021] == "linux-process" and claims[-70025] is True,
           "workload, platform, full")
    expect(claims.get(10, nonce) == nonce, "the nonce")
    expect((10 in claims) == ("nonce" in vector["what"] or
                              vector["what"] == "leaves"), "a nonce")
    flats = flat_hashes(claims)
    expect(len(claims[-70022]) == 1, "one region")
    check_region(claims[-70022][0], flats, vector["length"])


def test_changed(vector):
    """Cut, lengthened or under another key it is no report."""
    data = bytes.fromhex(vector["report"])
    public = public_key(vector["did"], vector["alg"])
    other = bytes([public[0] ^ 1]) + public[1:]
    for changed, key in ((data[:-1], public), (data + b"\0", public),
                         (data[1:], public), (data, other)):
        try:
            read_report(changed, vector["alg"], key)
        except (Refused, ValueError, TypeError, KeyError):
            continue
        raise AssertionError("what was changed was read")


def test_signature(vector):
    public = public_key(vector["did"], vector["alg"])
    _, signed, signature = read_report(bytes.fromhex(vector["report"]),
                                       vector["alg"], public)
    assert peer.verifies(vector["alg"], public, signature, signed)
    for wrong in (signed + b"\0", signed[:-1], b"\0" + signed[1:]):
        if peer.verifies(vector["alg"], public, signature, wrong):
            raise AssertionError("a signature over other bytes verified")


# --- running ----------------------------------------------------------------

failures = 0


def case(name, function, *args):
    global failures
    try:
        function(*args)
        print(f"ok {name}")
    except Exception as e:  # each case reports for itself
        failures += 1
        print(f"# {type(e).__name__}: {e}")
        print(f"not ok {name}")


def main():
    with open(os.path.join(HERE, "report.json"), encoding="ascii") as f:
        vectors = json.load(f)
    nonce = bytes.fromhex(vectors["nonce"])
    for vector in vectors["trees"]:
        case(f"tree_of_{vector['length']}", test_tree, vector)
    for vector in vectors["reports"]:
        name = vector["what"].replace(" ", "_")
        case(f"report_of_{name}", test_report, vector, nonce)
        case(f"report_of_{name}_changed", test_changed, vector)
        case(f"report_of_{name}_signature", test_signature, vector)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
