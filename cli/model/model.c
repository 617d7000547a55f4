/* SPDX-License-Identifier: Apache-2.0 */
/* cli/model/model.c - caisson model: what model files say, one tensor of it. */
#include <stdlib.h>
#include <string.h>

#include "../lib/cli.h"

#define PIECE (1u << 20)
#define SHOWN 72u		/* bytes of a value in the list */

static const char *
shape_text(const struct csn_model_tensor *t, char out[128])
{
	size_t i, at = 0;
	int n;

	out[0] = '\0';
	for (i = 0; i < t->ndims && at + 24 < 128; i++) {
		n = snprintf(out + at, 128 - at, "%s%llu", i > 0 ? "x" : "",
		    (unsigned long long)t->dims[i]);
		at += n > 0 ? (size_t)n : 0;
	}
	if (i < t->ndims)
		snprintf(out + at, 128 - at, "x...");
	return t->ndims > 0 ? out : "scalar";
}

/* The value as one short line. */
static int
say_value(struct cli *cli, const struct csn_model *m, size_t i)
{
	struct csn_model_value v = { .size = sizeof(v) };
	char *text;
	size_t len;
	int rc;

	if ((rc = csn_model_value(m, i, &v)) != 0)
		return rc;
	cli_say(cli, "  %s: ", v.key);
	switch (v.type) {
	case CSN_MODEL_STRING:
		if ((rc = csn_model_text(m, i, SHOWN, &text, &len)) != 0 &&
		    rc != CSN_E_LIMIT)
			return rc;
		if (rc != 0)
			cli_say(cli, "text of %llu bytes\n",
			    (unsigned long long)v.count);
		else
			cli_say(cli, "%s\n", text);
		if (rc == 0)
			csn_free(text);
		break;
	case CSN_MODEL_ARRAY:
		cli_say(cli, "%llu items\n", (unsigned long long)v.count);
		break;
	case CSN_MODEL_INT:
		cli_say(cli, "%lld\n", (long long)v.integer);
		break;
	case CSN_MODEL_FLOAT:
		cli_say(cli, "%g\n", v.real);
		break;
	case CSN_MODEL_BOOL:
		cli_say(cli, v.number != 0 ? "yes\n" : "no\n");
		break;
	default:
		cli_say(cli, "%llu\n", (unsigned long long)v.number);
	}
	return 0;
}

static void
say_tensor(struct cli *cli, const struct csn_model_tensor *t)
{
	char shape[128], size[CLI_TEXT];

	cli_bytes_text((double)t->length, size);
	cli_say(cli, "  %-10s %-18s %9s  %s%s\n", t->dtype,
	    shape_text(t, shape), size, t->name,
	    (t->flags & CSN_MODEL_UNALIGNED) != 0 ? "  (unaligned)" : "");
}

static int
say_files(struct cli *cli, const struct csn_model *m, uint32_t n)
{
	struct csn_model_file f = { .size = sizeof(f) };
	char size[CLI_TEXT];
	uint32_t i;
	int rc;

	for (i = 0; i < n; i++) {
		if ((rc = csn_model_file(m, i, &f)) != 0)
			return rc;
		cli_bytes_text((double)f.length, size);
		cli_say(cli, "  %s: %s, %u tensors\n", f.name, size,
		    f.tensors);
	}
	return 0;
}

static int
say_model(struct cli *cli, const struct csn_model *m)
{
	struct csn_model_tensor t = { .size = sizeof(t) };
	struct csn_model_facts f = { .size = sizeof(f) };
	char size[CLI_TEXT];
	uint32_t i;
	int rc;

	if ((rc = csn_model_facts(m, &f)) != 0)
		return rc;
	cli_bytes_text((double)f.bytes, size);
	if (f.format == CSN_MODEL_GGUF)
		cli_say(cli, "GGUF %u", f.version);
	else
		cli_say(cli, "safetensors");
	cli_say(cli, ", %s in %u file%s, %u tensors, %llu elements\n", size,
	    f.files, f.files == 1 ? "" : "s", f.tensors,
	    (unsigned long long)f.elements);
	if (f.files > 1) {
		cli_say(cli, "Files\n");
		if ((rc = say_files(cli, m, f.files)) != 0)
			return rc;
	} else if (f.split_count > 1) {
		cli_say(cli, "File %u of %u; the others were not looked at.\n",
		    f.split_no + 1, f.split_count);
	}
	if (f.metadata > 0)
		cli_say(cli, "Metadata\n");
	for (i = 0; i < f.metadata; i++)
		if ((rc = say_value(cli, m, i)) != 0)
			return rc;
	if (f.tensors > 0)
		cli_say(cli, "Tensors\n");
	for (i = 0; i < f.tensors; i++) {
		if ((rc = csn_model_tensor(m, i, &t)) != 0)
			return rc;
		say_tensor(cli, &t);
	}
	return 0;
}

