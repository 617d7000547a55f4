/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_audit_log.c - a log's folder. An input is a plan: which lines there
 * are, chained and under true MACs, and edits of each before it is so; then
 * edits of the file, and the numbers of its state. The log is verified from
 * outside, read, and opened to be gone on with.
 */
#include "audit/checkpoint.h"
#include "audit/folder.h"
#include "audit/line.h"
#include "edit.h"
#include "folder.h"
#include "people.h"

#define MOST 24			/* lines */
#define ROOM 65536

static struct csn_identity *id;
static struct csn_trust *trust;
static uint8_t key[CSN_HASH_SIZE] = { 'k' };

static void
finish(void)
{
	csn_trust_free(trust);
	csn_identity_free(id);
	id = NULL;
}

struct plan {
	struct csn_ctx *ctx;
	struct csn_reader *r;
	struct csn_hash *hash;
	struct csn_audit_state state;
	struct csn_audit_stamp stamp;
	struct csn_out file;
	int changed;
	int forged;		/* which verifying has to tell */
};

/* The line without its end, edited by the plan and chained. */
static void
chain_it(struct plan *p, struct csn_audit_line *line)
{
	uint8_t body[4096], mac[CSN_HASH_SIZE];
	struct csn_out w;
	size_t len;

	csn_out_init(&w);
	csn_audit_line_write(&w, &p->stamp, line);
	csn_audit_line_prev(&w, p->state.chain.head);
	check(csn_out_ok(&w));
	len = w.len < sizeof(body) / 2 ? w.len : 0;
	memcpy(body, w.p, len);
	if (len > 0 && csn_read_u8(p->r) % 4 == 3)
		p->changed |= fuzz_edit(p->r, body, &len, sizeof(body));
	if (len == 0) {		/* a checkpoint's */
		must(csn_audit_chain_seal(p->ctx, p->hash, &p->state.chain,
		    w.p, w.len, mac));
		csn_put_bytes(&p->file, w.p, w.len);
	} else {
		must(csn_audit_chain_seal(p->ctx, p->hash, &p->state.chain,
		    body, len, mac));
		csn_put_bytes(&p->file, body, len);
	}
	csn_audit_line_mac(&p->file, mac);
	csn_out_wipe(&w);
	p->state.line++;
}

static void
put_line(struct plan *p)
{
	static struct csn_audit_line line;
	static const char *const ops[8] = { CSN_AUDIT_ENCRYPT,
	    CSN_AUDIT_DECRYPT, CSN_AUDIT_ROTATE,
	    CSN_AUDIT_ISOLATION_VIOLATION, CSN_AUDIT_SESSION_OPEN,
	    CSN_AUDIT_RECOVERY, "x", &"an-operation-of-31-bytes-exactly"[1] };
	uint8_t what = csn_read_u8(p->r);
	char *cose = NULL;

	memset(&line, 0, sizeof(line));
	line.n = p->state.chain.n;
	line.unix_ms = FUZZ_NOW + csn_read_u16(p->r) * 100u;
	if (p->state.line == 0) {
		line.kind = CSN_AUDIT_FILE;
		memcpy(line.log, p->state.log, sizeof(line.log));
	} else if (what % 9 == 0) {
		line.kind = CSN_AUDIT_CHECKPOINT;
		must(csn_audit_checkpoint_make(p->ctx, id, p->state.log,
		    line.n + (what >= 128), p->state.chain.head,
		    line.unix_ms, &cose));
		p->forged |= what >= 128;
		line.cose = cose;
		line.cose_len = strlen(cose);
	} else {
		line.rec.op = ops[what % 9 - 1];
		line.rec.success = what >= 128;
		line.rec.code = what >= 128 ? 0 : CSN_E_TAG;
		line.rec.flags = what / 16 % 4;
		line.rec.count = 1;
		line.rec.tenant = what & 1 ? "acme" : NULL;
		line.rec.detail = what & 2 ? "why\n" : NULL;
	}
	chain_it(p, &line);
	free(cose);
}

