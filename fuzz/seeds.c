/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds.c - the inputs of the corpus that are whole: messages of each form
 * that open, and a log whose lines hold on to each other. Nobody writes such
 * bytes by hand; where a format changes they are made anew.
 *
 * seeds CORPUS		say whether each of them is true
 * seeds --write CORPUS	write them
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include <caisson/features.h>
#include <caisson/kv.h>
#include <caisson/seal.h>

#include "audit/chain.h"
#include "audit/checkpoint.h"
#include "evidence/cose.h"
#include "people.h"
#include "seal/foot.h"
#include "seal/front.h"
#include "sealed.h"
#include "session.h"
#if CAISSON_HAVE_CACHE
#include "native.h"
#endif

#define SEGMENT 4096u

static struct csn_ctx *ctx;
static const char *corpus;
static int writing;
static unsigned wrong;

/* A seed as the corpus has it, or as it is to be. */
struct seed {
	uint8_t p[4 * SEGMENT];
	size_t len;
};

static struct seed s;

static void
path_of(const char *target, const char *name, char out[4096])
{
	int n = snprintf(out, 4096, "%s/%s/%s", corpus, target, name);

	check(n > 0 && n < 4096);
}

static void
put(const char *target, const char *name)
{
	char path[4096];
	FILE *f;

	path_of(target, name, path);
	check((f = fopen(path, "wb")) != NULL);
	check(fwrite(s.p, 1, s.len, f) == s.len && fclose(f) == 0);
}

/* 0 where it is not there. */
static int
get(const char *target, const char *name)
{
	char path[4096];
	FILE *f;

	path_of(target, name, path);
	if ((f = fopen(path, "rb")) == NULL) {
		printf("# %s: %s\n", path, strerror(errno));
		wrong++;
		return 0;
	}
	s.len = fread(s.p, 1, sizeof(s.p), f);
	check(fclose(f) == 0);
	return 1;
}

static void
judge(int is_true, const char *target, const char *name)
{
	if (is_true)
		return;
	printf("# %s/%s is not what it was made as: make it anew with "
	    "'seeds --write'\n", target, name);
	wrong++;
}

/* --- messages ----------------------------------------------------------- */

struct form {
	const char *name;
	struct csn_kv_slot slot;
	size_t key_len, value_len;
	int direction;
	int rotations;		/* before it is sealed */
};

static const struct form forms[] = {
	{ "entry", { .kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_BOTH,
	    .layer = 7, .count = 1, .position = 1 }, 32, 32, 0, 0 },
	{ "entry-token", { .kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_BOTH,
	    .layer = 7, .count = 1, .position = 2, .token_id = 99,
	    .flags = CSN_KV_HAS_TOKEN }, 1, 63, 0, 0 },
	{ "entry-key", { .kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_KEY,
	    .layer = 7, .count = 1, .position = 3 }, 16, 0, 0, 0 },
	{ "entry-value", { .kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_VALUE,
	    .layer = 7, .count = 1, .position = 4 }, 0, 16, 0, 0 },
	{ "entry-empty", { .kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_BOTH,
	    .layer = 7, .count = 1, .position = 5 }, 0, 0, 0, 0 },
	{ "entry-of-the-tenant", { .kind = CSN_KIND_KV_ENTRY,
	    .role = CSN_KV_BOTH, .layer = 7, .count = 1, .position = 6 },
	    8, 8, 1, 0 },
	{ "entry-three-epochs-on", { .kind = CSN_KIND_KV_ENTRY,
	    .role = CSN_KV_BOTH, .layer = 7, .count = 1, .position = 7 },
	    8, 8, 1, 3 },
	{ "block-all-layers", { .kind = CSN_KIND_KV_BLOCK,
	    .role = CSN_KV_BOTH, .layer = CSN_KV_ALL_LAYERS, .count = 16,
	    .position = 64, .name = { 'b' } }, 256, 256, 0, 0 },
	{ "block-value", { .kind = CSN_KIND_KV_BLOCK, .role = CSN_KV_VALUE,
	    .layer = 7, .count = 16, .position = 80, .name = { 'b' } },
	    0, 300, 0, 0 },
};

/* Behind two bytes that say to fuzz_kv.c that the rest is a message. */
#define KV_HEAD 2

