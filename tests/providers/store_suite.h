/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/store_suite.h - what every store must do. */
#ifndef CAISSON_TESTS_STORE_SUITE_H
#define CAISSON_TESTS_STORE_SUITE_H

#include <caisson/store.h>

/* What a backend cannot tell or do; the suite checks that it says so. */
#define STORE_LACKS_LIST 1u	/* list is CSN_E_BACKEND */
#define STORE_LACKS_COUNTS 2u	/* stat's entries and bytes */

/* A backend to run the suite over. */
struct store_subject {
	const char *name;	/* of its cases: "NAME case" */
	/*
	 * Make the backend empty and give the URL that opens it, by
	 * malloc(3); NULL is a failure. Called before each case.
	 */
	char *(*make)(void *arg);
	/* After each case; url is what make gave, and freed later. NULL. */
	void (*clear)(void *arg, const char *url);
	void *arg;
	unsigned lacks;
	unsigned grain_ms;	/* of its clock, where coarser than 10 ms */
	size_t most;		/* bytes of its largest value; 0: enough */
};

/** Run every case over each of n subjects. Returns how many failed. */
int store_suite_run(const struct store_subject *subjects, size_t n);

/** The same over stores that are empty whenever they are opened. */
int store_suite(const char *const *urls, size_t n);

/** A program's own provider: a list under a lock, nothing in place. */
extern const struct csn_store_provider store_list;

/* --- Between the suite's own files --------------------------------------- */

struct store_fixture {
	const struct store_subject *subject;
	char *url;
	struct csn_ctx *ctx;
	struct csn_store *store;
};

#define U(s) ((const uint8_t *)(s)), strlen(s)

/* What the value of a number and a length is, byte by byte. */
void store_fill(uint8_t *p, size_t len, uint64_t seed);
void store_put_value(struct csn_store *store, const char *space,
    const char *key, size_t len, uint64_t seed);
void store_check_value(struct csn_store *store, const char *space,
    const char *key, size_t want, uint64_t seed);
/* That stat says so, where this store counts. */
void store_check_entries(struct store_fixture *f, const char *space,
    uint64_t entries);

/* store_suite_more.c: names, large values, ends, locks. */
struct CMUnitTest;
const struct CMUnitTest *store_more_cases(size_t *n);

#endif
