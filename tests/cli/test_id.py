#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson id: identities, the trust store and credentials from the shell."""

import array
import fcntl
import json
import os
import subprocess
import termios
import threading

from cli import PROGRAM, Folder, case, finish, read, run, says, skip

OPENSSL = os.environ.get("CAISSON_OPENSSL", "")


def new(home, name, *more):
    result = run("id", "new", name, "--sign", "ml-dsa-44", "--kem",
                 "ml-kem-512", *more, "--json", "--quiet", home=home)
    case("id_new_" + name, result.returncode == 0, result)
    run("id", "export", name, "--out", os.path.join(home, name + ".txt"),
        home=home)
    return json.loads(result.stdout)


def making(folder):
    home = folder.path
    facts = new(home, "alice", "--capabilities", "attest,kv:seal")
    case("id_new_says_what_it_made", facts["name"] == "alice" and
         facts["did"].startswith("did:key:z") and
         facts["alias"].startswith("did:pqaid:") and
         facts["sign"] == "ML-DSA-44" and
         facts["capabilities"] == ["attest", "kv:seal"], facts)
    modes = [oct(os.stat(os.path.join(home, "identities/alice", n)).st_mode
                 & 0o777) for n in ("sign.pem", "kem.pem", ".")]
    case("id_keys_are_private", modes == ["0o600", "0o600", "0o700"], modes)
    case("id_new_leaves_what_is_there", says(
        run("id", "new", "alice", home=home), 2, "CSN_E_EXISTS"))
    case("id_new_refuses_a_path_as_name", says(
        run("id", "new", "../x", home=home), 2, "no name"))
    case("id_new_refuses_an_unknown_algorithm", says(run(
        "id", "new", "x", "--sign", "rsa", home=home), 2, "ml-dsa-65"))
    new(home, "bob")
    new(home, "carol")
    names = [i["name"] for i in json.loads(
        run("id", "list", "--json", home=home).stdout)]
    case("id_list_lists_all", names == ["alice", "bob", "carol"], names)
    shown = run("id", "show", folder / "alice.txt", "--json", home=home)
    case("id_show_reads_a_document", json.loads(shown.stdout) == facts,
         shown)
    text = read(folder / "alice.txt").decode().splitlines()
    text[9] = text[9][:10] + ("A" if text[9][10] != "A" else "B") \
        + text[9][11:]
    folder.write("bad.txt", "\n".join(text).encode())
    result = run("id", "show", folder / "bad.txt", home=home)
    case("id_show_refuses_a_changed_document", result.returncode == 1,
         result)
    case("id_export_raw_is_the_file", run(
        "id", "export", "alice", "--raw", home=home).stdout == read(
            folder / "identities/alice/identity.cose"))


def memory_of(pid, texts):
    """How often any of texts stands in a process's writable memory."""
    count = 0
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            start, end = (int(n, 16) for n in where.split("-"))
            if not mode.startswith("rw"):
                continue
            try:
                mem.seek(start)
                here = mem.read(end - start)
                count += sum(here.count(text) for text in texts)
            except (OSError, OverflowError, ValueError):
                pass
    return count