static void
make_message(const struct form *f)
{
	struct csn_session *session = fuzz_session(ctx, f->direction, 0);
	struct csn_kv_item item = {
	    .size = sizeof(item), .session = session, .slot = f->slot };
	uint8_t plain[1024];
	int i;

	for (i = 0; i < f->rotations; i++)
		must(csn_session_rotate(session, CSN_ROTATE_MANUAL));
	fuzz_plain(plain, sizeof(plain));
	item.const_key = plain;
	item.key_len = f->key_len;
	item.const_value = plain;
	item.value_len = f->value_len;
	memset(s.p, 0, KV_HEAD);
	item.sealed = s.p + KV_HEAD;
	item.sealed_len = f->key_len + f->value_len + CSN_SEAL_OVERHEAD;
	must(csn_kv_seal(ctx, &item));
	s.len = item.sealed_len + KV_HEAD;
	put("kv", f->name);
	memmove(s.p, s.p + KV_HEAD, s.len -= KV_HEAD);
	put("header", f->name);
	csn_session_free(session);
}

static void
check_message(const struct form *f)
{
	struct csn_session *session = fuzz_session(ctx, 0, FUZZ_SEEDS);
	struct csn_kv_item item = { .size = sizeof(item),
	    .session = session,
	    .slot = f->slot,
	    .slot_expected = 1 };
	struct csn_header h = { .size = sizeof(h) };
	uint8_t key[1024], value[1024];

	item.key = key;
	item.key_len = sizeof(key);
	item.value = value;
	item.value_len = sizeof(value);
	if (get("kv", f->name)) {
		item.const_sealed = s.p + KV_HEAD;
		item.sealed_len = s.len - KV_HEAD;
		judge(csn_kv_open(ctx, &item) == 0 &&
		    item.key_len == f->key_len &&
		    item.value_len == f->value_len, "kv", f->name);
	}
	if (get("header", f->name))
		judge(csn_header_read(ctx, s.p, s.len, &h) == 0 &&
		    h.kind == f->slot.kind, "header", f->name);
	csn_session_free(session);
}

/* --- streams ------------------------------------------------------------ */

struct length {
	const char *name;
	size_t len;
	const char *slot;	/* NULL: no name */
};

static const struct length lengths[] = {
	{ "whole-empty", 0, NULL },
	{ "whole-short", 100, NULL },
	{ "whole-two-segments", SEGMENT + 1, NULL },
	{ "whole-full-segment", SEGMENT, NULL },
	{ "whole-named", 500, "a stream that has a name........" },
};

/* Behind two bytes that say to fuzz_stream.c that the rest is a stream. */
#define STREAM_HEAD 2

static void
make_stream(const struct length *l)
{
	struct csn_session *session = fuzz_session(ctx, 0, 0);
	uint8_t plain[2 * SEGMENT], *to = s.p + STREAM_HEAD;
	struct csn_stream *st;
	size_t at = 0, n;
	int final = 0;

	fuzz_plain(plain, sizeof(plain));
	s.p[0] = 0;
	s.p[1] = 0x80;
	must(csn_stream_sealer_new(session, SEGMENT, (const uint8_t *)l->slot,
	    to, &st));
	for (to += CSN_SEAL_HEADER; !final; to += n + CSN_STREAM_TAG) {
		n = l->len - at < SEGMENT ? l->len - at : SEGMENT;
		final = at + n == l->len;
		must(csn_stream_push(st, plain + at, n, final, to));
		at += n;
	}
	s.len = (size_t)(to - s.p);
	put("stream", l->name);
	csn_stream_free(st);
	memmove(s.p, s.p + STREAM_HEAD, s.len = CSN_SEAL_HEADER);
	put("header", l->name);
	csn_session_free(session);
}

static int
stream_is_whole(struct csn_session *session, const struct length *l)
{
	const uint8_t *p = s.p + STREAM_HEAD + CSN_SEAL_HEADER;
	size_t left = s.len - STREAM_HEAD - CSN_SEAL_HEADER, got = 0, n;
	struct csn_stream *st;
	uint8_t out[SEGMENT];
	int rc = 0;

	if (s.len < STREAM_HEAD + CSN_SEAL_HEADER ||
	    csn_stream_opener_new(session, s.p + STREAM_HEAD,
	    (const uint8_t *)l->slot, &st) != 0)
		return 0;
	while (rc == 0 && !csn_stream_done(st)) {
		n = left < SEGMENT + CSN_STREAM_TAG ? left :
		    SEGMENT + CSN_STREAM_TAG;
		rc = csn_stream_pull(st, p, n, n == left, out);
		got += n - CSN_STREAM_TAG;
		p += n;
		left -= n;
	}
	csn_stream_free(st);
	return rc == 0 && got == l->len;
}

