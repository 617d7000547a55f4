/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/seal/test_sealed_resume.c - files whose writing or reading stopped and
 * goes on, and files whose recipients come and go.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity/document.h"
#include "identity/people.h"
#include "lib/test.h"
#include "seal/body.h"
#include "seal/files.h"
#include "seal/hands.h"
#include "seal/streams.h"

#define SEG FILES_SEGMENT
#define LEN (4 * SEG + 50)
#define CAP (LEN + 65536)

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice, *bob, *carol;
	struct csn_document *to_alice, *to_bob, *to_carol;
	const struct csn_document *both[2];	/* alice and bob */
	struct csn_trust *trust;	/* alice and carol seal */
	uint8_t *data;
	struct files_sealed a;		/* by alice to both */
};

static void
setup(struct fixture *f)
{
	const struct csn_identity *to[2];

	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "alice");
	f->bob = people_quick(f->ctx, 2, "bob");
	f->carol = people_quick(f->ctx, 3, "carol");
	f->to_alice = files_document(f->ctx, f->alice);
	f->to_bob = files_document(f->ctx, f->bob);
	f->to_carol = files_document(f->ctx, f->carol);
	f->both[0] = f->to_alice;
	f->both[1] = f->to_bob;
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_SEALER);
	people_trust(f->ctx, f->trust, f->carol, CSN_PURPOSE_SEALER);
	f->data = streams_data(LEN);
	to[0] = f->alice;
	to[1] = f->bob;
	files_seal(f->ctx, f->alice, to, 2, NULL, f->data, LEN, LEN, &f->a);
}

