#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write cose.json, identity.json and action.json beside this file.

Everything is made here from docs/wire/identity.md, without the library: CBOR,
COSE, base58 and the claims in this file, ML-DSA by dilithium-py and ML-KEM by
kyber-py (both written from the standards in plain Python). Signing is
deterministic, so each run gives the same bytes.
"""
import hashlib
import json
import os

from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87
from kyber_py.ml_kem import ML_KEM_512, ML_KEM_768, ML_KEM_1024

START = 1767225600                      # 2026-01-01T00:00:00Z
DAY = 86400
ALGS = {"ML-DSA-44": (ML_DSA_44, -48, b"\x90\x24"),
        "ML-DSA-65": (ML_DSA_65, -49, b"\x91\x24"),
        "ML-DSA-87": (ML_DSA_87, -50, b"\x92\x24")}
KEMS = {"ML-KEM-512": (ML_KEM_512, 1), "ML-KEM-768": (ML_KEM_768, 2),
        "ML-KEM-1024": (ML_KEM_1024, 3)}
DOCUMENT = "application/caisson-identity+cbor"
ACTION = "application/caisson-action+cwt"


class Tag:
    def __init__(self, number, value):
        self.number, self.value = number, value


def head(major, n):
    for size, info in ((0, None), (1, 24), (2, 25), (4, 26), (8, 27)):
        if size == 0 and n < 24:
            return bytes([major << 5 | n])
        if size and n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")


def cbor(v):
    """Deterministic encoding (RFC 8949, 4.2)."""
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    if isinstance(v, dict):
        pairs = sorted((cbor(k), cbor(x)) for k, x in v.items())
        return head(5, len(pairs)) + b"".join(k + x for k, x in pairs)
    return head(6, v.number) + cbor(v.value)


def base58(b):
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    n, out = int.from_bytes(b, "big"), ""
    while n:
        n, digit = divmod(n, 58)
        out = letters[digit] + out
    return out


class Person:
    def __init__(self, byte, alg="ML-DSA-44", kem="ML-KEM-512"):
        self.alg, self.kem = alg, kem
        self.seed = bytes([byte]) * 32
        self.kem_seed = bytes([byte]) * 64
        self.scheme, self.cose_alg, codec = ALGS[alg]
        self.pk, self.sk = self.scheme.key_derive(self.seed)
        self.ek, _ = KEMS[kem][0].key_derive(self.kem_seed)
        self.did = "did:key:z" + base58(codec + self.pk)
        self.alias = "did:pqaid:" + hashlib.sha3_256(self.pk).hexdigest()

    def tbs(self, typ, payload, kid=None):
        header = cbor({1: self.cose_alg, 4: (kid or self.alias).encode(),
                       16: typ})
        return header, cbor(["Signature1", header, typ.encode(), payload])

    def sign(self, typ, payload, kid=None):
        header, tbs = self.tbs(typ, payload, kid)
        sig = self.scheme.sign(self.sk, tbs, ctx=b"", deterministic=True)
        return cbor(Tag(18, [header, {}, payload, sig]))

    def document(self, name, capabilities, purposes, **other):
        claims = {
            1: self.alias, 2: self.did, 4: START + 400 * DAY, 6: START,
            8: {1: {1: 7, 3: self.cose_alg, -1: self.pk}},
            -70000: 1, -70001: name, -70003: purposes,
            -70004: [KEMS[self.kem][1], self.ek],
        }
        if capabilities:
            claims[-70002] = capabilities
        claims.update(other.get("claims", {}))
        return self.sign(DOCUMENT, cbor(claims))

    def credential(self, subject, scope, number, **more):
        claims = {
            1: self.alias, 2: subject.did, 4: START + 3600, 5: START,
            6: START, 7: bytes([number]) * 16, 9: scope, -70000: 1,
        }
        claims.update(more.get("claims", {}))
        return self.sign(ACTION, cbor(claims))


def chain(*links):
    return head(4, len(links)) + b"".join(links)


def sha3(b):
    return hashlib.sha3_256(b).digest()


def flip(b, at):
    return b[:at] + bytes([b[at] ^ 1]) + b[at + 1:]


def cose_vectors():
    typ, kid, payload = "application/caisson-test", "did:pqaid:x", b"hello"
    good = []
    for alg in ALGS:
        p = Person(7, alg)
        header, tbs = p.tbs(typ, payload, kid)
        good.append({"alg": alg, "seed": p.seed, "public_sha3": sha3(p.pk),
                     "kid": kid, "typ": typ, "payload": payload,
                     "protected": header, "sig_structure": tbs,
                     "message": p.sign(typ, payload, kid)})
    p = Person(7)
    right = p.sign(typ, payload, kid)
    header, tbs = p.tbs(typ, payload, kid)
    sig = right[-2420:]
    bare = p.scheme.sign(p.sk, tbs, ctx=b"caisson", deterministic=True)
    _, unbound = p.tbs("", payload, kid)
    unbound = cbor(["Signature1", header, b"", payload])
    other = p.scheme.sign(p.sk, unbound, ctx=b"", deterministic=True)

    def whole(*parts):
        return cbor(Tag(18, list(parts)))

    bad = [
        ("a flipped bit of the signature", flip(right, len(right) - 1),
         "CSN_E_SIGNATURE"),
        ("a flipped bit of the payload",
         right.replace(payload, b"hellp"), "CSN_E_SIGNATURE"),
        ("signed with a context string", whole(header, {}, payload, bare),
         "CSN_E_SIGNATURE"),
        ("signed without the external data",
         whole(header, {}, payload, other), "CSN_E_SIGNATURE"),
        ("an unprotected header", whole(header, {4: b"x"}, payload, sig),
         "CSN_E_FORM"),
        ("a byte behind the message", right + b"\0", "CSN_E_FORM"),
        ("no tag", right[1:], "CSN_E_FORM"),
        ("a tag in a longer head", b"\xd8\x12" + right[1:], "CSN_E_FORM"),
        ("another algorithm of the same length of signature",
         whole(header.replace(b"\x38\x2f", b"\x38\x30"), {}, payload, sig),
         "CSN_E_FORM"),
    ]
    return {"good": good, "refused": [
        {"what": w, "alg": "ML-DSA-44", "seed": p.seed, "typ": typ,
         "message": m, "error": e} for w, m, e in bad]}


def identity_vectors():
    good = []
    for byte, alg, kem, name, caps, purposes in (
            (1, "ML-DSA-44", "ML-KEM-512", "alice", "", 1),
            (2, "ML-DSA-65", "ML-KEM-768", "B\u00f6b", "attest kv:seal", 511),
            (3, "ML-DSA-87", "ML-KEM-1024", "carol", "x", 48)):
        p = Person(byte, alg, kem)
        good.append({
            "alg": alg, "seed": p.seed, "kem": kem, "kem_seed": p.kem_seed,
            "did": p.did, "alias": p.alias, "name": name,
            "capabilities": caps.replace(" ", ","), "purposes": purposes,
            "created": START, "expires": START + 400 * DAY,
            "document": p.document(name, caps, purposes)})
    alice, mallory = Person(1), Person(4)
    doc = alice.document("alice", "", 1)
    bad = [
        ("another's DID over the signer's own key",
         mallory.document("alice", "", 1, claims={2: alice.did}),
         "CSN_E_SIGNER"),
        ("another's DID and key",
         mallory.document("alice", "", 1, claims={
             1: alice.alias, 2: alice.did,
             8: {1: {1: 7, 3: -48, -1: alice.pk}}}), "CSN_E_SIGNER"),
        ("the alias where the did:key belongs",
         alice.document("alice", "", 1, claims={2: alice.alias}),
         "CSN_E_SIGNER"),
        ("a swapped ML-KEM key", doc.replace(alice.ek, mallory.ek),
         "CSN_E_SIGNATURE"),
        ("expired", alice.document("alice", "", 1, claims={
            4: START, 6: START - DAY}), "CSN_E_EXPIRED"),
        ("an unknown claim", alice.document("alice", "", 1,
                                            claims={38: "x"}), "CSN_E_FORM"),
        ("another version", alice.document("alice", "", 1,
                                           claims={-70000: 2}),
         "CSN_E_VERSION"),
        ("a credential's type",
         alice.sign(ACTION, b""), "CSN_E_FORM"),
    ]
    return {"now": START, "good": good, "refused": [
        {"what": w, "document": d, "error": e} for w, d, e in bad]}


def action_vectors():
    root = Person(1, "ML-DSA-65")
    alice, bob, mallory = Person(2), Person(3), Person(4)
    one = root.credential(alice, "kv:* audit:read", 1,
                          claims={-70010: 2, 3: "node-1"})
    unbound = {-70011: sha3(chain(one))}
    bound = {**unbound, 3: "node-1"}
    links = {
        "one": one,
        "rival": root.credential(alice, "*", 9,
                                 claims={-70010: 2, 3: "node-1"}),
        "two": alice.credential(bob, "kv:open", 2, claims=bound),
        "wider": alice.credential(bob, "kv:open session:open", 3,
                                  claims=bound),
        "longer": alice.credential(bob, "kv:open", 4,
                                   claims={**bound, 4: START + 3601}),
        "loose": alice.credential(bob, "kv:open", 5, claims=unbound),
        "again": alice.credential(bob, "kv:open", 6,
                                  claims={**bound, -70010: 2}),
        "stolen": mallory.credential(mallory, "kv:open", 7, claims=bound),
        "claimed": mallory.credential(mallory, "kv:open", 8,
                                      claims={**bound, 1: alice.alias}),
    }
    cases = [
        ("a root's credential", "one", "kv:seal", START, ""),
        ("passed on once", "one two", "kv:open", START, ""),
        ("in its last second", "one two", "kv:open", START + 3599, ""),
        ("expired", "one two", "kv:open", START + 3600, "CSN_E_EXPIRED"),
        ("before its time", "one two", "kv:open", START - 1,
         "CSN_E_POLICY"),
        ("another scope", "one two", "kv:seal", START, "CSN_E_SCOPE"),
        ("wider in scope", "one wider", "kv:open", START, "CSN_E_SCOPE"),
        ("wider in time", "one longer", "kv:open", START, "CSN_E_SCOPE"),
        ("wider in audience", "one loose", "kv:open", START,
         "CSN_E_SCOPE"),
        ("wider in links", "one again", "kv:open", START, "CSN_E_SCOPE"),
        ("passed on by a stranger", "one stolen", "kv:open", START,
         "CSN_E_SIGNER"),
        ("in the subject's name", "one claimed", "kv:open", START,
         "CSN_E_SIGNER"),
        ("under another parent", "rival two", "kv:open", START,
         "CSN_E_SIGNATURE"),
        ("the other way round", "two one", "kv:open", START,
         "CSN_E_SIGNER"),
        ("without its parent", "two", "kv:open", START, "CSN_E_SIGNER"),
        ("no links", "", "kv:open", START, "CSN_E_FORM"),
    ]
    return {"trusted": root.did, "subject": bob.did, "links": links,
            "cases": [{"what": w, "links": names.split(), "scope": scope,
                       "at": at, "error": error,
                       "chain_sha3": sha3(chain(*(
                           links[n] for n in names.split())))}
                      for w, names, scope, at, error in cases]}


def plain(v):
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    return [plain(x) for x in v] if isinstance(v, list) else v


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for name, vectors in (("cose", cose_vectors()),
                          ("identity", identity_vectors()),
                          ("action", action_vectors())):
        with open(os.path.join(here, name + ".json"), "w",
                  encoding="ascii") as f:
            json.dump(plain(vectors), f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