static int
count(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *record)
{
	(void)n;
	(void)unix_ms;
	check(csn_audit_op_valid(record->op));
	*(size_t *)arg += 1;
	return 0;
}

static int
known(int rc)
{
	check(rc == 0 || rc == CSN_E_AUDIT || rc == CSN_E_SIGNER ||
	    rc == CSN_E_FORM || rc == CSN_E_NOT_FOUND);
	return rc;
}

static void
use(struct plan *p, const char *folder)
{
	struct csn_audit_verify_options o = { .size = sizeof(o),
	    .trust = trust, .first_key = key };
	struct csn_audit_options w = { .size = sizeof(w),
	    .sync = CSN_AUDIT_SYNC_NEVER };
	struct csn_audit_filter last = { .size = sizeof(last), .limit = 2 };
	struct csn_audit *log;
	struct csn_result *result;
	size_t all = 0, newest = 0;
	int rc, read;

	must(csn_result_new(p->ctx, &result));
	rc = known(csn_audit_verify(p->ctx, folder, &o, result));
	check(rc == csn_result_code(result));
	check(p->changed || rc == 0);
	check(!p->forged || rc != 0);
	csn_result_free(result);
	if (csn_audit_open_reader(p->ctx, folder, &log) == 0) {
		read = known(csn_audit_each(log, NULL, count, &all));
		check(rc != 0 || read == 0);
		/* Of a damaged log the end is read alone, the rest unseen. */
		if (known(csn_audit_each(log, &last, count, &newest)) == 0 &&
		    rc == 0)
			check(newest == (all < 2 ? all : 2));
		csn_audit_close(log);
	}
	rc = csn_audit_open(p->ctx, folder, &w, &log);
	check(known(rc) == 0 || p->changed);
	if (rc == 0)
		csn_audit_close(log);
}

static void
clean(void)
{
	static const char *const names[] = { "log/audit-000000.jsonl",
	    "log/audit-000001.jsonl", "log/state", "log/lock" };
	size_t i;

	for (i = 0; i < 4; i++)
		(void)remove(fuzz_path(names[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t room[ROOM];
	const char *folder = fuzz_path("log");
	struct plan p = { .ctx = fuzz_ctx() };
	struct csn_reader r;
	uint8_t n;
	size_t size;

	if (id == NULL) {
		id = fuzz_identity(p.ctx);
		trust = fuzz_trust(p.ctx, id);
		check(mkdir(folder, 0700) == 0);
		check(atexit(finish) == 0);
	}
	csn_reader_init(&r, data, len);
	p.r = &r;
	must(csn_hash_new(p.ctx, &p.hash));
	csn_out_init(&p.file);
	memcpy(p.state.chain.key, key, sizeof(key));
	must(csn_audit_chain_start(p.ctx, p.state.log, p.state.chain.head));
	n = csn_read_u8(&r) % MOST;
	do {
		put_line(&p);
	} while (p.state.line <= n);
	check(csn_out_ok(&p.file));
	size = p.file.len < sizeof(room) / 2 ? p.file.len : 0;
	memcpy(room, p.file.p, size);
	p.state.offset = p.file.len;
	p.forged |= size == 0 || fuzz_edit(&r, room, &size, sizeof(room));
	(void)fuzz_file("log/audit-000000.jsonl", room, size);
	if (csn_read_u8(&r) & 1) {
		p.changed = 1;
		p.state.offset += csn_read_u8(&r) - 128u;
		p.state.line += csn_read_u8(&r) - 128u;
		p.state.file = csn_read_u8(&r) % 2;
		p.state.oldest = csn_read_u8(&r) % 2;
		n = csn_read_u8(&r);
		p.state.chain.n += n;
		p.forged |= n != 0;
		n = csn_read_u8(&r);
		p.state.chain.head[0] ^= n;
		p.forged |= n != 0;
	}
	p.changed |= p.forged;
	must(csn_audit_state_save(p.ctx, folder, &p.state));
	use(&p, folder);
	clean();
	csn_out_wipe(&p.file);
	csn_hash_free(p.hash);
	return 0;
}