static void
check_stream(const struct length *l)
{
	struct csn_session *session = fuzz_session(ctx, 0, FUZZ_SEEDS);
	struct csn_header h = { .size = sizeof(h) };

	if (get("stream", l->name))
		judge(stream_is_whole(session, l), "stream", l->name);
	if (get("header", l->name))
		judge(csn_header_read(ctx, s.p, s.len, &h) == 0 &&
		    h.kind == CSN_KIND_STREAM, "header", l->name);
	csn_session_free(session);
}

/* --- a cache's entries -------------------------------------------------- */

#if CAISSON_HAVE_CACHE
/* Behind a byte that says to fuzz_cache_native.c that the rest is one. */
#define NATIVE_HEAD 1

static void
do_cache(const char *name, uint64_t ends, int want)
{
	struct csn_cache_native *native = fuzz_native(ctx);
	struct csn_header h = { .size = sizeof(h) };
	static const uint8_t value[] = "what a cache keeps";
	uint8_t out[4 * SEGMENT];

	if (writing) {
		s.p[0] = 0;
		must(csn_cache_native_seal(native, &fuzz_bind, ends, value,
		    sizeof(value), s.p + NATIVE_HEAD));
		s.len = NATIVE_HEAD + sizeof(value) +
		    CSN_CACHE_NATIVE_OVERHEAD;
		put("cache_native", name);
		memmove(s.p, s.p + NATIVE_HEAD, s.len -= NATIVE_HEAD);
		put("header", name);
	} else {
		if (get("cache_native", name))
			judge(csn_cache_native_open(native, &fuzz_bind,
			    s.p + NATIVE_HEAD, s.len - NATIVE_HEAD, out,
			    NULL) == want, "cache_native", name);
		if (get("header", name))
			judge(csn_header_read(ctx, s.p, s.len, &h) == 0 &&
			    h.kind == CSN_KIND_CACHE, "header", name);
	}
	csn_cache_native_free(native);
}
#endif

/* --- a log -------------------------------------------------------------- */

#define LINES 9

struct log {
	struct csn_audit_chain chain;
	struct csn_audit_stamp stamp;
	struct csn_audit_line line;
	struct csn_hash *hash;
	struct csn_out w;
};

/* As fuzz_audit.c begins: its log's id and first key. */
static void
log_begin(struct log *l)
{
	size_t i;

	memset(l, 0, sizeof(*l));
	for (i = 0; i < sizeof(l->line.log); i++)
		l->line.log[i] = (uint8_t)i;
	for (i = 0; i < sizeof(l->chain.key); i++)
		l->chain.key[i] = (uint8_t)(100 + i);
	must(csn_audit_chain_start(ctx, l->line.log, l->chain.head));
	must(csn_hash_new(ctx, &l->hash));
	csn_out_init(&l->w);
}

static void
log_end(struct log *l)
{
	csn_hash_free(l->hash);
	csn_out_wipe(&l->w);
}

static void
add_line(struct log *l)
{
	uint8_t mac[CSN_HASH_SIZE];
	size_t from = l->w.len;

	l->line.n = l->chain.n;
	l->line.unix_ms = FUZZ_NOW + l->chain.n * 1001;
	csn_audit_line_write(&l->w, &l->stamp, &l->line);
	csn_audit_line_prev(&l->w, l->chain.head);
	check(csn_out_ok(&l->w));
	must(csn_audit_chain_seal(ctx, l->hash, &l->chain, l->w.p + from,
	    l->w.len - from, mac));
	csn_audit_line_mac(&l->w, mac);
	check(csn_out_ok(&l->w));
}

static void
add_file(struct log *l)
{
	l->line.kind = CSN_AUDIT_FILE;
	add_line(l);
	l->line.file++;
}

static void
add_record(struct log *l, const char *op, int code, const char *tenant,
    const char *detail, uint32_t flags)
{
	l->line.kind = CSN_AUDIT_RECORD;
	l->line.rec = (struct csn_audit_record){ .size = sizeof(l->line.rec),
	    .op = op, .success = code == 0, .code = code, .count = 1,
	    .flags = flags, .sequence = l->chain.n, .bytes = 4096,
	    .tenant = tenant, .detail = detail, .session = { 's' } };
	add_line(l);
}

static void
add_checkpoint(struct log *l, struct csn_identity *id)
{
	char *cose;

	must(csn_audit_checkpoint_make(ctx, id, l->line.log, l->chain.n,
	    l->chain.head, FUZZ_NOW, &cose));
	l->line.kind = CSN_AUDIT_CHECKPOINT;
	l->line.cose = cose;
	l->line.cose_len = strlen(cose);
	add_line(l);
	free(cose);
}

