#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the program says to a wrong command, and how it ends."""

import json
import os

from cli import Folder, case, finish, run, says

TABLE = json.loads(run("help", "--json").stdout)["nouns"]


def commands():
    for noun in TABLE:
        for verb in noun["verbs"]:
            yield [w for w in (noun["name"], verb["name"]) if w], verb


def help_everywhere():
    result = run("--help")
    text = result.stdout.decode()
    case("help_lists_every_noun_and_verb", result.returncode == 0 and
         all(noun["name"] in text and all(v["name"] in text
                                          for v in noun["verbs"])
             for noun in TABLE), result)
    bad = []
    for words, verb in commands():
        result = run(*words, "--help")
        text = result.stdout.decode()
        if result.returncode != 0 or result.stderr or not all(
                "--" + o["name"] in text for o in verb["options"]):
            bad.append(words)
        if any(len(line) > 100 for line in text.splitlines()):
            bad.append(words + ["has a long line"])
    case("help_of_each_verb_lists_its_options", not bad, bad)
    result = run("file", "--help")
    case("help_of_a_noun", result.returncode == 0 and
         b"inspect" in result.stdout, result)
    result = run("help", "file", "seal")
    case("help_as_a_command", result.returncode == 0 and
         result.stdout == run("file", "seal", "--help").stdout, result)


def mistakes():
    for name, args, words in (
            ("no_command", (), ("missing",)),
            ("unknown_noun", ("frobnicate",), ("no command",)),
            ("mistyped_noun", ("sesion",), ("did you mean 'session'",)),
            ("missing_verb", ("file",), ("needs a verb",)),
            ("mistyped_verb", ("file", "saal"), ("did you mean", "file seal")),
            ("mistyped_option", ("version", "--jsno"),
             ("did you mean --json",)),
            ("unknown_option", ("version", "--xyzzy"), ("no option --xyzzy",)),
            ("short_option", ("version", "-j"), ("Options are long",)),
            ("missing_value", ("file", "seal", "--session"), ("needs a value",)),
            ("value_of_a_switch", ("version", "--json=yes"),
             ("takes no value",)),
            ("option_twice", ("file", "seal", "--out", "a", "--out", "b"),
             ("twice",)),
            ("too_many_arguments", ("version", "now"), ("too many",)),
            ("missing_argument", ("session", "show"), ("missing",)),
            ("missing_option", ("session", "offer"), ("--server is missing",)),
            ("bad_span", ("session", "offer", "--server", "x", "--state",
                          "y", "--out", "z", "--ttl", "soon"),
             ("span of time",)),
            ("bad_kem", ("session", "offer", "--server", "x", "--state",
                         "y", "--out", "z", "--kem", "rsa"),
             ("ml-kem-768",)),
            ("seal_without_a_way", ("file", "seal"), ("--session", "--to")),
            ("identity_name", ("file", "open", "--identity", "x y"),
             ("'x y' is no name",))):
        with Folder() as folder:
            result = run(*args, home=folder / "home")
            case("usage_" + name, says(result, 2, *words), result)


# What stands for an option's value means the same wherever it stands.
MEANINGS = {
    "ALGORITHM": "its name, as OpenSSL has it", "BYTES": "how many of them",
    "DATE": "a moment", "FD": "a descriptor that is open",
    "FILE": "a file's path", "FOLDER": "a folder's", "PATH": "either's",
    "HEX": "bytes", "ID": "a tenant or workload", "JSON": "a value",
    "N": "how many, or which", "NAME": "what somebody called a thing",
    "PERCENT": "of something", "SPAN": "of time", "TEXT": "any",
    "TYPE": "a media type", "URL": "where something is", "WHERE": "to listen",
    "URL#NAME": "a key of a keystore", "WHO": "an identity of somebody's",
    "WORD": "one of those that there are", "WORDS": "some of them"}
GOOD = {"SPAN": "8h", "DATE": "2026-01-31"}
SAID = {"SPAN": "it must be a span of time", "DATE": "it must be a time such"}


def placeholders():
    used, both, bad = set(), {}, []
    for words, verb in commands():
        needed = [x for o in verb["options"] if o["needed"]
                  for x in ("--" + o["name"], GOOD.get(o["arg"], "x"))]
        for option in verb["options"]:
            if not option["arg"]:
                continue
            used.add(option["arg"])
            both.setdefault(option["name"], set()).add(option["arg"])
            if option["arg"] not in SAID:
                continue
            name = "--" + option["name"]
            rest = list(needed)
            if name in rest:
                del rest[rest.index(name):rest.index(name) + 2]
            result = run(*words, *rest, name, "soon")
            if not says(result, 2, SAID[option["arg"]]):
                bad.append(result)
    case("each_placeholder_has_a_meaning", used == set(MEANINGS),
         used ^ set(MEANINGS))
    # A credential's scopes are some words, and what is asked for one.
    case("an_option_has_one_placeholder", {
        name for name, args in both.items() if len(args) > 1} == {"scope"},
         both)
    case("a_span_is_a_span_and_a_date_a_date_everywhere", not bad, *bad)


def version():
    result = run("version", "--json")
    facts = json.loads(result.stdout)
    case("version_json", result.returncode == 0 and facts["aead"] and
         facts["version"], result)
    result = run("--version")
    case("version_words", result.returncode == 0 and
         result.stdout.startswith(b"caisson " + facts["version"].encode()),
         result)
    result = run("version", "--quiet")
    case("quiet_says_nothing", result.returncode == 0 and
         result.stdout == b"" and result.stderr == b"", result)


def broken_output():
    for args in (("version",), ("version", "--json"), ("--help",)):
        with open("/dev/full", "wb") as full:
            result = run(*args, stdout=full)
        case("full_disk_" + args[0].strip("-") +
             ("_json" if len(args) > 1 else ""),
             says(result, 3, "No space left"), result.stderr)
    reader, writer = os.pipe()
    os.close(reader)
    result = run("version", stdout=writer)
    os.close(writer)
    case("closed_pipe", says(result, 3, "Broken pipe"), result.stderr)


help_everywhere()
mistakes()
placeholders()
version()
broken_output()
finish()
