#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson id passphrase and remove."""

import json
import os
import shutil

from cli import Folder, case, finish, read, run, says
from people import must


def keys(folder):
    return [read(folder / "home/identities/alice/" + n)
            for n in ("sign.pem", "kem.pem")]


def names(folder):
    return sorted(os.listdir(folder / "home/identities"))


def opens(folder, *words):
    return run("file", "open", folder / "sealed", "--identity", "alice",
               "--pipe", *words, home=folder / "home")


def passphrases(folder):
    home = folder / "home"
    one = folder.write("one", b"sesame\n")
    two = folder.write("two", b"open wide\n")
    must(run("id", "new", "alice", "--sign", "ml-dsa-44", home=home))
    document = read(folder / "home/identities/alice/identity.cose")
    must(run("file", "seal", "--to", "alice", "-o", folder / "sealed",
             stdin=b"secret", home=home))
    # What a crash left between the exchange and the end.
    left = folder / "home/identities/.caisson-0123456789abcdef"
    shutil.copytree(folder / "home/identities/alice", left)
    result = run("id", "passphrase", "alice", "--new-passphrase-file", one,
                 "--json", home=home)
    case("id_passphrase_encrypts_keys_that_were_not", result.returncode == 0
         and json.loads(result.stdout) == {"name": "alice",
                                           "encrypted": True}
         and all(b"BEGIN ENCRYPTED" in k for k in keys(folder)), result)
    case("id_passphrase_leaves_no_former_keys", names(folder) == ["alice"],
         names(folder))
    case("id_passphrase_opens_the_keys_from_then_on",
         opens(folder, "--passphrase-file", one).stdout == b"secret" and
         says(opens(folder, "--passphrase-file", two), 2,
              "CSN_E_PASSPHRASE"))
    before = keys(folder)
    for name, words, code in (
            ("a_wrong_one", ("--passphrase-file", two), 2),
            ("both", ("--passphrase-file", one, "--remove"), 2),
            ("a_missing_file", ("--passphrase-file", folder / "no"), 3)):
        result = run("id", "passphrase", "alice", "--new-passphrase-file",
                     two, *words, home=home)
        case("id_passphrase_changes_nothing_with_" + name,
             says(result, code) and keys(folder) == before and
             names(folder) == ["alice"], result)
    fd = os.open(two, os.O_RDONLY)
    result = run("id", "passphrase", "alice", "--new-passphrase-fd", fd,
                 home=home, env={"CAISSON_PASSPHRASE": "sesame"},
                 pass_fds=(fd,))
    os.close(fd)
    case("id_passphrase_changes_it", result.returncode == 0 and
         opens(folder, "--passphrase-file", two).stdout == b"secret" and
         opens(folder, "--passphrase-file", one).returncode == 2, result)
    result = run("id", "passphrase", "alice", "--remove",
                 "--passphrase-file", two, home=home)
    case("id_passphrase_removes_it", result.returncode == 0 and
         b"not encrypted any more" in result.stderr and
         opens(folder).stdout == b"secret" and
         all(b"BEGIN PRIVATE" in k for k in keys(folder)), result)
    modes = [oct(os.stat(folder / "home/identities/alice/" + n).st_mode
                 & 0o777) for n in ("sign.pem", "kem.pem", ".")]
    case("id_passphrase_keeps_keys_private_and_the_document",
         modes == ["0o600", "0o600", "0o700"] and document ==
         read(folder / "home/identities/alice/identity.cose"), modes)
    shutil.move(folder / "home/identities/alice", folder / "elsewhere")
    os.symlink(folder / "elsewhere", folder / "home/identities/alice")
    result = run("id", "passphrase", "alice", "--new-passphrase-file", one,
                 home=home)
    case("id_passphrase_follows_a_link", result.returncode == 0 and
         b"ENCRYPTED" in read(folder / "elsewhere/sign.pem") and
         os.path.islink(folder / "home/identities/alice"), result)


def removal(folder):
    home = folder / "home2"
    must(run("id", "new", "bob", "--sign", "ml-dsa-44", home=home))
    must(run("id", "new", "carol", "--sign", "ml-dsa-44", home=home))
    at = os.path.join(home, "identities")
    result = run("id", "remove", "bob", home=home)
    case("id_remove_asks_for_force", says(
        result, 2, "opens never again", "caisson id remove bob --force") and
        sorted(os.listdir(at)) == ["bob", "carol"], result)
    folder.write("home2/identities/bob/notes", b"mine")
    result = run("id", "remove", "bob", "--force", home=home)
    case("id_remove_takes_nothing_else_away", says(result, 2, "notes") and
         len(os.listdir(os.path.join(at, "bob"))) == 4, result)
    os.unlink(os.path.join(at, "bob/notes"))
    result = run("id", "remove", "bob", "--force", home=home)
    case("id_remove_removes_one", result.returncode == 0 and
         os.listdir(at) == ["carol"], result)
    case("id_remove_of_nobody", says(run("id", "remove", "bob", "--force",
                                         home=home), 3, "no identity"))
    case("id_remove_of_a_folder_that_is_none", says(run(
        "id", "remove", at + "/", "--force", home=home), 2, "carol") and
        os.listdir(at) == ["carol"])


with Folder() as where:
    passphrases(where)
    removal(where)
finish()
