/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/disk_model.h - what disk.c tells the model of the disk. */
#ifndef CAISSON_TESTS_LIB_DISK_MODEL_H
#define CAISSON_TESTS_LIB_DISK_MODEL_H

#include <sys/stat.h>
#include <sys/types.h>

#include "lib/disk.h"

struct disk_node;		/* a file or a folder */

void disk_model_start(const char *folder);
struct disk_node *disk_node_of(const struct stat *st);	/* NULL: unwatched */
struct disk_node *disk_node_new(const struct stat *st);
int disk_is_folder(const struct disk_node *node);

void disk_record_write(struct disk_node *node, off_t offset, const void *p,
    size_t len);
void disk_record_cut(struct disk_node *node, off_t len);
void disk_record_sync(struct disk_node *node);
void disk_record_mode(struct disk_node *node, mode_t mode);
void disk_record_promise(int n);
/* A name goes (from; NULL for none) and one is given (to; NULL for none). */
void disk_record_name(enum disk_op op, struct disk_node *from_dir,
    const char *from, struct disk_node *to_dir, const char *to,
    struct disk_node *node);

#endif
