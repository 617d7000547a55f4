/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu/backend.c - is a file what the guest's memory is?
 *
 * Without share=on, QEMU's default, the guest's writes go to pages of QEMU's
 * own, and the file stays as it was when the guest began. So QEMU is asked
 * which object the main memory is, whether that is shared, and where its file
 * lies; that has to be the very file that is read here.
 */
#include <string.h>
#include <sys/stat.h>

#include "providers/region/qemu/qemu.h"

#define ROOM "region"

/* The path of a backend's file, as QEMU has it; NULL where it says none. */
static json_t *
path_of(struct csn_guest *g, const char *id, int *rc)
{
	json_t *arguments, *value = NULL;
	char object[160];

	(void)snprintf(object, sizeof(object), "/objects/%s", id);
	arguments = json_pack("{ss ss}", "path", object, "property",
	    "mem-path");
	if (arguments == NULL)
		*rc = csn_nomem(g->ctx, ROOM, "a guest's memory");
	else
		*rc = csn_qmp_call(g->qmp, "qom-get", arguments, &value);
	return value;
}

static int
same_file(struct csn_guest *g, const char *id)
{
	struct stat ours, theirs;
	json_t *path;
	int rc, same;

	if ((path = path_of(g, id, &rc)) == NULL)
		return rc;
	same = json_is_string(path) && fstat(g->ram, &ours) == 0 &&
	    stat(json_string_value(path), &theirs) == 0 &&
	    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
	if (!same)
		rc = csn_fail(g->ctx, CSN_E_BACKEND, ROOM, "the guest's main "
		    "memory %s is not in %.200s but in %.200s: leave ram= "
		    "out, or name that", id, g->config.ram,
		    json_is_string(path) ? json_string_value(path) :
		    "no file");
	json_decref(path);
	return rc;
}

/* The object of that id among those that QEMU has as memory. */
static json_t *
find(json_t *list, const char *id)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
		if (json_is_string(json_object_get(o, "id")) &&
		    strcmp(json_string_value(json_object_get(o, "id")),
		    id) == 0)
			return o;
	return NULL;
}

int
csn_guest_check_ram(struct csn_guest *g)
{
	const char *id = g->layout.block;
	json_t *list, *one;
	int rc;

	if ((rc = csn_qmp_call(g->qmp, "query-memdev", NULL, &list)) != 0)
		return rc;
	if ((one = find(list, id)) == NULL)
		rc = csn_fail(g->ctx, CSN_E_BACKEND, ROOM, "the guest's main "
		    "memory %s is no memory-backend-file object that QEMU "
		    "tells of, so that %.200s cannot be it: leave ram= out",
		    id, g->config.ram);
	else if (!json_is_true(json_object_get(one, "share")))
		rc = csn_fail(g->ctx, CSN_E_BACKEND, ROOM, "the guest's main "
		    "memory %s is not shared with its file (share=on), so "
		    "that %.200s is not what the guest writes: leave ram= "
		    "out", id, g->config.ram);
	json_decref(list);
	return rc != 0 ? rc : same_file(g, id);
}
