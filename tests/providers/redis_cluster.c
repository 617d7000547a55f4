/* SPDX-License-Identifier: Apache-2.0 */
/* redis_cluster.c - six redis-servers that are a cluster, for a test. */
#include <unistd.h>

#include "lib/test.h"
#include "providers/redis_cluster.h"

int
redis_cluster_is_here(void)
{
	return program_is_here("redis-server") &&
	    program_is_here("redis-cli");
}

static int
all_say(struct redis_cluster *c, const char *command, const char *has)
{
	char answer[4096];
	size_t i;

	for (i = 0; i < REDIS_NODES; i++) {
		if (c->node[i].pid > 0 && (redis_say(c->node[i].port, command,
		    answer, sizeof(answer)) != 0 ||
		    strstr(answer, has) == NULL))
			return 0;
	}
	return 1;
}

int
redis_cluster_settled(struct redis_cluster *c)
{
	char answer[4096], command[128];
	size_t k;
	int i;

	for (i = 0; i < 600; i++) {
		if (all_say(c, "CLUSTER INFO", "cluster_state:ok"))
			return 1;
		/* Before Redis 7.2 a replica may take over without a slot
		 * that the others say is its: somebody has to tell it. */
		if (i % 200 == 199) {
			(void)snprintf(command, sizeof(command),
			    "redis-cli --cluster fix 127.0.0.1:%u "
			    "--cluster-yes >/dev/null 2>&1",
			    (unsigned)c->node[0].port);
			if (system(command) != 0)
				print_message("# not mended yet\n");
		}
		usleep(50000);
	}
	for (k = 0; k < REDIS_NODES; k++) {
		if (redis_say(c->node[k].port, "CLUSTER NODES", answer,
		    sizeof(answer)) == 0)
			print_message("# node %zu, port %u:\n%s\n", k,
			    c->node[k].port, answer);
		if (redis_say(c->node[k].port, "CLUSTER INFO", answer,
		    sizeof(answer)) == 0)
			print_message("# %s\n", answer);
	}
	return 0;
}

int
redis_cluster_start(struct redis_cluster *c)
{
	char command[512];
	size_t i, n;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < REDIS_NODES; i++) {
		c->node[i].cluster = 1;
		if (redis_server_start(&c->node[i]) != 0)
			return -1;
	}
	n = (size_t)snprintf(command, sizeof(command),
	    "redis-cli --cluster create");
	for (i = 0; i < REDIS_NODES; i++)
		n += (size_t)snprintf(command + n, sizeof(command) - n,
		    " 127.0.0.1:%u", c->node[i].port);
	snprintf(command + n, sizeof(command) - n,
	    " --cluster-replicas 1 --cluster-yes >/dev/null 2>&1");
	return system(command) == 0 && redis_cluster_settled(c) ? 0 : -1;
}

void
redis_cluster_stop(struct redis_cluster *c)
{
	size_t i;

	for (i = 0; i < REDIS_NODES; i++)
		redis_server_stop(&c->node[i]);
}

void
redis_cluster_kill(struct redis_cluster *c)
{
	size_t i;

	for (i = 0; i < REDIS_NODES; i++)
		redis_server_kill(&c->node[i]);
}

int
redis_cluster_again(struct redis_cluster *c)
{
	size_t i;

	for (i = 0; i < REDIS_NODES; i++)
		if (redis_server_start(&c->node[i]) != 0)
			return -1;
	return redis_cluster_settled(c) ? 0 : -1;
}

char *
redis_cluster_url(const struct redis_cluster *c, const char *options)
{
	char *url;

	if (asprintf(&url, "redis://127.0.0.1:%u,127.0.0.1:%u/?cluster=1%s",
	    c->node[0].port, c->node[1].port, options) < 0)
		return NULL;
	return url;
}
