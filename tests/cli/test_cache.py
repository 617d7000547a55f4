#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson cache: entries of a backend are set, got, looked at and rotated."""

import glob
import json
import os
import shutil
import subprocess
import time

from cli import Folder, case, finish, run, says, skip

OLD, NEW = "61" * 32, "62" * 32
DOCUMENT = b"\x82\xa1a\x01\xa4name\xa5Alice"
FOR_PEOPLE = {"a": 1, "name": "Alice"}


def keys(current=None, previous=None):
    """An environment with these master keys and no others."""
    env = dict.fromkeys(("CACHEKIT_MASTER_KEY", "CAISSON_MASTER_KEY",
                         "CACHEKIT_PREVIOUS_MASTER_KEYS",
                         "CACHEKIT_MASTER_KEY_ROTATION"), "")
    if current:
        env["CACHEKIT_MASTER_KEY"] = current
    if previous:
        env["CACHEKIT_PREVIOUS_MASTER_KEYS"] = previous
    return env


def key_of(*arguments):
    result = run("cache", "key", *arguments)
    case("cache_key_" + str(len(arguments)), result.returncode == 0, result)
    return result.stdout.decode().strip()


def builds_keys():
    interop = key_of("users", "get_user", "--args", '[42, "x"]')
    case("cache_key_interop_form", interop.startswith("users:get_user:") and
         len(interop.split(":")[2]) == 64, interop)
    auto = key_of("users", "app.db", "fetch", "--args",
                  '{"args": [1], "kwargs": {"b": {"$set": []}}}'
                  .replace('{"$set": []}', '[null, 2.5]'))
    case("cache_key_auto_form",
         auto.startswith("ns:users:func:app.db.fetch:args:") and
         auto.endswith(":1s"), auto)
    sets = run("cache", "key", "users", "op", "--args",
               '[{"$set": [2, 1]}, {"$bytes": "00ff"}, {"$time": 1000000}, '
               '{"$uuid": "00112233445566778899aabbccddeeff"}]', "--json")
    case("cache_key_typed", sets.returncode == 0 and
         json.loads(sets.stdout)["form"] == "interop", sets)
    case("cache_key_refuses_an_upper_case_namespace",
         says(run("cache", "key", "Users", "op"), 2, "cannot build"))
    case("cache_key_refuses_what_is_no_json",
         says(run("cache", "key", "users", "op", "--args", "[1"), 2, "JSON"))
    for name, text in (("member", '{"id": 1}'), ("args", '{"args": 1}'),
                       ("kwargs", '{"kwargs": [1]}'),
                       ("more", '{"args": [1], "id": 1}')):
        case("cache_key_refuses_an_object_with_other_" + name,
             says(run("cache", "key", "users", "op", "--args", text), 2,
                  "kwargs"))
    return interop, auto


def sets_and_gets(url, name, key):
    env = keys(OLD)
    done = run("cache", "set", url, key, "--ttl", "60s", stdin=DOCUMENT,
               env=env)
    case(name + "_set", done.returncode == 0, done)
    raw = run("cache", "get", url, key, env=env)
    case(name + "_get", raw.returncode == 0 and raw.stdout == DOCUMENT, raw)
    text = run("cache", "get", url, key, "--text", env=env)
    case(name + "_get_text", json.loads(text.stdout) == FOR_PEOPLE, text)
    full = run("cache", "get", url, key, "--json", env=env)
    facts = json.loads(full.stdout)
    case(name + "_get_json", facts["value"] == FOR_PEOPLE and
         facts["bytes"] == len(DOCUMENT) and facts["format"] == "msgpack" and
         0 < facts["ttl_ms"] <= 60000, full)
    case(name + "_get_with_another_key",
         says(run("cache", "get", url, key, env=keys(NEW)), 1, "CSN_E_TAG"))
    case(name + "_get_without_a_key",
         says(run("cache", "get", url, key, env=keys()), 2,
              "no master key", "--key-file"))
    case(name + "_get_for_another_tenant",
         says(run("cache", "get", url, key, "--tenant", "globex", env=env),
              1))


