/* SPDX-License-Identifier: Apache-2.0 */
/* redis/say.c - the code and the sentence for what a server answers. */
#include <string.h>

#include "providers/store/redis/redis.h"

int
csn_redis_odd(const struct csn_redis *r, const char *command)
{
	return csn_fail(r->config.ctx, CSN_E_BACKEND, "store", "the answer "
	    "to %s is of a kind that it cannot have: is it a Redis server?",
	    command);
}

/* The server's own words, without what it repeats of the command. */
static void
words_of(const struct csn_redis_reply *reply, char out[121])
{
	size_t i;

	for (i = 0; i < reply->len && i < 120; i++) {
		if (reply->len - i >= 11 &&
		    memcmp(reply->p + i, ", with args", 11) == 0)
			break;
		out[i] = reply->p[i] >= ' ' && reply->p[i] < 0x7f ?
		    (char)reply->p[i] : '?';
	}
	out[i] = '\0';
}

int
csn_redis_error(const struct csn_redis *r, const struct csn_redis_node *node,
    const struct csn_redis_reply *reply)
{
	static const struct {
		const char *word;
		int code;
		const char *what;
	} known[] = {
		{ "NOAUTH", CSN_E_BACKEND, "it wants a password: give it by "
		    "password-env=NAME or password-file=FILE" },
		{ "WRONGPASS", CSN_E_BACKEND,
		    "it refuses the user or password" },
		{ "OOM", CSN_E_QUOTA, "it has no memory left (maxmemory) and "
		    "may evict nothing" },
		{ "READONLY", CSN_E_BACKEND, "it is a read-only replica: name "
		    "its master, or the cluster with cluster=1" },
		{ "LOADING", CSN_E_BACKEND,
		    "it is still loading its data: try again soon" },
		{ "MASTERDOWN", CSN_E_BACKEND, "it is a replica that has "
		    "lost its master: try again soon" },
		{ "NOREPLICAS", CSN_E_BACKEND, "it has too few replicas in "
		    "touch to take writes" },
		{ "MISCONF", CSN_E_QUOTA, "it takes no writes, as it "
		    "cannot save to its disk: look at its log" },
		{ "BUSY", CSN_E_BACKEND, "a script of somebody's keeps it "
		    "busy: SCRIPT KILL ends that" },
		{ "CLUSTERDOWN", CSN_E_BACKEND, "its cluster is down: a part "
		    "of the slots has no server" },
		{ "TRYAGAIN", CSN_E_BACKEND, "the slot is being moved and "
		    "did not settle in time: try again" },
		{ "MOVED", CSN_E_BACKEND, "it is part of a cluster: add "
		    "cluster=1 to the URL" },
		{ "ASK", CSN_E_BACKEND, "it is part of a cluster: add "
		    "cluster=1 to the URL" },
		{ "WRONGTYPE", CSN_E_FORM, "the key is there, but holds "
		    "no string: another program's?" },
	};
	static const char no_cluster[] = "ERR This instance has cluster "
	    "support disabled";
	struct csn_ctx *ctx = r->config.ctx;
	char words[121];
	size_t i;

	if (reply->type != CSN_REDIS_ERROR)
		return csn_redis_odd(r, "a command");
	if (r->config.cluster && (csn_redis_is_error(reply, "MOVED") ||
	    csn_redis_is_error(reply, "ASK")))
		return csn_fail(ctx, CSN_E_BACKEND, "store", "%s: the slot "
		    "went elsewhere in the middle of this: try again",
		    node->name);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (csn_redis_is_error(reply, known[i].word))
			return csn_fail(ctx, known[i].code, "store",
			    "%s: %s", node->name, known[i].what);
	}
	words_of(reply, words);
	if (strncmp(words, no_cluster, sizeof(no_cluster) - 1) == 0)
		return csn_fail(ctx, CSN_E_BACKEND, "store", "%s is not part "
		    "of a cluster: leave out cluster=1", node->name);
	if (csn_redis_is_error(reply, "NOPERM"))
		return csn_fail(ctx, CSN_E_POLICY, "store", "%s does not "
		    "allow it to this user (its ACL): %s", node->name, words);
	return csn_fail(ctx, CSN_E_BACKEND, "store", "%s answers: %s",
	    node->name, words);
}
