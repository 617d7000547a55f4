#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write crypto.json: known answers from implementations other than ours.

Hashes, HMAC and HKDF come from Python's own hashlib and hmac; ML-KEM from
kyber-py, ML-DSA from dilithium-py (both written from the standards in plain
Python); Argon2id from argon2-cffi (the reference code); AES-GCM, key wrap and
X25519 from the `cryptography` package. RFC 3394, RFC 5869 and the X-Wing
draft are checked against the figures that they print.

Usage: make_crypto.py > crypto.json
"""
import hashlib
import hmac
import json
import sys

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey, X25519PublicKey)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87
from kyber_py.ml_kem import ML_KEM_512, ML_KEM_768, ML_KEM_1024


def stream(label, n):
    """n bytes that look random and are the same every time."""
    return hashlib.shake_128(b"caisson test " + label.encode()).digest(n)


def sha3(b):
    return hashlib.sha3_256(b).digest()


def hkdf(name, salt, key, info, n):
    size = hashlib.new(name).digest_size
    prk = hmac.new(salt or bytes(size), key, name).digest()
    out, block, i = b"", b"", 1
    while len(out) < n:
        block = hmac.new(prk, block + info + bytes([i]), name).digest()
        out, i = out + block, i + 1
    return prk, out[:n]


def hashes():
    for n in (0, 3, 32, 135, 136, 137, 2300):
        msg = stream("sha3", n)
        yield {"msg": msg, "hash": sha3(msg)}


def macs():
    for key_len, n in ((0, 0), (32, 64), (136, 3), (137, 300), (200, 136)):
        key, msg = stream("mac key", key_len), stream("mac", n)
        yield {"key": key, "msg": msg,
               "mac": hmac.new(key, msg, "sha3_256").digest()}


def hkdfs():
    rfc = bytes.fromhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c"
                        "5db02d56ecc4c5bf34007208d5b887185865")
    key, salt = b"\x0b" * 22, bytes(range(13))
    info = bytes(range(0xf0, 0xfa))
    assert hkdf("sha256", salt, key, info, 42)[1] == rfc
    cases = [(salt, key, info, 42), (b"", key, b"", 42),
             (bytes(range(0x60, 0xb0)), bytes(range(0x50)),
              bytes(range(0xb0, 0x100)), 82),
             (stream("salt", 64), stream("secret", 32), b"caisson", 32),
             (b"", b"", b"", 1), (b"s", b"k", stream("info", 200), 255 * 32)]
    for name in ("sha3_256", "sha256"):
        for salt, key, info, n in cases:
            prk, okm = hkdf(name, salt, key, info, n)
            # A long answer is as well known by its hash.
            yield {"hash": name, "salt": salt, "key": key, "info": info,
                   "size": n, "prk": prk, "okm_sha3": sha3(okm)}


def gcms():
    for n, a in ((0, 0), (0, 20), (1, 0), (15, 16), (16, 1), (17, 64),
                 (255, 13), (4096, 104)):
        key, nonce = stream("gcm key %d" % n, 32), stream("nonce", 12)
        msg, aad = stream("gcm", n), stream("aad", a)
        sealed = AESGCM(key).encrypt(nonce, msg, aad)
        yield {"key": key, "nonce": nonce, "aad": aad, "msg": msg,
               "ct_sha3": sha3(sealed[:-16]), "tag": sealed[-16:]}


def wraps():
    kek = bytes(range(32))
    key = bytes.fromhex("00112233445566778899aabbccddeeff"
                        "000102030405060708090a0b0c0d0e0f")
    rfc = bytes.fromhex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326"
                        "cbc7f0e71a99f43bfb988b9b7a02dd21")
    assert keywrap.aes_key_wrap(kek, key) == rfc    # RFC 3394, 4.6
    yield {"kek": kek, "key": key, "wrapped": rfc}
    kek, key = stream("kek", 32), stream("wrapped key", 32)
    yield {"kek": kek, "key": key, "wrapped": keywrap.aes_key_wrap(kek, key)}


def argons():
    for pw, salt, t, m, p in ((b"password", b"somesalt", 2, 256, 1),
                              (b"", stream("argon", 16), 1, 8, 1),
                              (stream("pass", 70), stream("argon", 32), 3,
                               1024, 4)):
        yield {"pass": pw, "salt": salt, "passes": t, "memory_kib": m,
               "lanes": p,
               "key": hash_secret_raw(pw, salt, t, m, p, 32, Type.ID)}


def kems():
    for name, kem in (("ML-KEM-512", ML_KEM_512), ("ML-KEM-768", ML_KEM_768),
                      ("ML-KEM-1024", ML_KEM_1024)):
        seed, m = stream(name + " seed", 64), stream(name + " m", 32)
        ek, dk = kem.key_derive(seed)
        secret, ct = kem._encaps_internal(ek, m)
        assert kem.decaps(dk, ct) == secret
        yield {"kem": name, "seed": seed, "entropy": m, "ek_sha3": sha3(ek),
               "ct_sha3": sha3(ct), "secret": secret,
               "rejected": kem.decaps(dk, bytes(len(ct)))}


def x_wing(seed, eseed):
    """The draft's algorithm: (pk, ct, ss)."""
    expanded = hashlib.shake_256(seed).digest(96)
    ek, _ = ML_KEM_768.key_derive(expanded[:64])
    pk_x = X25519PrivateKey.from_private_bytes(
        expanded[64:]).public_key().public_bytes_raw()
    ss_m, ct_m = ML_KEM_768._encaps_internal(ek, eseed[:32])
    e = X25519PrivateKey.from_private_bytes(eseed[32:])
    ct_x = e.public_key().public_bytes_raw()
    ss_x = e.exchange(X25519PublicKey.from_public_bytes(pk_x))
    return ek + pk_x, ct_m + ct_x, sha3(
        ss_m + ss_x + ct_x + pk_x + bytes.fromhex("5c2e2f2f5e5c"))


def x_wings():
    # The first two of the draft's vectors: seed and eseed follow one another
    # in SHAKE-128 of nothing; the secrets are as the draft prints them.
    printed = ("d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384",
               "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150")
    run = hashlib.shake_128(b"").digest(96 * 2)
    for i, want in enumerate(printed):
        part = run[96 * i:96 * i + 96]
        pk, ct, ss = x_wing(part[:32], part[32:])
        assert ss.hex() == want
        yield {"kem": "X-Wing", "seed": part[:32], "entropy": part[32:],
               "ek_sha3": sha3(pk), "ct_sha3": sha3(ct), "secret": ss}


def signatures():
    for name, alg in (("ML-DSA-44", ML_DSA_44), ("ML-DSA-65", ML_DSA_65),
                      ("ML-DSA-87", ML_DSA_87)):
        for n, context in ((0, b""), (33, b"caisson test"),
                           (300, stream("context", 255))):
            seed = stream(name + " seed", 32)
            msg = stream(name, n)
            pk, sk = alg.key_derive(seed)
            sig = alg.sign(sk, msg, ctx=context, deterministic=True)
            yield {"alg": name, "seed": seed, "pk_sha3": sha3(pk),
                   "context": context, "msg": msg, "sig_sha3": sha3(sig)}


def main():
    out = {
        "sha3_256": list(hashes()),
        "hmac_sha3_256": list(macs()),
        "hkdf": list(hkdfs()),
        "aes_256_gcm": list(gcms()),
        "key_wrap": list(wraps()),
        "argon2id": list(argons()),
        "kem": list(kems()) + list(x_wings()),
        "sign": list(signatures()),
    }
    json.dump(out, sys.stdout, indent=1, default=bytes.hex)
    print()


main()