static void
teardown(struct fixture *f)
{
	files_free(&f->a);
	free(f->data);
	csn_trust_free(f->trust);
	csn_document_free(f->to_alice);
	csn_document_free(f->to_bob);
	csn_document_free(f->to_carol);
	csn_identity_free(f->alice);
	csn_identity_free(f->bob);
	csn_identity_free(f->carol);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

static struct csn_sealer_options
options(struct fixture *f)
{
	return (struct csn_sealer_options){
	    .size = sizeof(struct csn_sealer_options), .segment = SEG,
	    .signer = f->alice, .nrecipients = 2, .recipients = f->both };
}

/* Go on with what `file` has; data is the source's bytes. */
static int
resume(struct fixture *f, struct hands *file, const uint8_t *data,
    size_t len, struct csn_sealed_facts *facts)
{
	struct csn_sealer_options o = options(f);
	struct csn_sealed_io partial = hands_io(file, 1), source;
	struct csn_sealer *sealer;
	struct hands in;
	int rc;

	if ((rc = csn_sealer_resume(f->ctx, &o, &partial, &sealer)) != 0)
		return rc;
	hands_begin(&in, data, len, 0);
	source = hands_io(&in, len % 2 == 0);
	if ((rc = csn_sealer_run(sealer, &source, &partial)) == 0 &&
	    (rc = csn_sealer_facts(sealer, facts)) == 0)
		/* What was there behind it is cut off. */
		file->len = (size_t)facts->sealed_length;
	csn_sealer_free(sealer);
	hands_end(&in);
	return rc;
}

static void
opens(struct fixture *f, const struct csn_identity *id, const uint8_t *p,
    size_t n)
{
	struct files_opened opened;

	assert_int_equal(files_open(f->ctx, id, f->trust, p, n, 3000,
	    &opened), 0);
	assert_int_equal(opened.len, LEN);
	assert_memory_equal(opened.p, f->data, LEN);
	files_wipe(&opened);
}

TEST(a_file_cut_anywhere_goes_on_under_another_key, struct fixture *f)
{
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct hands file;
	size_t cut, kept, i, from, next;

	/* Around each boundary, and here and there between. */
	for (cut = f->a.at[0] - 2; cut <= f->a.len; cut += next) {
		next = 301;
		for (i = 0; i <= f->a.n; i++) {
			if (cut + 2 >= f->a.at[i] && cut < f->a.at[i] + 5)
				next = 1;
			else if (cut < f->a.at[i] && cut + next > f->a.at[i])
				next = f->a.at[i] - 2 - cut;
		}
		hands_begin(&file, f->a.p, cut, CAP);
		if (cut < f->a.at[0]) {
			assert_int_equal(resume(f, &file, f->data, LEN,
			    &facts), CSN_E_FORM);
			hands_end(&file);
			continue;
		}
		assert_int_equal(resume(f, &file, f->data, LEN, &facts), 0);
		assert_int_equal(facts.runs, 2);
		/* The final segment is written anew in any case. */
		for (kept = 0; kept < f->a.n - 1 &&
		    f->a.at[kept + 1] <= cut; kept++)
			;
		assert_memory_equal(file.p, f->a.p, f->a.at[kept]);
		from = f->a.at[kept] + 20;
		assert_memory_not_equal(file.p + from, f->a.p +
		    f->a.at[kept], 4 + (kept < f->a.n - 1 ? SEG : 50));
		opens(f, f->bob, file.p, file.len);
		hands_end(&file);
	}
}

TEST(it_stops_and_goes_on_again_and_again, struct fixture *f)
{
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct hands file;
	size_t i;

	hands_begin(&file, f->a.p, f->a.at[1] + 9, CAP);
	for (i = 0; i < 5; i++) {
		assert_int_equal(resume(f, &file, f->data, LEN, &facts), 0);
		opens(f, f->alice, file.p, file.len);
		/* Then within the segment that the last run began with, and
		 * one further each second time. */
		file.len = f->a.at[1 + (i + 1) / 2] + 20 * (1 + (i + 1) / 2) +
		    9;
	}
	assert_true(facts.runs >= 3);
	hands_end(&file);
}

/* Threads write anywhere: what stopped has holes, and bytes behind them. */
TEST(holes_and_what_lies_behind_are_sealed_anew, struct fixture *f)
{
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct hands file;

	hands_begin(&file, f->a.p, f->a.len, CAP);
	memset(file.p + f->a.at[1], 0, SEG);
	assert_int_equal(resume(f, &file, f->data, LEN, &facts), 0);
	opens(f, f->bob, file.p, file.len);
	hands_end(&file);
	hands_begin(&file, f->a.p, f->a.len, CAP);
	file.p[f->a.at[2] + 777] ^= 1;
	assert_int_equal(resume(f, &file, f->data, LEN, &facts), 0);
	assert_memory_equal(file.p, f->a.p, f->a.at[2]);
	opens(f, f->bob, file.p, file.len);
	hands_end(&file);
}

TEST(only_its_sealer_and_its_source_go_on, struct fixture *f)
{
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct csn_sealer_options o = options(f);
	struct csn_sealed_io partial;
	struct csn_sealer *sealer;
	uint8_t *other = streams_data(LEN), key[CSN_KEY_SIZE] = { 1 };
	struct hands file;

	hands_begin(&file, f->a.p, f->a.at[3], CAP);
	other[SEG + 3] ^= 1;
	assert_int_equal(resume(f, &file, other, LEN, &facts), CSN_E_DRIFT);
	assert_int_equal(resume(f, &file, f->data, 2 * SEG, &facts),
	    CSN_E_DRIFT);
	assert_int_equal(resume(f, &file, f->data, 0, &facts), CSN_E_DRIFT);
	/* Behind what is there it may be another. */
	other[SEG + 3] ^= 1;
	other[3 * SEG + 3] ^= 1;
	assert_int_equal(resume(f, &file, other, LEN, &facts), 0);
	hands_end(&file);
	hands_begin(&file, f->a.p, f->a.at[3], CAP);
	partial = hands_io(&file, 1);
	o.signer = f->carol;
	assert_int_equal(csn_sealer_resume(f->ctx, &o, &partial, &sealer),
	    CSN_E_SIGNER);
	o.signer = f->alice;
	o.data_key = key;
	assert_int_equal(csn_sealer_resume(f->ctx, &o, &partial, &sealer),
	    CSN_E_TAG);
	o.data_key = NULL;
	file.p[f->a.at[0] - 3] ^= 1;
	assert_int_equal(csn_sealer_resume(f->ctx, &o, &partial, &sealer),
	    CSN_E_SIGNATURE);
	file.p[f->a.at[0] - 3] ^= 1;
	/* A piece at a time is not how it goes on. */
	assert_int_equal(csn_sealer_resume(f->ctx, &o, &partial, &sealer), 0);
	assert_int_equal(csn_sealer_update(sealer, f->data, 1, NULL, NULL),
	    CSN_E_ARG);
	csn_sealer_free(sealer);
	hands_end(&file);
	free(other);
}

/* A run of another file's, or one that the foot does not tell of. */
TEST(runs_are_the_sealers_own, struct fixture *f)
{
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct files_opened opened;
	struct hands file;
	size_t mark;
	int rc;

	hands_begin(&file, f->a.p, f->a.at[2], CAP);
	assert_int_equal(resume(f, &file, f->data, LEN, &facts), 0);
	mark = f->a.at[2];
	/* Its id is changed, then the mark is gone, then it is there twice. */
	file.p[mark + 9] ^= 1;
	rc = files_refused(f->ctx, f->bob, f->trust, file.p, file.len,
	    f->data, LEN);
	assert_int_equal(rc, CSN_E_TAG);
	file.p[mark + 9] ^= 1;
	memmove(file.p + mark, file.p + mark + 20, file.len - mark - 20);
	rc = files_refused(f->ctx, f->bob, f->trust, file.p, file.len - 20,
	    f->data, LEN);
	assert_int_equal(rc, CSN_E_TAG);
	memmove(file.p + mark + 20, file.p + mark, file.len - mark - 20);
	memcpy(file.p + mark, "\x10\0\0\x40""0123456789abcdef", 20);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, file.p,
	    file.len, 999, &opened), CSN_E_TAG);
	files_wipe(&opened);
	hands_end(&file);
}

