/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/guest/sim/tsm_model.h - configfs-tsm as the kernel documents it
 * (Documentation/ABI/testing/configfs-tsm-report): folders, attributes,
 * generations. Paths begin at the root: "", "/NAME", "/NAME/inblob". The
 * functions return a negative errno where the system call would fail. A lock
 * makes each of them one step.
 */
#ifndef CAISSON_TESTS_GUEST_SIM_TSM_MODEL_H
#define CAISSON_TESTS_GUEST_SIM_TSM_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "platform/fake_pki.h"

#define TSM_MODEL_INBLOB 64
#define TSM_MODEL_MAX 32768	/* bytes of a report */

/* The driver behind the interface. */
struct tsm_driver {
	const char *provider;	/* "sev_guest" */
	int privlevels;		/* privlevel, privlevel_floor, auxblob */
	unsigned floor;
	/* Fill in report and auxblob; 0, or an errno. */
	int (*report)(void *arg, const uint8_t inblob[TSM_MODEL_INBLOB],
	    unsigned privlevel, struct fake_bytes *out,
	    struct fake_bytes *aux);
	void *arg;
};

/* What goes wrong next, each so often. */
struct tsm_trouble {
	unsigned wrapped;	/* new folders whose generation is all used */
	unsigned meddled;	/* inblobs after which a stranger writes too */
	unsigned late;		/* outblobs after which a stranger writes */
	unsigned busy;		/* outblobs that are EBUSY */
	int fails;		/* an errno for every outblob, or 0 */
	int empty;		/* reports that are one byte */
	unsigned short_writes;	/* inblobs of which 10 bytes are taken */
};

/* What was seen. */
struct tsm_seen {
	unsigned made;		/* folders, ever */
	unsigned folders;	/* and now */
	unsigned handles;	/* open now */
	unsigned reports;
	unsigned inblob_writes;
	char last_name[64];
};

struct tsm_model {
	struct tsm_inner *inner;
};

void tsm_model_start(struct tsm_model *m, const struct tsm_driver *driver);
void tsm_model_end(struct tsm_model *m);
/* Another driver, or NULL: none is loaded (any more). */
void tsm_model_load(struct tsm_model *m, const struct tsm_driver *driver);
void tsm_model_trouble(struct tsm_model *m, const struct tsm_trouble *t);
struct tsm_seen tsm_model_seen(const struct tsm_model *m);

int tsm_model_mkdir(struct tsm_model *m, const char *path);
int tsm_model_rmdir(struct tsm_model *m, const char *path);
/* S_IFDIR or S_IFREG and permissions. */
int tsm_model_mode(struct tsm_model *m, const char *path, mode_t *mode);
/* The i-th name in it, from 0; -ENOENT behind the last. */
int tsm_model_name(struct tsm_model *m, const char *path, unsigned i,
    char name[64]);
/* A handle, from 0. */
int tsm_model_open(struct tsm_model *m, const char *path, int flags);
ssize_t tsm_model_read(struct tsm_model *m, int handle, void *p, size_t len,
    size_t offset);
ssize_t tsm_model_write(struct tsm_model *m, int handle, const void *p,
    size_t len);
/* What close() sets off; what comes of it, nobody is told. */
void tsm_model_commit(struct tsm_model *m, int handle);
void tsm_model_release(struct tsm_model *m, int handle);

#endif