static void
make_log(void)
{
	const uint32_t both = CSN_AUDIT_HAS_SESSION | CSN_AUDIT_HAS_SEQUENCE;
	struct csn_identity *id = fuzz_identity(ctx);
	struct log *l = malloc(sizeof(*l));
	char *mac;

	check(l != NULL);
	log_begin(l);
	add_file(l);
	add_record(l, CSN_AUDIT_SESSION_OPEN, 0, "acme", "ML-KEM-768",
	    CSN_AUDIT_HAS_SESSION);
	add_record(l, CSN_AUDIT_ENCRYPT, 0, "acme", "layer 3 position 17",
	    both);
	add_record(l, CSN_AUDIT_DECRYPT, CSN_E_TAG, "globex",
	    "a \"quoted\" reason\xc3\xa9\\\n\x7f\xc2\x9b", both);
	add_record(l, CSN_AUDIT_ISOLATION_VIOLATION, CSN_E_TENANT, NULL, NULL,
	    0);
	add_checkpoint(l, id);
	add_file(l);
	add_record(l, "weights-loaded", 0, NULL, "a program's own", 0);
	add_record(l, CSN_AUDIT_ROTATE, 0, "acme", "MANUAL",
	    CSN_AUDIT_HAS_SESSION);
	check(l->chain.n == LINES && l->w.len <= sizeof(s.p));
	memcpy(s.p, l->w.p, s.len = l->w.len);
	put("audit", "whole-log");
	s.len -= 40;		/* within the last line's MAC */
	put("audit", "torn-line");
	s.len = l->w.len;
	mac = strstr((char *)s.p, "\"mac\":\"");
	mac = strstr(mac + 1, "\"mac\":\"");	/* of the second line */
	mac[7] = mac[7] == '0' ? '1' : '0';
	put("audit", "changed-mac");
	log_end(l);
	free(l);
	csn_identity_free(id);
}

/* The lines that hold on to each other, from the first on. */
static uint64_t
good_lines(void)
{
	struct log *l = malloc(sizeof(*l));
	const char *p = (const char *)s.p, *end;
	uint64_t n;

	check(l != NULL);
	log_begin(l);
	while ((end = memchr(p, '\n', s.len - (size_t)(p -
	    (const char *)s.p))) != NULL &&
	    csn_audit_line_read(p, (size_t)(end - p), &l->line) == 0 &&
	    csn_audit_chain_check(ctx, l->hash, &l->chain, 1, &l->line,
	    p) == CSN_AUDIT_LINE_GOOD)
		p = end + 1;
	n = l->chain.n;
	log_end(l);
	free(l);
	return n;
}

static void
check_log(const char *name, uint64_t lines)
{
	if (get("audit", name))
		judge(good_lines() == lines, "audit", name);
}

/* --- sealed files ------------------------------------------------------- */

static const struct file_form {
	const char *name;
	size_t len;
	uint32_t hash;
	uint32_t integrity;
	int resumed;
} files[] = {
	{ "whole-empty", 0, CSN_CONTENT_TREE, CSN_SEALED_LEAVES, 0 },
	{ "whole", 100, CSN_CONTENT_SHA256, CSN_SEALED_LEAVES, 0 },
	{ "whole-tags", 100, CSN_CONTENT_NONE, CSN_SEALED_TAGS, 0 },
	{ "whole-two-segments", SEGMENT + 1, CSN_CONTENT_TREE,
	    CSN_SEALED_LEAVES, 0 },
	{ "whole-resumed", SEGMENT + 1, CSN_CONTENT_TREE, CSN_SEALED_LEAVES,
	    1 },
};

static int
seed_write(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	(void)arg;
	check(len <= sizeof(s.p) && offset <= sizeof(s.p) - len);
	memcpy(s.p + offset, p, len);
	s.len = (size_t)offset + len;
	return 0;
}

static int
seed_read(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	const struct csn_reader r = { .p = arg != NULL ? arg : s.p,
	    .left = arg != NULL ? 2 * SEGMENT : s.len };

	return fuzz_bytes_read((void *)(uintptr_t)&r, offset, p, len, got);
}