/* --- killed at each write ---------------------------------------------- */

struct killer {
	int fd;
	int at;		/* the write that it dies in; -1: none */
	int torn;	/* after half of it */
};

static int
kill_write(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	struct killer *k = arg;

	if (k->at-- == 0) {
		if (k->torn)
			assert_true(pwrite(k->fd, p, len / 2,
			    (off_t)offset) >= 0);
		(void)kill(getpid(), SIGKILL);
	}
	return pwrite(k->fd, p, len, (off_t)offset) == (ssize_t)len ? 0 :
	    CSN_E_IO;
}

static int
kill_read(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	ssize_t n = pread(((struct killer *)arg)->fd, p, len, (off_t)offset);

	*got = n < 0 ? 0 : (size_t)n;
	return n < 0 ? CSN_E_IO : 0;
}

/* Begin, or go on with what is there. */
static int
write_file(struct fixture *f, struct killer *k)
{
	struct csn_sealer_options o = options(f);
	struct csn_sealed_io file = { .size = sizeof(file),
	    .flags = CSN_IO_ANYWHERE, .arg = k, .read = kill_read,
	    .write = kill_write, .length = (uint64_t)lseek(k->fd, 0,
	    SEEK_END) }, source;
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct csn_sealer *sealer;
	struct hands in;
	int rc;

	if (csn_sealer_resume(f->ctx, &o, &file, &sealer) != 0 &&
	    (rc = csn_sealer_new(f->ctx, &o, &sealer)) != 0)
		return rc;
	hands_begin(&in, f->data, LEN, 0);
	source = hands_io(&in, 1);
	if ((rc = csn_sealer_run(sealer, &source, &file)) == 0 &&
	    (rc = csn_sealer_facts(sealer, &facts)) == 0 &&
	    ftruncate(k->fd, (off_t)facts.sealed_length) != 0)
		rc = CSN_E_IO;
	csn_sealer_free(sealer);
	hands_end(&in);
	return rc;
}

TEST(killed_at_each_write_it_goes_on_where_it_was, struct fixture *f)
{
	char path[] = "/tmp/caisson-seal-XXXXXX";
	struct killer k = { .at = -1 };
	uint8_t *p = malloc(CAP);
	int at, status;
	ssize_t n;
	pid_t pid;

	assert_non_null(p);
	assert_true((k.fd = mkstemp(path)) >= 0);
	assert_int_equal(unlink(path), 0);
	/* The front, five segments, the foot: each whole, or half of it. */
	for (at = 0; at < 14; at++) {
		assert_int_equal(ftruncate(k.fd, 0), 0);
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			k.at = at / 2;
			k.torn = at % 2;
			/* A child's own context, as another process has. */
			f->ctx = people_ctx();
			(void)write_file(f, &k);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGKILL);
		assert_int_equal(write_file(f, &k), 0);
		n = pread(k.fd, p, CAP, 0);
		assert_true(n > LEN);
		opens(f, f->bob, p, (size_t)n);
	}
	close(k.fd);
	free(p);
}

/* --- reading goes on --------------------------------------------------- */

TEST(an_output_that_stopped_goes_on, struct fixture *f)
{
	static const size_t there[] = { 0, 1, SEG - 1, SEG, 2 * SEG + 5,
	    4 * SEG, LEN };
	struct csn_sealed_io source, sink;
	struct csn_sealed *sealed;
	struct hands file, out;
	uint64_t first;
	size_t i;

	hands_begin(&file, f->a.p, f->a.len, 0);
	source = hands_io(&file, 1);
	assert_int_equal(csn_sealed_new(f->ctx, f->bob, f->trust, NULL,
	    &source, &sealed), 0);
	for (i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		hands_begin(&out, f->data, there[i], LEN);
		sink = hands_io(&out, 1);
		assert_int_equal(csn_sealed_resume(sealed, &sink, &first), 0);
		assert_int_equal(first, there[i] / SEG);
		assert_int_equal(csn_sealed_run(sealed, NULL, first, &sink),
		    0);
		assert_int_equal(out.len, LEN);
		assert_memory_equal(out.p, f->data, LEN);
		hands_end(&out);
	}
	/* Another file's output: its last whole segment is compared. */
	hands_begin(&out, f->data, 2 * SEG + 5, LEN);
	out.p[SEG + 7] ^= 1;
	sink = hands_io(&out, 1);
	assert_int_equal(csn_sealed_resume(sealed, &sink, &first),
	    CSN_E_DRIFT);
	hands_end(&out);
	csn_sealed_free(sealed);
	hands_end(&file);
}