def inspects(url, name, key, form):
    with_key = run("cache", "inspect", url, key, "--json", env=keys(OLD))
    facts = json.loads(with_key.stdout)
    case(name + "_inspect", with_key.returncode == 0 and facts["opens"] and
         facts["form"] == form and facts["value_bytes"] == len(DOCUMENT) and
         facts["master_key"] == 0, with_key)
    without = run("cache", "inspect", url, key, env=keys())
    case(name + "_inspect_without_a_key_shows_noise",
         without.returncode == 0 and b"no master key" in without.stdout and
         b"Alice" not in without.stdout and b"bits a byte" in without.stdout,
         without)
    wrong = run("cache", "inspect", url, key, "--json", env=keys(NEW))
    case(name + "_inspect_with_another_key", wrong.returncode == 1 and
         json.loads(wrong.stdout)["refused"] == "CSN_E_TAG" and
         json.loads(wrong.stdout)["why"], wrong)
    said = run("cache", "inspect", url, key, env=keys(NEW)).stdout
    case(name + "_inspect_gives_the_sentence", b"no: CSN_E_TAG: " in said,
         said)
    case(name + "_inspect_says_which_key", all((
        b"master key 0 (the current one)" in run(
            "cache", "inspect", url, key, env=keys(OLD)).stdout,
        b"master key 1 (a former one)" in run(
            "cache", "inspect", url, key, env=keys(NEW, OLD)).stdout)))


def takes_keys_from_files(url, key, folder):
    path = folder.write("keys", ("# ours\n%s\n%s\n" % (NEW, OLD)).encode())
    os.chmod(path, 0o600)
    from_file = run("cache", "get", url, key, "--key-file", path, "--json",
                    env=keys())
    case("cache_key_file", from_file.returncode == 0 and
         json.loads(from_file.stdout)["master_key"] == 1, from_file)
    with open(path, "rb") as f:
        from_fd = run("cache", "get", url, key, "--key-fd", str(f.fileno()),
                      env=keys(), pass_fds=[f.fileno()])
    case("cache_key_fd", from_fd.stdout == DOCUMENT, from_fd)
    os.chmod(path, 0o644)
    case("cache_key_file_that_others_read",
         says(run("cache", "get", url, key, "--key-file", path, env=keys()),
              2, "CSN_E_POLICY"))
    case("cache_key_that_is_no_hex",
         says(run("cache", "get", url, key, env=keys("zz" * 32)), 2,
              "CACHEKIT_MASTER_KEY"))


def takes_keys_from_a_keystore(url, folder):
    entry = "users:kept:" + "0" * 64
    wrapped = folder / "wrapped"
    where = ["--keystore", "file:%s#cache" % (folder / "keystore"),
             "--key-file", wrapped]
    env = dict(keys(), CAISSON_PASSPHRASE="a long passphrase")
    case("cache_keystore_is_not_made_unasked",
         says(run("cache", "set", url, entry, *where, stdin=DOCUMENT,
                  env=env), 2, "--new-key") and
         not os.path.exists(folder / "keystore"))
    made = run("cache", "set", url, entry, *where, "--new-key",
               stdin=DOCUMENT, env=env)
    got = run("cache", "get", url, entry, *where, env=env)
    case("cache_keystore", made.returncode == 0 and got.stdout == DOCUMENT,
         made, got)
    with open(wrapped, encoding="ascii") as f:
        first = f.read()
    run("cache", "delete", url, entry, *where, env=env)
    os.remove(wrapped)
    run("cache", "set", url, entry, *where, "--new-key", stdin=DOCUMENT,
        env=env)
    refused = run("cache", "get", url, entry, "--keystore", where[1],
                  "--key-file", folder.write("first", first.encode()),
                  env=env)
    case("cache_keystore_makes_another_key_each_time",
         says(refused, 1, "CSN_E_TAG"), refused)
    with open(wrapped, encoding="ascii") as f:
        both = folder.write("both", (first + f.read()).encode())
    ring = run("cache", "get", url, entry, "--keystore", where[1],
               "--key-file", both, "--json", env=env)
    case("cache_keystore_with_a_former_key", ring.returncode == 0 and
         json.loads(ring.stdout)["master_key"] == 1, ring)
    case("cache_keystore_needs_its_passphrase",
         run("cache", "get", url, entry, *where, env=dict(
             env, CAISSON_PASSPHRASE="another one")).returncode != 0)
    clear = folder.write("clear", (NEW + "\n").encode())
    case("cache_keystore_takes_no_key_in_the_clear", run(
        "cache", "get", url, entry, "--keystore", where[1], "--key-file",
        clear, env=env).returncode != 0)
    case("cache_keystore_usage", all((
        says(run("cache", "get", url, entry, "--keystore", "file:/x",
                 "--key-file", wrapped, env=env), 2, "URL#NAME"),
        says(run("cache", "get", url, entry, "--keystore", where[1],
                 env=env), 2, "--key-file"),
        says(run("cache", "get", url, entry, "--new-key", env=env), 2,
             "--keystore"))))
    run("cache", "delete", url, entry, *where, env=env)