static void
make_file(const struct file_form *f)
{
	struct csn_identity *id = fuzz_identity(ctx);
	struct csn_sealed_io in = { .size = sizeof(in),
	    .flags = CSN_IO_ANYWHERE, .read = seed_read, .length = f->len };
	struct csn_sealed_io out = { .size = sizeof(out),
	    .flags = CSN_IO_ANYWHERE, .read = seed_read,
	    .write = seed_write };
	struct csn_sealer_options o = { .size = sizeof(o),
	    .segment = SEGMENT, .signer = id, .nrecipients = 1,
	    .content_type = "fuzz", .integrity = f->integrity,
	    .content_hash = f->hash };
	struct csn_document *doc;
	struct csn_sealer *sealer;
	uint8_t plain[2 * SEGMENT];
	const uint8_t *p;
	size_t n;

	fuzz_plain(plain, sizeof(plain));
	in.arg = plain;
	p = csn_identity_document(id, &n);
	must(csn_document_verify(ctx, p, n, &doc));
	o.recipients = (const struct csn_document *const *)&doc;
	must(csn_sealer_new(ctx, &o, &sealer));
	must(csn_sealer_run(sealer, &in, &out));
	csn_sealer_free(sealer);
	if (f->resumed) {
		out.length = s.len;
		must(csn_sealer_resume(ctx, &o, &out, &sealer));
		must(csn_sealer_run(sealer, &in, &out));
		csn_sealer_free(sealer);
	}
	put("sealed", f->name);
	csn_document_free(doc);
	csn_identity_free(id);
}

static void
check_file(const struct file_form *f)
{
	struct csn_identity *id = fuzz_identity(ctx);
	struct csn_trust *trust = fuzz_trust(ctx, id);
	uint8_t plain[2 * SEGMENT];

	fuzz_plain(plain, sizeof(plain));
	if (get("sealed", f->name))
		judge(fuzz_at_hand(ctx, id, trust, s.p, s.len, plain,
		    f->len) == 0, "sealed", f->name);
	csn_trust_free(trust);
	csn_identity_free(id);
}

/* The last file's parts, by themselves. */
static void
make_parts(void)
{
	struct seed whole = s;
	struct csn_cose front, foot;
	size_t len, n;

	must(csn_front_prefix(ctx, whole.p, &len));
	must(csn_cose_parse(ctx, whole.p + CSN_SEALED_PREFIX, len, &front));
	must(csn_foot_tail(ctx, whole.p + whole.len - CSN_FOOT_TAIL, &n));
	must(csn_cose_parse(ctx, whole.p + whole.len - CSN_FOOT_TAIL - n, n,
	    &foot));
	memcpy(s.p, front.payload, s.len = front.payload_len);
	put("sealed", "front-payload");
	memcpy(s.p, foot.payload, s.len = foot.payload_len);
	put("sealed", "foot-payload");
	len += CSN_SEALED_PREFIX;
	memcpy(s.p, whole.p, s.len = len);
	put("sealed", "front");
	memcpy(s.p, whole.p + len, s.len = whole.len - len);
	put("sealed", "body");
	s.len -= n + 9;		/* without the last byte of its table */
	put("sealed", "no-foot");
}

static void
check_parts(void)
{
	struct csn_front front;
	struct csn_foot foot;

	if (get("sealed", "front-payload"))
		judge(csn_front_read(ctx, s.p, s.len, &front) == 0, "sealed",
		    "front-payload");
	if (get("sealed", "foot-payload"))
		judge(csn_foot_read(ctx, s.p, s.len, &foot) == 0, "sealed",
		    "foot-payload");
}

int
main(int argc, char **argv)
{
	size_t i;

	writing = argc == 3 && strcmp(argv[1], "--write") == 0;
	if (argc != 2 + writing) {
		fprintf(stderr, "usage: seeds [--write] CORPUS\n");
		return 2;
	}
	corpus = argv[argc - 1];
	ctx = fuzz_ctx();
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		(writing ? make_message : check_message)(&forms[i]);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		(writing ? make_stream : check_stream)(&lengths[i]);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(writing ? make_file : check_file)(&files[i]);
	(writing ? make_parts : check_parts)();
#if CAISSON_HAVE_CACHE
	do_cache("cache-for-ever", 0, 0);
	do_cache("cache-that-ends", fuzz_clock(NULL) + 1000, 0);
	do_cache("cache-that-ended", 1000, CSN_E_EXPIRED);
#endif
	if (writing)
		make_log();
	else {
		check_log("whole-log", LINES);
		check_log("torn-line", LINES - 1);
		check_log("changed-mac", 1);
	}
	if (!writing)
		printf("%s each_seed_of_the_corpus_is_true\n",
		    wrong == 0 ? "ok" : "not ok");
	return wrong != 0;
}
