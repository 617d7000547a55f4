#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python_peer.py - a KV sealer as Python libraries of this purpose are built.

One AESGCM call an entry, associated data as JSON, a random nonce, the result
in a dictionary with hexadecimal fields.  Reads a number of entries a line,
seals so many and answers with the seconds of processor time that it took.
"""

import json
import os
import sys
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LEN = 4096
cipher = AESGCM(os.urandom(32))
key, value = os.urandom(LEN // 2), os.urandom(LEN // 2)


def seal(position):
    aad = json.dumps({"tenant": "tenant-alice", "session": "0" * 32,
                      "layer": 0, "position": position},
                     sort_keys=True).encode()
    nonce = os.urandom(12)
    sealed = cipher.encrypt(nonce, key + value, aad)
    return {"nonce": nonce.hex(), "ciphertext": sealed[:-16].hex(),
            "tag": sealed[-16:].hex(), "aad": aad.hex()}


for line in sys.stdin:
    began = time.process_time()
    for n in range(int(line)):
        seal(n)
    print(time.process_time() - began, flush=True)