def passphrases_are_wiped(folder):
    """A program that has used its passphrase and waits for its input."""
    home = folder.path
    # A long one: later calls overwrite a part of what was left on a stack.
    word = b"".join(b"sesame-%04d-%04x." % (n, n * 7919 & 0xffff)
                    for n in range(58))
    pieces = [word[at:at + 17] for at in range(0, len(word), 17)]
    file = folder.write("long-word", word + b"\n")
    case("id_new_with_a_long_passphrase", run(
        "id", "new", "ella", "--passphrase-file", file,
        home=home).returncode == 0)
    # Its shadow alone is terabytes of address space.
    sanitized = os.environ.get("CAISSON_SANITIZE") == "1"
    environment = dict(os.environ, CAISSON_HOME=str(home))
    environment.pop("CAISSON_PASSPHRASE", None)
    with subprocess.Popen(
            [PROGRAM, "file", "open", "--pipe", "--identity", "ella",
             "--passphrase-file", str(file)], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as waiting:
        # It reads when the identity is there, before any other work.
        os.write(waiting.stdin.fileno(), b"CSNF")
        left = array.array("i", [4])
        while left[0] != 0 and waiting.poll() is None:
            fcntl.ioctl(waiting.stdin.fileno(), termios.FIONREAD, left)
        reading = waiting.poll() is None
        found = memory_of(waiting.pid, pieces) \
            if reading and not sanitized else -1
        waiting.kill()
        said = waiting.stderr.read()
    if sanitized:
        skip("id_passphrase_is_wiped_after_use",
             "a sanitizer's memory is not the program's")
    else:
        case("id_passphrase_is_wiped_after_use",
             reading and found == 0, found, said)


def passphrases(folder):
    home, word = folder.path, folder.write("word", b"sesame\n")
    result = run("id", "new", "dora", "--passphrase-file", word, home=home)
    case("id_new_encrypts", result.returncode == 0 and b"ENCRYPTED" in read(
        folder / "identities/dora/sign.pem"), result)
    case("id_renew_needs_the_passphrase", says(run(
        "id", "renew", "dora", home=home, env={"CAISSON_PASSPHRASE": "no"}),
        2, "CSN_E_PASSPHRASE"))
    result = run("id", "renew", "dora", "--lifetime", "1h", "--json",
                 "--passphrase-file", word, home=home)
    case("id_renew_signs_a_new_document", result.returncode == 0 and
         json.loads(result.stdout)["name"] == "dora", result)
    case("id_passphrase_is_never_an_argument", says(run(
        "id", "new", "e", "--passphrase", "x", home=home), 2, "option"))


def importing(folder):
    if not os.access(OPENSSL, os.X_OK):
        skip("id_import", "no openssl program of 3.5 or newer")
        return
    home = folder.path
    key, kem = folder / "key.pem", folder / "kem.pem"
    subprocess.run([OPENSSL, "genpkey", "-algorithm", "ML-DSA-65", "-out",
                    key], check=True, capture_output=True)
    subprocess.run([OPENSSL, "genpkey", "-algorithm", "ML-KEM-768", "-out",
                    kem], check=True, capture_output=True)
    result = run("id", "import", "fred", "--key", key, "--kem-key", kem,
                 home=home)
    case("id_import", result.returncode == 0, result)
    for option, path in (("--pem", key), ("--kem-pem", kem)):
        ours = run("id", "export", "fred", option, home=home).stdout
        theirs = subprocess.run([OPENSSL, "pkey", "-in", path, "-pubout"],
                                check=True, capture_output=True).stdout
        case("id_export_%s_is_openssls" % option[2:], ours == theirs)
    case("id_import_refuses_a_public_key", says(run(
        "id", "import", "g", "--key", folder.write("pub.pem", run(
            "id", "export", "fred", "--pem", home=home).stdout),
        home=home), 2, "public"))


def trusting(folder):
    home, doc = folder.path, folder / "alice.txt"
    case("id_trust_needs_purposes", says(
        run("id", "trust", doc, home=home), 2, "trusted for"))
    case("id_trust_needs_known_purposes", says(run(
        "id", "trust", doc, "--purposes", "king", home=home), 2, "king"))
    case("id_trust_needs_a_tenant_id", says(run(
        "id", "trust", doc, "--purposes", "tenant", home=home), 2,
        "tenant id"))
    result = run("id", "trust", doc, "--purposes", "action,tenant",
                 "--tenant", "t1", "--expires", "90d", "--json", home=home)
    entry = json.loads(result.stdout or b"[{}]")[0]
    case("id_trust_adds", result.returncode == 0 and
         entry["label"] == "alice" and entry["document"] and
         entry["tenant_id"] == "t1" and
         entry["purposes"] == ["tenant", "action"], result)
    case("id_trust_refuses_twice", says(run(
        "id", "trust", doc, "--purposes", "audit", home=home), 2,
        "CSN_E_EXISTS"))
    case("id_trust_refuses_a_changed_document", run(
        "id", "trust", folder / "bad.txt", "--purposes", "audit",
        home=home).returncode == 1)
    case("id_trust_lists", b"alice" in run("id", "trust", home=home).stdout)
    # Many at once: none is lost.
    others = [os.path.join(folder.path, n) for n in ("bob.txt", "carol.txt")]
    threads = [threading.Thread(target=run, args=(
        "id", "trust", d, "--purposes", "audit"), kwargs={"home": home})
        for d in others]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    labels = sorted(e["label"] for e in json.loads(
        run("id", "trust", "--json", home=home).stdout))
    case("id_trust_at_once_loses_nothing",
         labels == ["alice", "bob", "carol"], labels)
    case("id_trust_removes", run("id", "trust", "--remove", "bob",
                                 home=home).returncode == 0 and
         b"bob" not in run("id", "trust", home=home).stdout)
    case("id_trust_removes_only_what_is_there", says(run(
        "id", "trust", "--remove", "bob", home=home), 2, "nobody"))


def mistrusting(folder):
    """What anybody could have written is mended first, which is no verdict."""
    home = folder.path
    for name, path in (("trust_store", "trust.json"),
                       ("key", "identities/alice/sign.pem"),
                       ("document", "identities/alice/identity.cose")):
        path = os.path.join(home, path)
        mode = os.stat(path).st_mode & 0o777
        os.chmod(path, 0o666)
        what = ("id", "trust") if name == "trust_store" else (
            "id", "sign", "--identity", "alice", "--subject",
            folder / "bob.txt", "--scope", "kv:open", "--expires", "1h")
        result = run(*what, home=home)
        case("id_refuses_a_%s_that_all_may_write" % name,
             says(result, 2, "chmod", "CSN_E_POLICY"), result)
        os.chmod(path, mode)
    path = os.path.join(home, "identities/alice/sign.pem")
    with open(path, "rb") as f:
        whole = f.read()
    with open(path, "wb") as f:
        f.write(whole[:100])
    result = run("id", "sign", "--identity", "alice", "--subject",
                 folder / "bob.txt", "--scope", "kv:open", "--expires", "1h",
                 home=home)
    case("id_says_2_for_a_broken_key_file", says(result, 2, "cannot load"),
         result)
    with open(path, "wb") as f:
        f.write(whole)


def credentials(folder):
    home = folder.path
    one, two = folder / "one", folder / "two"
    result = run("id", "sign", "--identity", "alice", "--subject",
                 folder / "bob.txt", "--scope", "kv:*", "--expires", "8h",
                 "--delegate", "1", "--audience", "node-1", "--out", one,
                 "--json", home=home)
    case("id_sign", result.returncode == 0 and json.loads(
        result.stdout)["links"][0]["scope"] == ["kv:*"], result)
    result = run("id", "verify", one, "--scope", "kv:open", "--subject",
                 folder / "bob.txt", "--audience", "node-1", "--json",
                 home=home)
    checks = json.loads(result.stdout)
    case("id_verify_lists_each_check", result.returncode == 0 and
         checks["valid"] and len(checks["checks"]) == 13 and all(
             c["status"] == "passed" for c in checks["checks"]), result)
    case("id_verify_refuses_another_subject", says(run(
        "id", "verify", one, "--scope", "kv:open", "--subject",
        folder / "carol.txt", home=home), 1, "subject"))
    case("id_verify_refuses_another_audience", says(run(
        "id", "verify", one, "--scope", "kv:open", "--audience", "node-2",
        home=home), 1, "audience"))
    case("id_verify_refuses_another_scope", says(run(
        "id", "verify", one, "--scope", "session:open", home=home), 1,
        "CSN_E_SCOPE"))
    case("id_verify_refuses_it_later", run(
        "id", "verify", one, "--scope", "kv:open", "--at", "2090-01-01",
        home=home).returncode == 1)
    passing = ("id", "sign", "--identity", "bob", "--subject",
               folder / "carol.txt", "--expires", "1h", "--audience",
               "node-1", "--parent", one)
    result = run(*passing, "--scope", "kv:open", home=home)
    folder.write("two", result.stdout)
    case("id_sign_passes_on", result.returncode == 0 and run(
        "id", "verify", two, "--scope", "kv:open", "--subject",
        folder / "carol.txt", home=home).returncode == 0, result)
    case("id_verify_reads_standard_input", run(
        "id", "verify", "--scope", "kv:open", home=home,
        stdin=read(two)).returncode == 0)
    for name, more in (("scope", ("--scope", "*")),
                       ("links", ("--scope", "kv:x", "--delegate", "1"))):
        case("id_sign_refuses_wider_" + name, says(run(
            *passing, *more, home=home), 1, "CSN_E_SCOPE"))
    stranger = [w if w != "bob" else "carol" for w in passing]
    case("id_sign_refuses_who_was_not_given_it", says(run(
        *stranger, "--scope", "kv:open", home=home), 1, "CSN_E_SIGNER"))
    run("id", "trust", "--remove", "alice", home=home)
    result = run("id", "verify", two, "--scope", "kv:open", home=home)
    case("id_verify_refuses_an_untrusted_root", says(
        result, 1, "unknown to the trust store") and
        b"NO  link 1 issuer" in result.stdout and
        b"ok  link 2 signature" in result.stdout, result)


def main():
    with Folder() as folder:
        making(folder)
        passphrases(folder)
        passphrases_are_wiped(folder)
        importing(folder)
        trusting(folder)
        mistrusting(folder)
        credentials(folder)
    finish()


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        skip("id", "the program is not built")
    else:
        main()