/* The bytes of a tensor into --out, whole or not at all. An exit code. */
static int
extract(struct cli *cli, const struct csn_model *m, size_t i,
    const struct csn_model_tensor *t)
{
	uint64_t at;
	struct cli_out out;
	uint8_t *p = NULL;
	size_t n;
	int rc, code;

	if ((code = cli_out_open(cli, cli_opt(cli, "out"), 0644,
	    cli_force(cli), &out)) != 0)
		return code;
	if ((p = malloc(PIECE)) == NULL)
		code = cli_error(cli, CLI_FAILED, NULL, "out of memory");
	for (at = 0; at < t->length && code == 0; at += n) {
		n = t->length - at < PIECE ? (size_t)(t->length - at) : PIECE;
		if (cli_interrupted())
			code = cli_error(cli, CLI_FAILED, NULL, "interrupted");
		else if ((rc = csn_model_tensor_read(m, i, at, p, n)) != 0)
			code = cli_error_lib(cli, rc, NULL,
			    "cannot read the tensor %s", t->name);
		else
			code = cli_out_write(&out, p, n);
	}
	if (code == 0)
		code = cli_out_commit(&out);
	if (code == 0 && !out.in_place && !cli->json)
		cli_say(cli, "%llu bytes to %s\n",
		    (unsigned long long)t->length, out.path);
	cli_out_abort(&out);
	free(p);
	return code;
}

static json_t *
tensor_json(const struct csn_model *m, const struct csn_model_tensor *t)
{
	struct csn_model_file f = { .size = sizeof(f) };
	json_t *shape = json_array();
	uint32_t i;

	if (csn_model_file(m, t->file, &f) != 0)
		f.name = "";
	for (i = 0; i < t->ndims; i++)
		json_array_append_new(shape,
		    json_integer((json_int_t)t->dims[i]));
	return json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:b}", "name",
	    cli_name(t->name), "dtype", t->dtype, "shape", shape, "file",
	    cli_name(f.name), "offset", (json_int_t)t->offset, "bytes",
	    (json_int_t)t->length, "unaligned",
	    (t->flags & CSN_MODEL_UNALIGNED) != 0);
}

static int
one_tensor(struct cli *cli, const struct csn_model *m, const char *path)
{
	struct csn_model_tensor t = { .size = sizeof(t) };
	const char *out = cli_opt(cli, "out");
	size_t i = 0;
	int rc;

	if ((rc = csn_model_find(m, cli_opt(cli, "tensor"), &t, &i)) != 0)
		return cli_error_lib(cli, rc, "caisson model show FILE lists "
		    "them.", "cannot find the tensor in %s", path);
	if (out != NULL && (rc = extract(cli, m, i, &t)) != 0)
		return rc;
	if (cli->json)
		return cli_json(cli, tensor_json(m, &t));
	if (out == NULL)
		say_tensor(cli, &t);
	return CLI_OK;
}

static int
show(struct cli *cli)
{
	struct csn_model_options options = { .size = sizeof(options) };
	const char *path = cli_arg(cli, 0);
	struct csn_model *m = NULL;
	char *json;
	int rc;

	if (cli_opt(cli, "out") != NULL && cli_opt(cli, "tensor") == NULL)
		return cli_error(cli, CLI_USAGE, "Say --tensor NAME, too.",
		    "--out takes the bytes of one tensor");
	if (cli_opt(cli, "out") != NULL && (rc = cli_check_json(cli)) != 0)
		return rc;
	if (cli_opt(cli, "alone") != NULL)
		options.flags = CSN_MODEL_PART;
	if ((rc = csn_model_open(cli->ctx, path, &options, &m)) != 0)
		return cli_error_lib(cli, rc, NULL, "cannot read the model "
		    "%s", path);
	if (cli_opt(cli, "tensor") != NULL)
		rc = one_tensor(cli, m, path);
	else if (!cli->json && (rc = say_model(cli, m)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot read %s", path);
	else if (cli->json && (rc = csn_model_json(m, &json)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot show %s", path);
	else if (cli->json)
		rc = cli_json_text(cli, json);
	csn_model_free(m);
	return rc;
}

static const struct cli_opt show_opts[] = {
	{ "tensor", "NAME", "show this tensor alone" },
	{ "out", "FILE", "write the bytes of that tensor to FILE" },
	{ "force", NULL, "replace FILE where it is there" },
	{ "alone", NULL, "read one file of a split set without the others" },
	{ NULL }
};

static const struct cli_verb verbs[] = {
	{ "show", "FILE", "Show what a model file says, tensor by tensor",
	    show, show_opts, 1, 1,
	    "FILE is a safetensors file, a model.safetensors.index.json with "
	    "its files\nbeside it, or a GGUF file, which may be one of a "
	    "split set. Headers alone are\nread, and judged strictly: a file "
	    "whose tensors overlap, leave bytes out or lie\nabout their size "
	    "is refused." },
	{ NULL }
};

const struct cli_noun cli_model = {
	"model", "Look into model files: safetensors and GGUF", verbs
};