/* --- recipients -------------------------------------------------------- */

/* The file with another front; free. */
static uint8_t *
readdress(struct fixture *f, const struct csn_identity *signer,
    const struct csn_document *add, const struct csn_identity *gone,
    const uint8_t *p, size_t len, size_t *out_len, int *rc)
{
	const char *alias = gone != NULL ? csn_identity_alias(gone) : NULL;
	uint8_t *front = NULL, *out;
	size_t n, old;

	if ((*rc = csn_sealed_readdress(f->ctx, signer, NULL, p, len, &add,
	    add != NULL, &alias, gone != NULL, &front, &n, &old)) != 0) {
		assert_null(front);
		return NULL;
	}
	assert_non_null(out = malloc(n + len - old));
	memcpy(out, front, n);
	memcpy(out + n, p + old, len - old);
	*out_len = n + len - old;
	csn_free(front);
	return out;
}

static int
fails(struct fixture *f, const struct csn_identity *signer,
    const struct csn_document *add, const struct csn_identity *gone)
{
	size_t n;
	int rc;

	free(readdress(f, signer, add, gone, f->a.p, f->a.len, &n, &rc));
	return rc;
}

TEST(recipients_come_and_go_and_the_body_stays, struct fixture *f)
{
	struct files_opened opened;
	uint8_t *with, *without;
	size_t n, m;
	int rc;

	assert_int_equal(files_refused(f->ctx, f->carol, f->trust, f->a.p,
	    f->a.len, f->data, LEN), CSN_E_NOT_FOUND);
	people_now += 5000;
	with = readdress(f, f->alice, f->to_carol, NULL, f->a.p, f->a.len,
	    &n, &rc);
	assert_int_equal(rc, 0);
	assert_memory_equal(with + n - (f->a.len - f->a.at[0]), f->a.p +
	    f->a.at[0], f->a.len - f->a.at[0]);
	opens(f, f->alice, with, n);
	opens(f, f->bob, with, n);
	opens(f, f->carol, with, n);
	without = readdress(f, f->alice, NULL, f->bob, with, n, &m, &rc);
	assert_int_equal(rc, 0);
	opens(f, f->carol, without, m);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, without, m, 99,
	    &opened), CSN_E_NOT_FOUND);
	files_wipe(&opened);
	free(with);
	free(without);
}

TEST(the_sealer_alone_says_who_they_are, struct fixture *f)
{
	const char *two[] = { csn_identity_alias(f->alice),
	    csn_identity_alias(f->bob) };
	uint8_t *front;
	size_t n, old;

	/* Bob has the key, and passes nothing on under alice's name. */
	assert_int_equal(fails(f, f->bob, f->to_carol, NULL), CSN_E_SIGNER);
	assert_int_equal(fails(f, f->alice, f->to_bob, NULL), CSN_E_EXISTS);
	assert_int_equal(fails(f, f->alice, NULL, f->carol),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_sealed_readdress(f->ctx, f->alice, NULL, f->a.p,
	    f->a.len, NULL, 0, two, 2, &front, &n, &old), CSN_E_ARG);
	assert_int_equal(csn_sealed_readdress(f->ctx, f->alice, NULL, f->a.p,
	    f->a.at[0] - 1, NULL, 0, two, 1, &front, &n, &old), CSN_E_FORM);
	/* Out and in again: another slot. */
	assert_int_equal(fails(f, f->alice, f->to_bob, f->bob), 0);
}

/* The context's clock never runs back: this comes last. */
TEST(a_front_signed_after_the_document_ended_is_refused, struct fixture *f)
{
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_SEALER, .label = "Alice" };
	struct csn_trust *trust;
	struct files_opened opened;
	uint8_t *p;
	size_t n;
	int rc;

	e.document = csn_identity_document(f->alice, &e.document_len);
	assert_int_equal(csn_trust_new(f->ctx, &trust), 0);
	assert_int_equal(csn_trust_add(f->ctx, trust, &e), 0);
	people_now += CSN_DOCUMENT_LIFETIME_MS + 1;
	/* The file outlives it; what is signed now does not count. */
	assert_int_equal(files_open(f->ctx, f->bob, trust, f->a.p, f->a.len,
	    999, &opened), 0);
	files_wipe(&opened);
	p = readdress(f, f->alice, NULL, f->alice, f->a.p, f->a.len, &n, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(files_open(f->ctx, f->bob, trust, p, n, 999,
	    &opened), CSN_E_SIGNER);
	files_wipe(&opened);
	free(p);
	csn_trust_free(trust);
}
