/*
 * Plans carried out on a simulated AWS, from random beginnings: however a region is found, and
 * wherever the command before was interrupted, one plan leads to a region for which there is
 * nothing to plan. The simulator refuses what AWS refuses, so that a wrong order fails too.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_world.h"

#define ROUNDS 20000

/* ---- The simulator */

static struct awsq_ec2_security_group *find_group(struct world *w, const char *id)
{
	for (size_t i = 0; i < w->o.groups.n; i++) {
		struct awsq_ec2_security_group *g = &w->groups[i];

		if (*id ? strcmp(g->id, id) == 0 : strcmp(g->vpc_id, VPC) == 0)
			return g;
	}
	fail_msg("no group '%s'", id);
	return NULL;
}

/* Where a rule is among a group's; AWS compares without the description. -1: nowhere. */
static int find_rule(const struct awsq_ec2_security_group *g, const struct rule *rule)
{
	struct rules all;
	int at = -1, seen = 0;

	assert_int_equal(rules_of_group(&all, g), 0);
	for (size_t i = 0; i < all.n; i++) {
		const struct rule *r = &all.items[i];

		if (r->egress != rule->egress)
			continue;
		if (r->kind == rule->kind && r->from_port == rule->from_port &&
			r->to_port == rule->to_port && strcmp(r->protocol, rule->protocol) == 0 &&
			strcmp(r->target, rule->target) == 0)
			at = seen;
		seen++;
	}
	rules_free(&all);
	return at;
}

static void revoke(struct world *w, struct awsq_ec2_security_group *g, const struct rule *rule)
{
	struct world_group *r = &w->rules[g - w->groups];
	size_t *n = rule->egress ? &g->n_egress : &g->n_ingress;
	int at = find_rule(g, rule);

	assert_true(at >= 0); /* InvalidPermission.NotFound */
	for (size_t i = (size_t)at; i + 1 < *n; i++) {
		struct awsq_ec2_ip_permission *p = r->permissions[rule->egress];
		struct awsq_ec2_rule_target *t = r->targets[rule->egress];

		p[i] = p[i + 1];
		t[i] = t[i + 1];
		p[i].ipv4 = p[i].ipv6 = p[i].prefix_lists = p[i].groups = &t[i];
	}
	(*n)--;
}

static void change_rules(struct world *w, const struct action *a)
{
	struct awsq_ec2_security_group *g = find_group(w, a->id);
	int is_revoke = a->kind == ACTION_REVOKE_INGRESS || a->kind == ACTION_REVOKE_EGRESS;
	int egress = a->kind == ACTION_REVOKE_EGRESS || a->kind == ACTION_AUTHORIZE_EGRESS;

	for (size_t i = 0; i < a->rules.n; i++) {
		const struct rule *rule = &a->rules.items[i];

		assert_int_equal(rule->egress, egress);
		if (is_revoke) {
			revoke(w, g, rule);
		} else {
			assert_int_equal(find_rule(g, rule), -1); /* InvalidPermission.Duplicate */
			world_rule(w, g, rule);
		}
	}
}

static void remove_image(struct world *w, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < w->o.images.n; i++) {
		if (strcmp(w->images[i].id, id) != 0)
			w->images[n++] = w->images[i];
	}
	assert_int_equal(n, w->o.images.n - 1);
	w->o.images.n = n;
}

static void copy_image(struct world *w)
{
	/* A name is given once; that of a failed image counts too. */
	for (size_t i = 0; i < w->o.images.n; i++)
		assert_string_not_equal(w->images[i].state, "failed");
	world_snapshot(w, world_image(w, "pending", HOME_IMAGE), 1);
}

static void wait_image(struct world *w, const char *id)
{
	size_t i = 0;

	while (i < w->o.images.n && (strcmp(w->images[i].state, "pending") != 0 ||
					    (*id && strcmp(w->images[i].id, id) != 0)))
		i++;
	assert_true(i < w->o.images.n);
	w->images[i].state = S("available");
}

static void run_instance(struct world *w)
{
	const struct awsq_ec2_image *image;
	size_t n;

	image = observed_image(&w->o, &n);
	assert_non_null(image);
	assert_string_equal(image->state, "available");
	assert_int_equal(w->o.key_pairs.n, 1);
	assert_non_null(observed_group(&w->o));
	world_instance(w, "pending", -1);
}

