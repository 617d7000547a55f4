/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/tour.h - what the steps of the tour share. */
#ifndef CLI_TOUR_H
#define CLI_TOUR_H

#include <sys/types.h>

#include "../lib/cli.h"

#define TOUR_TENANTS 2

/* data/sample/README.md has the layout. */
struct tour_sample {
	uint8_t *p;
	size_t len;
	uint32_t layers;
	uint32_t tokens;	/* positions of a sequence */
	uint32_t row;		/* bytes of K (or V) at a position */
};

struct tour_tenant {
	const char *id;
	struct csn_identity *identity;
	struct csn_trust *trust;	/* knows the server */
	struct csn_session *session;	/* the tenant's end */
};

struct tour {
	struct cli *cli;
	struct csn_ctx *ctx;
	const char *green, *red, *bold, *plain;
	int number;		/* of the step */
	int bad;		/* checks that were not as told */
	uint64_t began_ns;
	json_t *steps;
	json_t *step;
	char *folder;		/* temporary */
	char *log;		/* the audit log's folder in it */
	struct tour_sample sample;
	struct csn_identity *server;
	struct csn_trust *trust;	/* the server's: tenants, and itself */
	struct tour_tenant tenants[TOUR_TENANTS];
	struct csn_audit *audit;
	uint8_t first_key[CSN_KEY_SIZE];	/* of the log's MACs */
	struct csn_manager *manager;
	struct csn_store *store;
	struct csn_kv_store *kv;
};

/* --- telling (tell.c) ---------------------------------------------- */

void tour_step(struct tour *t, const char *name, const char *title);
/** A line of plain words. */
void tour_tell(struct tour *t, const char *fmt, ...) CSN_PRINTF(2, 3);
/** A fact of the step for --json; the reference is given up. */
void tour_fact(struct tour *t, const char *name, json_t *value);
/** A line that says whether something is as told; returns ok. */
int tour_check(struct tour *t, int ok, const char *fmt, ...)
    CSN_PRINTF(3, 4);
/** A line that says that an attack was refused, with code and sentence. */
int tour_refused(struct tour *t, int rc, int expected, const char *fmt, ...)
    CSN_PRINTF(4, 5);
/** rc is 0, or say what the library could not do. An exit code. */
int tour_lib(struct tour *t, int rc, const char *what);

/* --- the sample (sample.c) ----------------------------------------- */

int tour_sample_load(struct tour *t);
/* Keys (which 0) or values (1) of a sequence's layer; positions in order. */
const uint8_t *tour_rows(const struct tour *t, size_t tenant, uint32_t layer,
    int which);
uint32_t tour_token(const struct tour *t, size_t tenant, uint32_t position);
/* The slot and the rows of one layer and position. */
void tour_entry(const struct tour *t, size_t tenant, uint32_t layer,
    uint32_t position, struct csn_kv_item *item);
/* The slot and the rows of all positions of one layer, named by its hash. */
int tour_block(const struct tour *t, size_t tenant, uint32_t layer,
    struct csn_kv_item *item);

/* --- the steps: 0, or an exit code where the tour cannot go on ---------- */

int tour_identities(struct tour *t);		/* setup.c */
int tour_sessions(struct tour *t);
int tour_store(struct tour *t);			/* store.c */
int tour_rotation(struct tour *t);
int tour_attacks(struct tour *t);		/* attacks.c */
int tour_audit(struct tour *t);			/* audit.c */
int tour_speed(struct tour *t);			/* speed.c */

/** Every entry and block of the sample, read back and compared. */
int tour_compare(struct tour *t, size_t tenant, size_t *same,
    size_t *total);

#endif
