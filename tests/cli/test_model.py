#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson model: tensors are listed, one is taken out, lies are refused."""

import json
import os
import struct

from cli import Folder, case, finish, read, run, says


def safetensors(entries, data):
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + data


def entry(begin, end, dtype="U8"):
    return {"dtype": dtype, "shape": [end - begin],
            "data_offsets": [begin, end]}


def string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def split(number, count):
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 3)
    head += string("general.name") + struct.pack("<I", 8) + string("tiny")
    head += string("split.no") + struct.pack("<IH", 2, number)
    head += string("split.count") + struct.pack("<IH", 2, count)
    head += string("t%d" % number) + struct.pack("<IQIQ", 1, 8, 24, 0)
    return head + bytes(-len(head) % 32) + bytes([number] * 8)


def one_file(folder):
    path = folder.write("m.safetensors", safetensors(
        {"__metadata__": {"format": "pt", "odd": "a\x1b[31m"},
         "first": entry(0, 4), "sec\nond": entry(4, 10)}, bytes(range(10))))
    shown = run("model", "show", path)
    text = shown.stdout.decode()
    case("model_show_lists_tensors_and_metadata", shown.returncode == 0 and
         "safetensors, " in text and "2 tensors, 10 elements" in text and
         "format: pt" in text and "U8         4 " in text, shown)
    case("model_show_writes_no_control_character",
         "\x1b" not in text and "sec\\x0aond" in text,
         shown)
    facts = run("model", "show", path, "--json")
    tensors = json.loads(facts.stdout)["tensors"]
    case("model_show_json", facts.returncode == 0 and
         tensors[1]["name"] == "sec\nond" and tensors[1]["bytes"] == 6 and
         tensors[0]["shape"] == [4], facts)
    out = folder / "t.bin"
    taken = run("model", "show", path, "--tensor", "sec\nond", "--out", out)
    case("model_takes_one_tensor_out", taken.returncode == 0 and
         read(out) == bytes(range(4, 10)), taken)
    again = run("model", "show", path, "--tensor", "first", "--out", out)
    case("model_replaces_no_file_unasked", says(again, 2), again)
    forced = run("model", "show", path, "--tensor", "first", "--out", out,
                 "--force")
    case("model_replaces_a_file_with_force", forced.returncode == 0 and
         read(out) == bytes(range(4)), forced)
    one = run("model", "show", path, "--tensor", "first", "--json")
    case("model_shows_one_tensor_as_json",
         json.loads(one.stdout)["bytes"] == 4, one)
    absent = run("model", "show", path, "--tensor", "third")
    case("a_tensor_that_is_not_there_is_4", says(absent, 4, "third"), absent)
    case("model_out_needs_a_tensor",
         says(run("model", "show", path, "--out", out), 2, "--tensor"))
    case("a_model_that_is_not_there_is_4",
         says(run("model", "show", folder / "none"), 4, "none"))


def lies(folder):
    path = folder.write("hole.safetensors", safetensors(
        {"a": entry(0, 4), "b": entry(5, 9)}, bytes(9)))
    result = run("model", "show", path)
    case("a_header_that_lies_is_1", says(result, 1, "hole", "CSN_E_FORM"),
         result)


def sets(folder):
    for number in range(2):
        folder.write("m-0000%d-of-00003.gguf" % (number + 1),
                     split(number, 3))
    first = folder / "m-00001-of-00003.gguf"
    result = run("model", "show", first)
    case("the_missing_file_of_a_set_is_named",
         says(result, 4, "m-00003-of-00003.gguf"), result)
    alone = run("model", "show", first, "--alone")
    case("one_file_of_a_set_is_shown_alone", alone.returncode == 0 and
         b"File 1 of 3" in alone.stdout, alone)
    folder.write("m-00003-of-00003.gguf", split(2, 3))
    whole = run("model", "show", first)
    case("a_split_set_is_one_model", whole.returncode == 0 and
         b"GGUF 3" in whole.stdout and b"3 files, 3 tensors" in
         whole.stdout and b"general.name: tiny" in whole.stdout, whole)
    out = folder / "t2"
    taken = run("model", "show", first, "--tensor", "t2", "--out", out)
    case("a_tensor_of_another_file_of_the_set", taken.returncode == 0 and
         read(out) == bytes([2] * 8), taken)
    os.makedirs(folder / "shards")
    folder.write("shards/a.st", safetensors({"a": entry(0, 2)}, b"ab"))
    index = folder.write("shards/i.json", json.dumps(
        {"weight_map": {"a": "a.st", "b": "b.st"}}).encode())
    result = run("model", "show", index)
    case("the_missing_shard_of_an_index_is_named",
         says(result, 4, "b.st"), result)


with Folder() as here:
    one_file(here)
    lies(here)
    sets(here)
finish()