def takes_keys_from_a_tpm(url, folder):
    """An emulated TPM that needs no secret: nothing is asked for."""
    name = "cache_keystore_in_a_tpm_asks_for_no_secret"
    if not (shutil.which("swtpm") and
            glob.glob("/usr/lib/*/libtss2-tcti-swtpm.so.0")):
        skip(name, "swtpm or libtss2-tcti-swtpm0 is not installed")
        return
    state = str(folder / "tpm")
    os.mkdir(state)
    entry = "users:in_tpm:" + "0" * 64
    where = ["--keystore", "tpm:swtpm:path=%s/sock?folder=%s#cache" % (
        state, folder / "tpm keys"), "--key-file", folder / "tpm-wrapped"]
    tpm = subprocess.Popen(
        ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state,
         "--server", "type=unixio,path=%s/sock" % state, "--ctrl",
         "type=unixio,path=%s/sock.ctrl" % state, "--flags",
         "not-need-init,startup-clear"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        while tpm.poll() is None and not os.path.exists(state + "/sock.ctrl"):
            time.sleep(0.02)
        made = run("cache", "set", url, entry, *where, "--new-key",
                   stdin=DOCUMENT, env=keys())
        if "was made without libtss2-dev" in str(made.stderr):
            skip(name, "this build reaches no TPM")
            return
        got = run("cache", "get", url, entry, *where, env=keys())
        case(name, made.returncode == 0 and got.stdout == DOCUMENT,
             made, got)
        run("cache", "delete", url, entry, *where, env=keys())
    finally:
        tpm.kill()
        tpm.wait()
    case("cache_keystore_in_a_tpm_that_is_gone", says(
        run("cache", "get", url, entry, *where, env=keys()), 3, "TPM"))


def person(folder, name):
    """Whoever has an identity: an environment, and its public document."""
    env = dict(keys(), CAISSON_HOME=str(folder / ("home-" + name)))
    document = folder / (name + ".document")
    made = run("id", "new", name, env=env)
    out = run("id", "export", name, "--out", document, env=env)
    case("cache_native_identity_of_" + name, made.returncode == 0 and
         out.returncode == 0, made, out)
    return env, document


def native_entries(url, folder):
    key, bytes_ = "native:op:1", ["--format", "bytes"]
    first, second = folder / "master-1", folder / "master-2"
    ops, ops_document = person(folder, "ops")
    app, app_document = person(folder, "app")
    run("id", "trust", app_document, "--purposes", "recipient", env=ops)
    made = run("cache", "master", first, "--to", "app", "--json", env=ops)
    case("cache_native_master", made.returncode == 0 and
         json.loads(made.stdout) == {"file": str(first), "epoch": 1,
                                     "readers": 2} and
         os.stat(first).st_mode & 0o777 == 0o600, made)
    case("cache_native_master_replaces_nothing_unasked",
         says(run("cache", "master", first, env=ops), 2, "--force"))
    done = run("cache", "set", url, key, "--native", first, "--ttl", "60s",
               *bytes_, stdin=b"a secret", env=ops)
    got = run("cache", "get", url, key, "--native", first, *bytes_, env=ops)
    case("cache_native", done.returncode == 0 and got.stdout == b"a secret",
         done, got)
    case("cache_native_wants_who_made_it_trusted",
         says(run("cache", "get", url, key, "--native", first, *bytes_,
                  env=app), 1, "--purposes sealer"))
    run("id", "trust", ops_document, "--purposes", "sealer", env=app)
    got = run("cache", "get", url, key, "--native", first, *bytes_, env=app)
    case("cache_native_of_another_reader", got.stdout == b"a secret", got)
    stranger, _ = person(folder, "stranger")
    run("id", "trust", ops_document, "--purposes", "sealer", env=stranger)
    case("cache_native_is_sealed_to_its_readers",
         run("cache", "get", url, key, "--native", first, *bytes_,
             env=stranger).returncode == 1)
    case("cache_native_is_not_cachekits",
         says(run("cache", "get", url, key, *bytes_, env=keys(OLD)), 1))
    case("cache_native_binds_its_format",
         says(run("cache", "get", url, key, "--native", first, env=ops), 1,
              "CSN_E_TAG"))
    shown = run("cache", "inspect", url, key, "--json", env=keys())
    facts = json.loads(shown.stdout)
    case("cache_native_inspect_without_a_key", facts["form"] == "native" and
         facts["says"]["epoch"] == 1 and
         facts["says"]["value_bytes"] == len(b"a secret") and
         "opens" not in facts, shown)
    shown = run("cache", "inspect", url, key, "--native", first, "--json",
                env=app)
    facts = json.loads(shown.stdout)
    case("cache_native_inspect", facts["opens"] and
         facts["format"] == "bytes" and 0 < facts["ttl_ms"] <= 60000, shown)
    case("cache_native_usage", all((
        says(run("cache", "get", url, key, "--native", first, "--plain",
                 env=ops), 2, "--native"),
        says(run("cache", "get", url, key, "--identity", "ops", env=ops), 2,
             "--native"),
        says(run("cache", "master", folder / "m", "--epoch", "0", env=ops),
             2, "epoch"),
        says(run("cache", "get", url, key, "--native", app_document,
                 env=ops), 1, "cannot take the master key"))))
    run("cache", "master", second, "--epoch", "2", env=ops)
    both = ["--native", first, "--native", second]
    moved = run("cache", "reseal", url, "native", *both, *bytes_, "--json",
                env=ops)
    case("cache_native_reseal", json.loads(moved.stdout)["moved"] == 1,
         moved)
    got = run("cache", "get", url, key, "--native", second, *bytes_, env=ops)
    late = run("cache", "get", url, key, "--native", first, *bytes_, env=ops)
    case("cache_native_reseal_moves_on", got.stdout == b"a secret" and
         says(late, 1, "CSN_E_EPOCH"), got, late)
    gone = run("cache", "delete", url, key, "--native", second, env=ops)
    case("cache_native_delete", gone.returncode == 0, gone)


def rotates(url, interop):
    moved = run("cache", "reseal", url, "users", "--form", "interop",
                "--json", env=keys(NEW, OLD))
    facts = json.loads(moved.stdout)
    case("cache_reseal", facts["moved"] == 1, moved)
    got = run("cache", "get", url, interop, env=keys(NEW))
    case("cache_reseal_needs_the_former_key_no_more",
         got.stdout == DOCUMENT, got)
    again = run("cache", "reseal", url, "users", "--form", "interop",
                "--json", env=keys(NEW, OLD))
    case("cache_reseal_again", json.loads(again.stdout)["moved"] == 0, again)
    case("cache_reseal_of_plain_entries",
         says(run("cache", "reseal", url, "users", "--plain", env=keys()), 2,
              "not sealed"))


def counts_and_deletes(url, interop):
    stat = run("cache", "stat", url, "--json")
    facts = json.loads(stat.stdout)
    case("cache_stat", facts["entries"] == 2 and
         facts["namespaces"]["users"]["entries"] == 2, stat)
    case("cache_stat_of_a_namespace", json.loads(
        run("cache", "stat", url, "orders", "--json").stdout)["entries"] == 0)
    gone = run("cache", "delete", url, interop, env=keys())
    case("cache_delete_without_a_key", gone.returncode == 0, gone)
    case("cache_delete_again",
         says(run("cache", "delete", url, interop, env=keys()), 4,
              "CSN_E_NOT_FOUND"))
    case("cache_get_what_is_not_there",
         says(run("cache", "get", url, interop, env=keys(OLD)), 4,
              "CSN_E_NOT_FOUND"))


def looking_makes_nothing(folder, interop):
    for scheme in "file:", "lmdb:":
        url = scheme + (folder / "typo")
        for words in (["stat", url], ["get", url, interop],
                      ["delete", url, interop], ["inspect", url, interop],
                      ["reseal", url, "users"]):
            result = run("cache", *words, env=keys(OLD))
            case("cache_%s_of_a_missing_store_%s" % (words[0], scheme[:-1]),
                 says(result, 3, "there is no store", "typo",
                      "cache set makes") and
                 "typo" not in folder.names(), result)


def values_are_of_their_format(url):
    for name, value in (("msgpack", b"\x81\xa1v"), ("json", b"{\"a\":"),
                        ("msgpack", b"\x01\x02"), ("json", b"")):
        result = run("cache", "set", url, "ns:v:func:m.f:args:00:1s",
                     "--format", name, stdin=value, env=keys(OLD))
        case("cache_set_refuses_what_is_no_%s_%d" % (name, len(value)), says(
            result, 2, "the value is no " + name, "--format bytes"), result)
    result = run("cache", "set", url, "ns:v:func:m.f:args:00:1s", "--format",
                 "bytes", stdin=b"\x81\xa1v", env=keys(OLD))
    case("cache_set_takes_any_bytes_as_bytes", result.returncode == 0,
         result)
    must = run("cache", "delete", url, "ns:v:func:m.f:args:00:1s", env=keys(OLD))
    case("cache_delete_bytes", must.returncode == 0, must)


def plain_is_asked_for_by_name(url):
    key = "ns:open:func:m.f:args:00:1s"
    done = run("cache", "set", url, key, "--plain", stdin=DOCUMENT,
               env=keys())
    got = run("cache", "get", url, key, "--plain", env=keys())
    case("cache_plain", done.returncode == 0 and got.stdout == DOCUMENT,
         done, got)
    case("cache_secure_refuses_a_plain_entry",
         says(run("cache", "get", url, key, env=keys(OLD)), 1,
              "CSN_E_POLICY"))


def names_move_no_cursor(url):
    run("cache", "set", url, "\x1b[2Jred\x7f\u009b:op", "--plain",
        stdin=DOCUMENT, env=keys())
    stat = run("cache", "stat", url)
    case("cache_stat_has_no_controls", stat.returncode == 0 and
         b"?[2Jred?" in stat.stdout and b"\x1b" not in stat.stdout and
         b"\xc2" not in stat.stdout, stat)
    stat = run("cache", "stat", url, "--json")
    case("cache_stat_has_no_controls_in_json", stat.returncode == 0 and
         b"\xc2\x9b" not in stat.stdout and json.loads(stat.stdout), stat)


def names_what_has_no_name(url):
    for key in (b"bare", b"caf\xe9:op:1"):
        done = run("cache", "set", url, os.fsdecode(key), "--plain",
                   stdin=DOCUMENT, env=keys())
        case("cache_set_" + repr(key), done.returncode == 0, done)
    stat = run("cache", "stat", url)
    rows = stat.stdout.decode().splitlines()
    case("cache_stat_names_what_has_no_namespace",
         any(row.split()[:2] == ["(none)", "1"] for row in rows), stat)
    case("cache_stat_shows_names_that_are_no_text",
         any(row.split()[:2] == ["caf\\xe9", "1"] for row in rows), stat)


def says_what_to_do(url):
    key, env = "ns:hints:func:m.f:args:00:1s", keys(OLD)
    done = run("cache", "set", url, key, "--format", "json", stdin=b"[1]",
               env=env)
    case("cache_get_in_another_format", done.returncode == 0 and
         says(run("cache", "get", url, key, env=env), 1, "--format json"),
         done)
    case("cache_get_of_no_key",
         says(run("cache", "get", url, "", env=env), 2, "key is empty",
              "caisson cache key"))
    case("cache_reseal_of_no_namespace",
         says(run("cache", "reseal", url, "", env=env), 2, "namespace"))
    run("cache", "set", url, "users:op:1", "--plain", stdin=b"\x81\xa1a\x01",
        env=keys())
    case("cache_get_of_what_was_planted",
         says(run("cache", "get", url, "users:op:1", env=env), 1, "planted"))


def main():
    if run("cache", "--help").returncode != 0:
        skip("cache", "this build has no cache")
        return finish()
    with Folder() as folder:
        url = "file:" + str(folder / "store")
        os.mkdir(folder / "store")
        interop, auto = builds_keys()
        sets_and_gets(url, "cache_interop", interop)
        sets_and_gets(url, "cache_auto", auto)
        inspects(url, "cache_interop", interop, "interop or bytes")
        inspects(url, "cache_auto", auto, "auto")
        takes_keys_from_files(url, interop, folder)
        takes_keys_from_a_keystore(url, folder)
        takes_keys_from_a_tpm(url, folder)
        native_entries(url, folder)
        rotates(url, interop)
        counts_and_deletes(url, interop)
        looking_makes_nothing(folder, interop)
        values_are_of_their_format(url)
        plain_is_asked_for_by_name(url)
        names_move_no_cursor(url)
        names_what_has_no_name(url)
        says_what_to_do(url)
        case("cache_unknown_backend",
             says(run("cache", "stat", "floppy:"), 2, "floppy"))
        case("cache_unknown_format",
             says(run("cache", "get", url, auto, "--format", "jsno",
                      env=keys(OLD)), 2, "did you mean json"))
    return finish()


if __name__ == "__main__":
    raise SystemExit(main())
