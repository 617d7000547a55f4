/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/file/people.c - files sealed to people, on all cores.
 *
 * Files are read and written at any place by many threads, pipes in order by
 * one at a time. What fails in one of the library's threads is said by ours.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define CHUNK (1u << 20)

enum { NOTHING, READING, WRITING, STOPPED, CUT };	/* what failed */

/* Bytes between a flow's ends and the library; first says what failed. */
struct parcel {
	struct file_flow *flow;
	struct csn_pool *pool;
	off_t base;		/* where the input stands */
	struct csn_sealed_io in;
	struct csn_sealed_io out;
	pthread_mutex_t lock;
	int first;		/* what failed first */
	int errnum;
	struct csn_opener *opener;
};

static int
fails(struct parcel *p, int what, int errnum)
{
	pthread_mutex_lock(&p->lock);
	if (p->first == NOTHING) {
		p->first = what;
		p->errnum = errnum;
	}
	pthread_mutex_unlock(&p->lock);
	return CSN_E_IO;
}

static int
read_anywhere(void *arg, uint64_t offset, uint8_t *buf, size_t len,
    size_t *got)
{
	struct parcel *p = arg;
	ssize_t n;

	for (*got = 0; *got < len; *got += (size_t)n) {
		if (cli_interrupted())
			return fails(p, STOPPED, 0);
		n = pread(p->flow->in, buf + *got, len - *got,
		    p->base + (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return fails(p, READING, errno);
		else if (n == 0)
			return fails(p, CUT, 0);
	}
	pthread_mutex_lock(&p->lock);
	cli_progress_add(&p->flow->progress, *got);
	p->flow->got += *got;
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static int
read_on(void *arg, uint64_t offset, uint8_t *buf, size_t len, size_t *got)
{
	struct parcel *p = arg;

	(void)offset;
	p->flow->rc = file_read(p->flow, buf, len, got);
	return p->flow->rc != 0 ? CSN_E_IO : 0;
}

static int
write_anywhere(void *arg, uint64_t offset, const uint8_t *buf, size_t len)
{
	struct parcel *p = arg;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		if (cli_interrupted())
			return fails(p, STOPPED, 0);
		n = pwrite(p->flow->out.fd, buf + done, len - done,
		    (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fails(p, WRITING, errno);
		done += (size_t)n;
	}
	pthread_mutex_lock(&p->lock);
	p->flow->out.written += len;
	pthread_mutex_unlock(&p->lock);
	return 0;
}

/* In order: a pipe, or what an opener hands on. */
static int
hand_on(void *arg, const uint8_t *buf, size_t len)
{
	struct parcel *p = arg;

	p->flow->rc = cli_out_write(&p->flow->out, buf, len);
	return p->flow->rc != 0 ? CSN_E_IO : 0;
}

static int
write_on(void *arg, uint64_t offset, const uint8_t *buf, size_t len)
{
	(void)offset;
	return hand_on(arg, buf, len);
}

static void
parcel_begin(struct cli *cli, struct parcel *p, struct file_flow *flow)
{
	memset(p, 0, sizeof(*p));
	p->flow = flow;
	pthread_mutex_init(&p->lock, NULL);
	p->in = (struct csn_sealed_io){ .size = sizeof(p->in), .arg = p,
	    .read = read_on };
	p->out = (struct csn_sealed_io){ .size = sizeof(p->out), .arg = p,
	    .write = write_on };
	if (flow->size != 0) {
		p->base = lseek(flow->in, 0, SEEK_CUR);
		p->in.flags = CSN_IO_ANYWHERE;
		p->in.read = read_anywhere;
		p->in.length = flow->size;
	}
	if (!flow->out.in_place) {
		p->out.flags = CSN_IO_ANYWHERE;
		p->out.write = write_anywhere;
	}
	/* Without threads of its own the work is done all the same. */
	if ((flow->size == 0 || flow->size > CHUNK) &&
	    csn_pool_new(cli->ctx, 0, &p->pool) != 0)
		p->pool = NULL;
}

/* What the library's error rc was: say it, or have the library's said. */
static int
parcel_end(struct cli *cli, struct parcel *p, int rc,
    int (*said)(struct file_flow *flow, int rc))
{
	struct file_flow *flow = p->flow;

	csn_pool_free(p->pool);
	pthread_mutex_destroy(&p->lock);
	if (rc == 0)
		return 0;
	flow->code = rc;
	if (flow->rc != 0)
		return flow->rc;
	switch (p->first) {
	case READING:
		return cli_error_sys(cli, p->errnum, "cannot read %s",
		    flow->in_name);
	case WRITING:
		return cli_error_sys(cli, p->errnum, "cannot write %s",
		    flow->out.path);
	case STOPPED:
		return cli_error(cli, CLI_FAILED, NULL,
		    "stopped by a signal");
	case CUT:
		return cli_in_whole(cli, flow->in_path, flow->size,
		    flow->got < flow->size ? flow->got : flow->size - 1);
	case NOTHING:
		break;
	}
	return said(flow, rc);
}

/* --- sealing ----------------------------------------------------------- */

static const char *const hashes[] = { "", "tree", "sha3-256", "sha256",
    "none" };

static int
hash_option(struct cli *cli, uint32_t *out)
{
	const char *name = cli_opt(cli, "hash");
	uint32_t i;

	*out = 0;
	for (i = CSN_CONTENT_TREE; name != NULL && i <= CSN_CONTENT_NONE; i++)
		if (strcmp(name, hashes[i]) == 0) {
			*out = i;
			return 0;
		}
	return name == NULL ? 0 : cli_error(cli, CLI_USAGE, NULL,
	    "--hash is tree, sha3-256, sha256 or none, not %s", name);
}

int
file_seal_people(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow)
{
	struct csn_sealer_options options = { .size = sizeof(options) };
	struct csn_document *docs[CLI_MAX_RECIPIENTS] = { NULL };
	struct csn_sealer *sealer = NULL;
	struct parcel p;
	size_t n = 0;
	int rc;

	if ((rc = hash_option(cli, &options.content_hash)) != 0 ||
	    (rc = cli_recipients(cli, id, docs, &n)) != 0)
		goto out;
	parcel_begin(cli, &p, flow);
	options.signer = id;
	options.recipients = (const struct csn_document *const *)docs;
	options.nrecipients = flow->readers = n;
	options.content_type = cli_opt(cli, "type");
	options.pool = p.pool;
	flow->facts.size = sizeof(flow->facts);
	if ((rc = csn_sealer_new(cli->ctx, &options, &sealer)) == 0 &&
	    (rc = csn_sealer_run(sealer, &p.in, &p.out)) == 0)
		rc = csn_sealer_facts(sealer, &flow->facts);
	csn_sealer_free(sealer);
	rc = parcel_end(cli, &p, rc, file_unsealed);
out:
	while (n-- > 0)
		csn_document_free(docs[n]);
	return rc;
}

/* --- opening ----------------------------------------------------------- */

static int
find_label(void *arg, const struct csn_trust_entry *e)
{
	struct file_flow *flow = arg;

	if (strcmp(e->did, flow->signer) != 0)
		return 0;
	flow->label = strdup(e->label);
	return 1;
}

/* Who sealed it, by the reader's own name for them, and when. */
static int
keep_sealer(struct file_flow *flow, const struct csn_identity *id,
    struct csn_trust *trust, const char *signer, const char *type)
{
	flow->sealed_ms = flow->facts.created_ms;
	flow->signer = strdup(signer);
	if (flow->signer != NULL && strcmp(flow->signer,
	    csn_identity_did(id)) == 0)
		flow->label = strdup(csn_identity_name(id));
	else if (flow->signer != NULL)
		(void)csn_trust_each(trust, find_label, flow);
	flow->type = strdup(type);
	if (flow->signer == NULL || flow->label == NULL || flow->type == NULL)
		return cli_error(flow->cli, CLI_FAILED, NULL,
		    "out of memory");
	return 0;
}

static int
open_piece(void *arg, uint8_t *buf, size_t len, int last)
{
	struct parcel *p = arg;
	int rc = csn_opener_update(p->opener, buf, len, hand_on, p);

	if (rc == 0 && last)
		rc = csn_opener_final(p->opener, hand_on, p);
	return p->flow->rc != 0 ? p->flow->rc : rc == 0 ? 0 :
	    file_refused(p->flow, rc);
}

/* As it comes: what is passed on is provisional until the end. */
static int
open_pipe(struct cli *cli, const struct csn_identity *id,
    struct csn_trust *trust, const struct csn_opener_options *options,
    struct parcel *p)
{
	struct file_flow *flow = p->flow;
	int rc;

	if ((rc = csn_opener_new(cli->ctx, id, trust, options,
	    &p->opener)) != 0)
		return file_refused(flow, rc);
	rc = file_pump(flow, CHUNK, 0, 0, open_piece, p);
	if (rc == 0 && csn_opener_facts(p->opener, &flow->facts) == 0)
		rc = keep_sealer(flow, id, trust,
		    csn_opener_signer(p->opener),
		    csn_opener_content_type(p->opener));
	csn_opener_free(p->opener);
	return rc;
}

/* At hand: the foot first, so that nothing is provisional. */
static int
open_file(struct cli *cli, const struct csn_identity *id,
    struct csn_trust *trust, const struct csn_opener_options *options,
    int verify, struct parcel *p)
{
	struct csn_sealed *sealed = NULL;
	struct file_flow *flow = p->flow;
	int rc;

	if ((rc = csn_sealed_new(cli->ctx, id, trust, options, &p->in,
	    &sealed)) == 0 &&
	    (rc = csn_sealed_facts(sealed, &flow->facts)) == 0)
		rc = verify ? csn_sealed_verify(sealed, p->pool) :
		    csn_sealed_run(sealed, p->pool, 0, &p->out);
	rc = parcel_end(cli, p, rc, file_refused);
	if (rc == 0)
		rc = keep_sealer(flow, id, trust, csn_sealed_signer(sealed),
		    csn_sealed_content_type(sealed));
	csn_sealed_free(sealed);
	return rc;
}

static int
open_with(struct cli *cli, const struct csn_identity *id, int verify,
    struct file_flow *flow)
{
	struct csn_opener_options options = { .size = sizeof(options) };
	struct csn_trust *trust = NULL;
	struct parcel p;
	int rc;

	if ((rc = cli_opt_date(cli, "at", &options.at_ms)) != 0 ||
	    (rc = cli_opt_span(cli, "max-age", &options.max_age_ms)) != 0 ||
	    (rc = cli_trust_load(cli, &trust)) != 0)
		return rc;
	flow->facts.size = sizeof(flow->facts);
	parcel_begin(cli, &p, flow);
	if (flow->size != 0)
		rc = open_file(cli, id, trust, &options, verify, &p);
	else {
		rc = open_pipe(cli, id, trust, &options, &p);
		(void)parcel_end(cli, &p, 0, file_refused);
	}
	csn_trust_free(trust);
	return rc;
}

int
file_open_people(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow)
{
	return open_with(cli, id, 0, flow);
}

int
file_verify_people(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow)
{
	if (flow->size == 0)
		return cli_error(cli, CLI_USAGE, "A pipe is verified while it "
		    "is opened.", "%s is no file that has something in it",
		    flow->in_name);
	return open_with(cli, id, 1, flow);
}

/* --- what is told ------------------------------------------------------ */

json_t *
file_facts_json(const struct file_flow *flow)
{
	const struct csn_sealed_facts *f = &flow->facts;
	char id[2 * CSN_SEALED_ID + 1], root[2 * CSN_HASH_SIZE + 1];
	char content[2 * CSN_HASH_SIZE + 1];

	if (f->size == 0)
		return json_null();
	cli_hex(f->id, sizeof(f->id), id);
	cli_hex(f->root, sizeof(f->root), root);
	cli_hex(f->content, sizeof(f->content), content);
	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s?, s:I, "
	    "s:I}", "file_id", id, "bytes", (json_int_t)f->length,
	    "sealed_bytes", (json_int_t)f->sealed_length, "segment",
	    (json_int_t)f->segment, "signed_over", f->integrity ==
	    CSN_SEALED_TAGS ? "tags" : "leaves", "root", root,
	    "content_hash_kind", hashes[f->content_hash], "content_hash",
	    f->content_hash == CSN_CONTENT_NONE ? NULL : content,
	    "recipients", (json_int_t)f->recipients, "runs",
	    (json_int_t)f->runs);
}

int
file_verified(struct cli *cli, const struct file_flow *flow)
{
	const struct csn_sealed_facts *f = &flow->facts;
	char size[CLI_TEXT], when[CLI_TEXT];
	char content[2 * CSN_HASH_SIZE + 1];

	if (cli->json)
		return cli_json(cli, json_pack("{s:s, s:o, s:s?, s:s?, s:I, "
		    "s:s?, s:o}", "did", "verified", "in",
		    cli_name(flow->in_name), "signer", flow->signer,
		    "signer_label", flow->label, "sealed_ms",
		    (json_int_t)flow->sealed_ms, "content_type", flow->type,
		    "sealed", file_facts_json(flow)));
	cli_bytes_text((double)f->length, size);
	cli_time_text(flow->sealed_ms, when);
	cli_hex(f->content, sizeof(f->content), content);
	cli_say(cli, "verified: %s in %s, all of it, signed over its %s\n",
	    size, flow->in_name, f->integrity == CSN_SEALED_TAGS ?
	    "tags" : "bytes");
	cli_say(cli, "sealed by %s (%.24s…), by its own word on %s\n",
	    flow->label[0] != '\0' ? flow->label : "(no label)",
	    flow->signer, when);
	if (f->content_hash != CSN_CONTENT_NONE)
		cli_say(cli, "%s of the text: %s\n",
		    hashes[f->content_hash], content);
	return CLI_OK;
}
