/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/redis_cluster.h - six redis-servers that are a cluster. */
#ifndef CAISSON_TESTS_REDIS_CLUSTER_H
#define CAISSON_TESTS_REDIS_CLUSTER_H

#include "providers/redis_server.h"

#define REDIS_NODES 6

/** Three masters and a replica of each; pid 0 where one is stopped. */
struct redis_cluster {
	struct redis_server node[REDIS_NODES];
};

/** 1 where redis-server and redis-cli are on this machine. */
int redis_cluster_is_here(void);
/** Start it and wait until it serves. 0 or -1; stopped in either case. */
int redis_cluster_start(struct redis_cluster *c);
void redis_cluster_stop(struct redis_cluster *c);
/** 1 once each node that runs says that the cluster serves; 0 after 30 s. */
int redis_cluster_settled(struct redis_cluster *c);
/** As if all of it had crashed, and all of it again. 0 or -1. */
void redis_cluster_kill(struct redis_cluster *c);
int redis_cluster_again(struct redis_cluster *c);
/** Its URL, two of the six named, with options such as "&timeout=1"; free. */
char *redis_cluster_url(const struct redis_cluster *c, const char *options);

#endif
