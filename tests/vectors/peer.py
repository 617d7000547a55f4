# SPDX-License-Identifier: Apache-2.0
"""peer.py - ML-DSA and ML-KEM by the program `openssl` for the readers.

Debian's Python packages know neither.  Keys are wrapped here as RFC 9881 and
RFC 9935 say, so that the program reads them, and X-Wing is put together from
its parts as its draft says.
"""

import hashlib
import os
import subprocess
import tempfile

OPENSSL = os.environ.get("CAISSON_OPENSSL") or "openssl"
# The last arc of each algorithm's object identifier.
ML_DSA = {"ML-DSA-44": 17, "ML-DSA-65": 18, "ML-DSA-87": 19}
ML_KEM_512, ML_KEM_768, ML_KEM_1024, X_WING = 1, 2, 3, 4
ML_KEM = {ML_KEM_512: 1, ML_KEM_768: 2, ML_KEM_1024: 3}


def der(tag, body):
    n = len(body)
    if n < 0x80:
        return bytes([tag, n]) + body
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + body


def nist(arm, last):
    """The AlgorithmIdentifier 2.16.840.1.101.3.4.ARM.LAST."""
    return der(0x30, bytes.fromhex("060960864801650304") + bytes([arm, last]))


def run(files, *words):
    """What openssl says of these files, named in words as {NAME}: its exit
    status, and the file {out} where it made one."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)
        done = subprocess.run(
            [OPENSSL, *(os.path.join(folder, w[1:-1]) if w[0] == "{" else w
                        for w in words)], capture_output=True, check=False)
        out = os.path.join(folder, "out")
        if not os.path.exists(out):
            return done, None
        with open(out, "rb") as f:
            return done, f.read()


def verifies(alg, public, signature, message, context=b""):
    """Is this an ML-DSA signature of that key over message?"""
    key = der(0x30, nist(3, ML_DSA[alg]) + der(0x03, b"\0" + public))
    options = ["-pkeyopt", "hexcontext-string:" + context.hex()] \
        if context else []
    done, _ = run({"key": key, "sig": signature, "in": message},
                  "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
                  "-inkey", "{key}", "-sigfile", "{sig}", "-in", "{in}",
                  *options)
    if done.returncode == 0 and b"Verified Successfully" in done.stdout:
        return True
    if b"Verification Failure" in done.stdout + done.stderr:
        return False
    raise RuntimeError(f"openssl pkeyutl: {done.stderr.decode()}")


def ml_kem_key(kem, seed):
    return der(0x30, b"\2\1\0" + nist(4, ML_KEM[kem]) +
               der(0x04, der(0x80, seed)))


def decapsulate(kem, seed, sealed):
    """(encapsulation key, shared secret) of the key that seed expands to."""
    if kem == X_WING:
        return x_wing(seed, sealed)
    key = ml_kem_key(kem, seed)
    done, public = run({"key": key}, "pkey", "-inform", "DER", "-in", "{key}",
                       "-pubout", "-outform", "DER", "-out", "{out}")
    if done.returncode != 0:
        raise RuntimeError(f"openssl pkey: {done.stderr.decode()}")
    done, secret = run({"key": key, "in": sealed}, "pkeyutl", "-decap",
                       "-keyform", "DER", "-inkey", "{key}", "-in", "{in}",
                       "-secret", "{out}")
    if done.returncode != 0:
        raise RuntimeError(f"openssl pkeyutl: {done.stderr.decode()}")
    return public[-(384 * (kem + 1) + 32):], secret


def x_wing(seed, sealed):
    """draft-connolly-cfrg-xwing-kem: ML-KEM-768 beside X25519."""
    from cryptography.hazmat.primitives.asymmetric import x25519
    expanded = hashlib.shake_256(seed).digest(96)
    own = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
    public, first = decapsulate(ML_KEM_768, expanded[:64], sealed[:1088])
    try:
        raw = own.public_key().public_bytes_raw()
    except AttributeError:      # before version 40 of the package
        from cryptography.hazmat.primitives.serialization import (
            Encoding, PublicFormat)
        raw = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    peer = x25519.X25519PublicKey.from_public_bytes(sealed[1088:])
    secret = hashlib.sha3_256(first + own.exchange(peer) + sealed[1088:] +
                              raw + b"\\.//^\\").digest()
    return public + raw, secret