static void stop_instance(struct world *w, const char *id)
{
	struct awsq_ec2_instance *found = NULL;

	for (size_t i = 0; i < w->o.instances.n; i++) {
		if (*id ? strcmp(w->instances[i].id, id) == 0 : instance_is_live(&w->instances[i]))
			found = &w->instances[i];
	}
	assert_non_null(found);
	if (!found) /* for those who cannot know what an assertion does */
		return;
	found->state = S("stopped");
	found->n_volumes = 1;
}

static void create_group(struct world *w)
{
	static const struct rule all_egress = { 1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", NULL, "" };

	for (size_t i = 0; i < w->o.groups.n; i++)
		assert_string_not_equal(w->groups[i].vpc_id, VPC);
	world_rule(w, world_group(w, VPC), &all_egress);
}

static void carry_out(struct world *w, const struct action *a)
{
	switch (a->kind) {
	case ACTION_DELETE_KEY_PAIR:
		assert_string_equal(a->id, FLEET_NAME);
		w->o.key_pairs.n = 0;
		break;
	case ACTION_DEREGISTER_IMAGE:
		remove_image(w, a->id);
		break;
	case ACTION_COPY_IMAGE:
		copy_image(w);
		break;
	case ACTION_IMPORT_KEY_PAIR:
		assert_int_equal(w->o.key_pairs.n, 0); /* InvalidKeyPair.Duplicate */
		world_key(w, KEY);
		break;
	case ACTION_CREATE_GROUP:
		create_group(w);
		break;
	case ACTION_REVOKE_INGRESS:
	case ACTION_REVOKE_EGRESS:
	case ACTION_AUTHORIZE_INGRESS:
	case ACTION_AUTHORIZE_EGRESS:
		change_rules(w, a);
		break;
	case ACTION_WAIT_IMAGE:
		wait_image(w, a->id);
		break;
	case ACTION_RUN_INSTANCE:
		run_instance(w);
		break;
	case ACTION_STOP_INSTANCE:
		stop_instance(w, a->id);
		break;
	default:
		fail_msg("an action of the wrong kind");
	}
}

/* ---- Random beginnings */

static unsigned seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245U + 12345U;
	return (seed >> 16) % n;
}

