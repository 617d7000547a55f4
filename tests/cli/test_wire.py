#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/wire/identity.md says what the files that are made hold."""

import base64
import json
import os
import re

from cli import ROOT, Folder, case, finish, read, run
from people import must

PAGE = read(os.path.join(ROOT, "docs/wire/identity.md")).decode()
PBES2 = bytes.fromhex("2a864886f70d01050d")
SCRYPT = bytes.fromhex("2b06010401da47040b")
CIPHERS = {bytes.fromhex("60864801650304012a"): "AES-256-CBC"}


def section(title):
    return PAGE.split("\n## %s\n" % title)[1].split("\n## ")[0]


def rows(text):
    """The cells of each line of a table that is no head and no rule."""
    lines = [[c.strip() for c in line.strip("|").split("|")]
             for line in text.splitlines() if line.startswith("|")]
    return [r for i, r in enumerate(lines) if not set("".join(r)) <= set("-")
            and not (i + 1 < len(lines) and
                     set("".join(lines[i + 1])) <= set("-"))]


def der(data):
    """DER as nested lists of bytes, enough for what is read here."""
    out = []
    while data:
        tag, length, data = data[0], data[1], data[2:]
        if length & 0x80:
            n = length & 0x7f
            length, data = int.from_bytes(data[:n], "big"), data[n:]
        body, data = data[:length], data[length:]
        out.append(der(body) if tag & 0x20 else body)
    return out


def pem(path):
    lines = read(path).decode().split("\n")
    return lines[0], der(base64.b64decode("".join(lines[1:-2])))[0]


def encryption(folder):
    must(run("id", "new", "locked", "--passphrase-file",
             folder.write("word", b"sesame"), home=folder / "home"))
    said = re.search(r"PBES2, scrypt \(N 2\^(\d+), r (\d+),\s+p (\d+); (\d+) "
                     r"bytes of salt\), (AES-256-CBC)",
                     section("Files of an identity"))
    for name in ("sign.pem", "kem.pem"):
        label, info = pem(folder / "home/identities/locked/" + name)
        (scheme, (kdf, cipher)), _ = info
        salt, *numbers = kdf[1][:4]
        found = [int.from_bytes(n, "big") for n in numbers]
        case("the_page_names_the_encryption_of_" + name,
             label == "-----BEGIN ENCRYPTED PRIVATE KEY-----" and
             scheme == PBES2 and kdf[0] == SCRYPT and said is not None and
             found == [1 << int(said[1]), int(said[2]), int(said[3])] and
             len(salt) == int(said[4]) and CIPHERS.get(cipher[0]) == said[5],
             found, len(salt), said)


def files(folder):
    at = folder / "home/identities/locked"
    table = {r[0]: r[1] for r in rows(section("Files of an identity"))}
    there = sorted(os.listdir(at))
    case("the_page_names_the_files_of_an_identity", there == sorted(
        n for n, what in table.items() if not what.startswith("empty, only")),
        there, table)
    modes = {n: os.stat(os.path.join(at, n)).st_mode & 0o777 for n in there}
    case("the_page_names_their_modes", all(
        modes[n] == 0o600 for n in there if "mode 0600" in table[n]) and
        sum("mode 0600" in what for what in table.values()) == 2, modes)


def sizes(folder):
    home = folder / "sizes"
    table = {r[0]: r for r in rows(section("DIDs")) if len(r) == 4}
    kems = {r[1]: r[2] for r in rows(section("Identity document"))
            if "ML-KEM" in r[1]}
    for bits, kem in ((44, 512), (65, 768), (87, 1024)):
        name = "ML-DSA-%d" % bits
        made = json.loads(must(run(
            "id", "new", "a%d" % bits, "--sign", name.lower(), "--kem",
            "ml-kem-%d" % kem, "--json", home=home)).stdout)
        size = int(table[name][2].split()[0].replace(",", ""))
        key = der(base64.b64decode("".join(must(run(
            "id", "export", "a%d" % bits, "--pem",
            home=home)).stdout.decode().split("\n")[1:-2])))[0][1][1:]
        case("the_page_names_the_sizes_of_" + name, len(made["did"]) == int(
            table[name][3].split()[0].replace(",", "")) and
            len(key) == size and re.fullmatch("did:pqaid:[0-9a-f]{64}",
                                              made["alias"]), len(made["did"]))
        key = der(base64.b64decode("".join(must(run(
            "id", "export", "a%d" % bits, "--kem-pem",
            home=home)).stdout.decode().split("\n")[1:-2])))[0][1][1:]
        case("the_page_names_the_size_of_ML-KEM-%d" % kem,
             len(key) == int(kems["ML-KEM-%d" % kem].split()[0].replace(
                 ",", "")), len(key))
    text = must(run("id", "export", "a44", home=home)).stdout.decode()
    widths = {len(line) for line in text.splitlines()[1:-2]}
    case("the_page_names_the_armour", widths == {64} and
         text.startswith("-----BEGIN CAISSON IDENTITY-----\n") and
         "lines of 64 columns" in section("Armour"), widths)
    must(run("id", "trust", folder.write("a", text.encode()), "--purposes",
             "tenant,sealer", "--tenant", "t", "--expires", "1d",
             home=home))
    must(run("id", "trust", "--withdraw", "a44", home=home))
    store = json.loads(read(os.path.join(home, "trust.json")))
    members = {r[0] for r in rows(section("Trust store"))}
    case("the_page_names_the_members_of_a_trust_store",
         set(store) == {"version", "entries"} and store["version"] == 1 and
         len(store["entries"][0]) > 5 and set(store["entries"][0]) <= members,
         sorted(store["entries"][0]), sorted(members))


with Folder() as where:
    encryption(where)
    files(where)
    sizes(where)
finish()
