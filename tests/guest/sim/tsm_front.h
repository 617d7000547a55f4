/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/guest/sim/tsm_front.h - the two ways to a struct tsm_model: mounted
 * as a FUSE file system, for the system's own calls, and at the seam where
 * the library makes them, for machines where nothing can be mounted.
 */
#ifndef CAISSON_TESTS_GUEST_SIM_TSM_FRONT_H
#define CAISSON_TESTS_GUEST_SIM_TSM_FRONT_H

#include "guest/sim/tsm_model.h"
#include "guest/tsm.h"

struct tsm_mount;

/* Mounted in a folder of its own; NULL, and in *why the reason. */
struct tsm_mount *tsm_mount_new(struct tsm_model *m, const char **why);
const char *tsm_mount_path(const struct tsm_mount *mount);
void tsm_mount_free(struct tsm_mount *mount);

#define TSM_SEAM_ROOT "/sim/tsm/report"

/* The calls, for paths below TSM_SEAM_ROOT. */
struct csn_tsm_io tsm_seam(struct tsm_model *m);

/* One of both, for a suite that runs over both. */
struct tsm_front {
	struct tsm_model model;
	struct tsm_mount *mount;
	struct csn_tsm_io io;
	const char *root;
	const char *why;	/* it is not there, or NULL */
};
void tsm_front_start(struct tsm_front *f, const struct tsm_driver *driver,
    int mounted);
/* Fails the test where a folder or handle was left. */
void tsm_front_end(struct tsm_front *f);

#endif