static const struct rule some_rules[] = {
	{ 0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", NULL, "office" },
	{ 0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", NULL, "old" },
	{ 0, "tcp", 22, 22, RULE_IPV4, "0.0.0.0/0", NULL, "" },
	{ 0, "udp", 1, 65535, RULE_IPV6, "::/0", NULL, "" },
	{ 0, "-1", 0, 0, RULE_GROUP, RULE_SELF, NULL, "" },
	{ 0, "icmp", -1, -1, RULE_IPV4, "0.0.0.0/0", NULL, "ping" },
	{ 0, "tcp", 22, 22, RULE_GROUP, "sg-other", "210987654321", "" },
	{ 0, "tcp", 443, 443, RULE_PREFIX_LIST, "pl-1", NULL, "" },
	{ 1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", NULL, "" },
	{ 1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", NULL, "all" },
	{ 1, "-1", 0, 0, RULE_IPV6, "::/0", NULL, "" },
	{ 1, "tcp", 443, 443, RULE_IPV4, "0.0.0.0/0", NULL, "" },
	{ 1, "tcp", 443, 443, RULE_GROUP, RULE_SELF, NULL, "" },
};

#define N_SOME (sizeof(some_rules) / sizeof(*some_rules))

/* A random subset in which no two differ in their description only, since AWS has none such. */
static size_t pick_rules(struct rule *out)
{
	size_t n = 0;

	for (size_t i = 0; i < N_SOME; i++) {
		int like_last = n > 0 && i > 0 && out[n - 1].egress == some_rules[i].egress &&
		                strcmp(out[n - 1].protocol, some_rules[i].protocol) == 0 &&
		                strcmp(out[n - 1].target, some_rules[i].target) == 0;

		if (pick(2) && !like_last)
			out[n++] = some_rules[i];
	}
	return n;
}

static void pick_world(struct world *w)
{
	static const char *const states[] = { "pending", "running", "stopping", "stopped",
		"terminated", "shutting-down" };
	static const char *const keys[] = { KEY, OTHER_KEY, "" };
	struct rule rules[N_SOME] = { { 0 } };

	world_begin(w);
	if (pick(3) == 0)
		world_image(w, "failed", HOME_IMAGE);
	if (pick(2))
		world_snapshot(w,
			world_image(w, pick(2) ? "pending" : "available",
				pick(2) ? HOME_IMAGE : "ami-older"),
			(int)pick(2));
	if (pick(2))
		world_key(w, keys[pick(3)]);
	if (pick(3) == 0)
		world_group(w, "vpc-other");
	if (pick(2)) {
		struct awsq_ec2_security_group *g = world_group(w, VPC);
		size_t n = pick_rules(rules);

		for (size_t i = 0; i < n; i++)
			world_rule(w, g, &rules[i]);
	}
	for (unsigned i = pick(3); i > 0; i--)
		world_instance(w, states[4 + pick(2)], 0);
	if (pick(2)) {
		const char *state = states[pick(4)];
		int first = strcmp(state, "pending") == 0 ? -1 : 0;

		world_instance(w, state, pick(2) ? first : 3600);
	}
}

/* Plans and carries out the first n actions; how many there were. */
static size_t provision(struct world *w, const struct want *x, size_t n)
{
	struct plan p;
	size_t all;

	assert_int_equal(plan_provision(&p, &x->d, &w->o, &w->region), 0);
	assert_string_equal(p.blocked, "");
	(void)plan_words(&p);
	all = p.n;
	for (size_t i = 0; i < p.n && i < n; i++)
		carry_out(w, &p.actions[i]);
	plan_free(&p);
	return all;
}

static void test_provisioning_ends(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct rule wanted[N_SOME] = { { 0 } };
		struct want x;
		struct world w;
		size_t n, later;

		seed = round * 2654435761U + 1;
		want_begin(&x);
		want_rules(&x, wanted, pick_rules(wanted));
		pick_world(&w);
		/* Interrupted once or twice, somewhere. */
		for (unsigned i = pick(3); i > 0; i--)
			(void)provision(&w, &x, pick(8));
		(void)provision(&w, &x, SIZE_MAX);
		later = provision(&w, &x, SIZE_MAX);
		if (later != 0)
			fail_msg("round %u: %zu actions are left", round, later);
		(void)observed_instance(&w.o, &n);
		assert_int_equal(n, 1);
		assert_non_null(observed_image(&w.o, &n));
	}
}

/* ---- Teardown */

static void remove_one(struct world *w, const struct action *a)
{
	size_t n = 0;

	if (a->kind == ACTION_TERMINATE_INSTANCE) {
		for (size_t i = 0; i < w->o.instances.n; i++) {
			if (strcmp(w->instances[i].id, a->id) == 0)
				w->instances[i].state = S("terminated");
		}
	} else if (a->kind == ACTION_DEREGISTER_IMAGE) {
		remove_image(w, a->id);
	} else if (a->kind == ACTION_DELETE_SNAPSHOT) {
		for (size_t i = 0; i < w->o.images.n; i++) { /* InvalidSnapshot.InUse */
			for (size_t k = 0; k < w->images[i].n_devices; k++)
				assert_string_not_equal(w->images[i].devices[k].snapshot_id, a->id);
		}
		for (size_t i = 0; i < w->o.snapshots.n; i++) {
			if (strcmp(w->snapshots[i].id, a->id) != 0)
				w->snapshots[n++] = w->snapshots[i];
		}
		w->o.snapshots.n = n;
	} else if (a->kind == ACTION_DELETE_KEY_PAIR) {
		w->o.key_pairs.n = 0;
	} else {
		assert_int_equal(a->kind, ACTION_DELETE_GROUP);
		for (size_t i = 0; i < w->o.instances.n; i++) /* DependencyViolation */
			assert_string_equal(w->instances[i].state, "terminated");
		for (size_t i = 0; i < w->o.groups.n; i++) {
			if (strcmp(w->groups[i].id, a->id) != 0)
				w->groups[n++] = w->groups[i];
		}
		w->o.groups.n = n;
	}
}

static size_t tear_down(struct world *w, size_t n)
{
	struct plan p;
	size_t all;

	assert_int_equal(plan_teardown(&p, &w->o), 0);
	(void)plan_words(&p);
	all = p.n;
	for (size_t i = 0; i < p.n && i < n; i++)
		remove_one(w, &p.actions[i]);
	plan_free(&p);
	return all;
}

static void test_teardown_ends(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct want x;
		struct world w;

		seed = round * 2654435761U + 7;
		want_begin(&x);
		pick_world(&w);
		if (pick(2))
			(void)provision(&w, &x, pick(12));
		(void)tear_down(&w, pick(6));
		(void)tear_down(&w, SIZE_MAX);
		assert_int_equal(tear_down(&w, SIZE_MAX), 0);
		assert_int_equal(w.o.images.n + w.o.snapshots.n + w.o.key_pairs.n + w.o.groups.n,
			0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_provisioning_ends),
		cmocka_unit_test(test_teardown_ends),
	};

	return cmocka_run_group_tests_name("plan_random", tests, NULL, NULL);
}
