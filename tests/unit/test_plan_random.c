/*
 * Plans carried out on a simulated AWS, from random beginnings and with random settings: however a
 * region is found, and wherever the command before was interrupted, a plan leads to a region for
 * which there is nothing to plan, and to the same one.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_drift.h"

#define ROUNDS 4000

/* ---- Provisioning */

/* Plans and carries out the first n actions; what there was to do stays in *p, to be freed. */
static void provision(struct plan *p, struct world *w, const struct want *x, struct made *made,
	size_t n)
{
	struct hand h = { .w = w, .x = x, .plan = p, .made = made };

	assert_int_equal(plan_provision(p, &x->d, &w->o, &w->region, &x->options), 0);
	h.image_id = p->image_id;
	h.group_id = p->group_id;
	plan_is_sound(p);
	(void)plan_words(p);
	(void)plan_differences(p);
	for (size_t i = 0; i < p->n && i < n; i++) {
		/* Of an image that is an instance's still, no other one could be made. */
		for (size_t k = 0;
			p->actions[i].kind == ACTION_DEREGISTER_IMAGE && k < w->o.instances.n; k++)
			assert_false(instance_is_live(&w->instances[k]) &&
				     !strstr(p->actions[i].why, "failed") &&
				     same(w->instances[k].image_id, p->actions[i].id));
		/* What runs may be at work. */
		for (size_t k = 0;
			p->actions[i].kind == ACTION_TERMINATE_INSTANCE && k < w->o.instances.n;
			k++)
			assert_false(same(w->instances[k].id, p->actions[i].id) &&
				     !same(w->instances[k].state, "stopped"));
		carry_out(&h, &p->actions[i]);
	}
}

/* Whether what was begun is to be finished before anything is replaced. */
static int is_in_transit(const struct world *w)
{
	int replaced = 0, on = 0;

	for (size_t i = 0; i < w->o.instances.n; i++) {
		const struct awsq_ec2_instance *instance = &w->instances[i];

		replaced += instance_replaced(&w->o.instances, instance) != NULL;
		on += instance_is_live(instance) && !same(instance->state, "stopped");
	}
	return replaced || on;
}

/* Whether there is a snapshot that may be, or not, of the image which is under way. */
static int is_unclear(const struct world *w)
{
	int pending = 0, orphan = 0;

	for (size_t i = 0; i < w->o.images.n; i++)
		pending |= same(w->images[i].state, "pending");
	for (size_t i = 0; i < w->o.snapshots.n; i++)
		orphan |= !is_used(w, w->snapshots[i].id);
	return pending && orphan;
}

/* Carries plans out until nothing is left; 0 when that is blocked. */
static int settle(struct world *w, const struct want *x, struct made *made)
{
	int most = 1 + ((x->options.replace && is_in_transit(w)) || is_unclear(w));
	struct plan p;

	for (int n = 0; n <= most; n++) {
		size_t left;
		int blocked;

		provision(&p, w, x, made, SIZE_MAX);
		left = p.n;
		blocked = p.blocked[0] != '\0';
		if (n == most && left > 0)
			fail_msg("left after %d: %s", n, plan_words(&p));
		plan_free(&p);
		if (blocked)
			return 0;
		if (left == 0)
			return 1;
	}
	return 1;
}

/* ---- Whether a region is as it should be, by other means than the planner's */

static int has_tag(const struct awsq_ec2_tag *tags, size_t n, const char *key, const char *value)
{
	return same(awsq_ec2_tag_value(tags, n, key), value);
}

static int is_right_instance(const struct world *w, const struct want *x,
	const struct awsq_ec2_instance *i, const char *image_id)
{
	const struct awsq_ec2_instance_attributes *a = &w->attributes[i - w->instances];
	const char *key = awsq_ec2_tag_value(i->tags, i->n_tags, TAG_KEY);

	return has_tag(i->tags, i->n_tags, TAG_NAME, FLEET_NAME) &&
	       has_tag(i->tags, i->n_tags, TAG_FLEET, FLEET_NAME) && same(i->image_id, image_id) &&
	       (same(i->type, x->types[0]) || same(i->type, x->types[1])) &&
	       same(i->key_name, FLEET_NAME) && (!key || same(key, FINGERPRINT)) &&
	       (x->d.profile_name ? same(i->profile_arn, PROFILE_ARN "role") : !i->profile_arn) &&
	       same(i->http_tokens, "required") && i->n_groups == 1 &&
	       same(i->groups[0].id, chosen_group(&w->o, VPC)->id) && same(i->vpc_id, VPC) &&
	       same(a->user_data, x->user_data) && same(a->shutdown_behavior, "stop") &&
	       !a->disable_api_stop &&
	       (!x->config.elsewhere.subnet || same(i->subnet_id, SUBNET)) &&
	       (same(i->state, "stopped") || w->o.in_use || !same(i->state, "running"));
}

static int is_right_group(const struct world *w, const struct want *x)
{
	const struct rule_names names = observed_rule_names(&w->o, REGION, VPC);
	const struct awsq_ec2_security_group *g = chosen_group(&w->o, VPC);

	if (!g || g->n_ingress + g->n_egress != x->d.rules.n)
		return 0;
	for (size_t i = 0; i < x->d.rules.n; i++) {
		struct rules one = { &x->d.rules.items[i], 1 };
		struct awsq_ec2_ip_permission *permissions;
		struct awsq_ec2_rule_target *targets;
		int at = -1, egress = one.items[0].egress;

		if (rules_to_permissions(&permissions, &targets, &one, g->id, &names) == 0)
			at = find_permission(g, egress, &permissions[0]);
		free(permissions);
		free(targets);
		if (at < 0)
			return 0;
	}
	return 1;
}

/* No difference, of whatever remedy, is left. */
static void is_as_wanted(const struct world *w, const struct want *x)
{
	const struct awsq_ec2_image *copy = NULL;
	const struct awsq_ec2_key_pair *key = chosen_key_pair(&w->o);
	size_t n = 0;

	for (size_t i = 0; i < w->o.images.n; i++) {
		/* One that somebody made by hand is somebody's to remove. */
		if (awsq_ec2_tag_value(w->images[i].tags, w->images[i].n_tags, TAG_SOURCE_IMAGE))
			assert_string_not_equal(w->images[i].state, "failed");
		/* It says so, since it is tagged by now. */
		if (same(w->images[i].state, "available") &&
			has_tag(w->images[i].tags, w->images[i].n_tags, TAG_SOURCE_IMAGE,
				HOME_IMAGE) &&
			w->images[i].devices[0].encrypted >=
				desired_encrypts(&x->d, &x->config.elsewhere))
			copy = &w->images[i];
	}
	assert_non_null(copy);
	assert_true(key && sshkey_same_public(key->public_key, KEY) &&
		    has_tag(key->tags, key->n_tags, TAG_FLEET, FLEET_NAME));
	assert_true(is_right_group(w, x));
	for (size_t i = 0; i < w->o.instances.n; i++) {
		if (instance_is_live(&w->instances[i]) && ++n)
			assert_true(is_right_instance(w, x, &w->instances[i],
				w->instances[i].image_id));
	}
	assert_int_equal(n, x->config.elsewhere.count);
	for (size_t i = 0; i < w->o.volumes.n; i++) {
		assert_int_equal(w->volumes[i].n_attachments, 1);
		assert_true(has_tag(w->volumes[i].tags, w->volumes[i].n_tags, TAG_FLEET,
			FLEET_NAME));
		assert_true(w->volumes[i].encrypted >=
			    desired_encrypts(&x->d, &x->config.elsewhere));
	}
}

static void test_one_plan_is_enough(void **state)
{
	unsigned blocked = 0, clean = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct made made = { 0 };
		struct want x;
		struct world w;
		struct plan p;

		seed = round * 2654435761U + 1;
		pick_want(&x);
		pick_world(&w, &x);
		if (!settle(&w, &x, &made)) {
			blocked++;
			continue;
		}
		assert_true(made.images <= 1 && made.groups <= 1 && made.key_pairs <= 1);
		assert_true(made.instances <= (unsigned)x.config.elsewhere.count);
		provision(&p, &w, &x, &made, 0);
		assert_int_equal(p.n, 0);
		if (p.n_differences == 0)
			is_as_wanted(&w, &x);
		clean += p.n_differences == 0;
		plan_free(&p);
	}
	/* Most were no trivial cases. */
	assert_in_range(blocked, 1, ROUNDS / 5);
	assert_in_range(clean, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

/* ---- Killed */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* In no order: who is made first depends on when the command before was killed. */
static void tell_instances(struct awsq_buf *out, const struct world *w)
{
	char lines[WORLD_MAX][100];

	for (size_t i = 0; i < w->o.instances.n; i++) {
		const struct awsq_ec2_instance *instance = &w->instances[i];

		/* What becomes of one that is replaced does not matter. */
		if (!instance_is_live(instance))
			(void)snprintf(lines[i], sizeof(lines[i]), "%s; ", instance->state);
		else
			(void)snprintf(lines[i], sizeof(lines[i]), "%s %s %zu %s %d %d; ",
				instance->state, instance->type, instance->n_tags, instance->vpc_id,
				w->attributes[i].disable_api_stop,
				w->attributes[i].disable_api_termination);
	}
	qsort(lines, w->o.instances.n, sizeof(lines[0]), by_text);
	for (size_t i = 0; i < w->o.instances.n; i++)
		awsq_buf_adds(out, lines[i]);
}

/* All that matters of a region, without the ids. */
static void tell_world(struct awsq_buf *out, const struct world *w)
{
	for (size_t i = 0; i < w->o.images.n; i++)
		awsq_buf_addf(out, "%s %s %d; ", w->images[i].name, w->images[i].state,
			w->images[i].devices[0].encrypted);
	awsq_buf_addf(out, "%zu snapshots, %zu key pairs, %zu groups, %zu volumes; ",
		w->o.snapshots.n, w->o.key_pairs.n, w->o.groups.n, w->o.volumes.n);
	for (size_t i = 0; i < w->o.groups.n; i++)
		awsq_buf_addf(out, "%s %zu %zu; ", w->groups[i].vpc_id, w->groups[i].n_ingress,
			w->groups[i].n_egress);
	tell_instances(out, w);
}

static void test_killed_at_any_point(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct awsq_buf straight = AWSQ_BUF_INIT(4000), killed = AWSQ_BUF_INIT(4000);
		struct made made[2] = { { 0 }, { 0 } };
		struct want x;
		struct world w;
		struct plan p;

		for (int kill = 0; kill < 2; kill++) {
			seed = round * 2654435761U + 3;
			pick_want(&x);
			pick_world(&w, &x);
			for (unsigned i = kill ? 1 + pick(3) : 0; i > 0; i--) {
				provision(&p, &w, &x, &made[1], pick(8));
				plan_free(&p);
			}
			(void)settle(&w, &x, &made[kill]);
			tell_world(kill ? &killed : &straight, &w);
		}
		assert_string_equal(awsq_buf_str(&killed), awsq_buf_str(&straight));
		assert_memory_equal(&made[0], &made[1], sizeof(made[0]));
		awsq_buf_free(&straight);
		awsq_buf_free(&killed);
	}
}

/* ---- Teardown */

/* Plans and carries out the first n actions; 0 when that is blocked or nothing was to be done. */
static size_t tear_down(struct world *w, const struct want *x, size_t n)
{
	struct made made = { 0 };
	struct plan p;
	struct hand h = { .w = w, .x = x, .plan = &p, .made = &made };
	size_t all;

	assert_int_equal(plan_teardown(&p, &w->o, &x->options), 0);
	(void)plan_words(&p);
	assert_int_equal(p.blocked[0] && p.n > 0, 0);
	assert_true(!p.blocked[0] || !x->options.lift_protection);
	all = p.blocked[0] ? SIZE_MAX : p.n;
	for (size_t i = 0; i < p.n && i < n; i++)
		carry_out(&h, &p.actions[i]);
	plan_free(&p);
	return all;
}

/* Whether one of the instances is there and may not be terminated. */
static int is_any_protected(const struct world *w)
{
	for (size_t i = 0; i < w->o.instances.n; i++) {
		if (instance_is_live(&w->instances[i]) &&
			(w->attributes[i].disable_api_stop ||
				w->attributes[i].disable_api_termination))
			return 1;
	}
	return 0;
}

static void test_teardown_ends(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct awsq_ec2_security_group *g;
		struct made made = { 0 };
		struct want x;
		struct world w;
		struct plan p;
		size_t others;

		seed = round * 2654435761U + 7;
		pick_want(&x);
		pick_world(&w, &x);
		if (pick(2)) {
			provision(&p, &w, &x, &made, pick(12));
			plan_free(&p);
		}
		g = world_group(&w, FLEET_NAME, "vpc-3");
		TAG(&w, g, TAG_FLEET, "OTHER");
		others = 1;
		for (size_t i = 0; i < w.o.groups.n; i++)
			others += (size_t)same(w.groups[i].name, "bastion");
		if (!x.options.lift_protection && is_any_protected(&w)) {
			assert_int_equal(tear_down(&w, &x, SIZE_MAX), SIZE_MAX);
			continue;
		}
		(void)tear_down(&w, &x, pick(6));
		(void)tear_down(&w, &x, SIZE_MAX);
		assert_int_equal(tear_down(&w, &x, SIZE_MAX), 0);
		assert_int_equal(w.o.images.n + w.o.snapshots.n + w.o.key_pairs.n + w.o.volumes.n,
			0);
		assert_int_equal(w.o.groups.n, others);
		for (size_t i = 0; i < w.o.instances.n; i++)
			assert_string_equal(w.instances[i].state, "terminated");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_plan_is_enough),
		cmocka_unit_test(test_killed_at_any_point),
		cmocka_unit_test(test_teardown_ends),
	};

	return cmocka_run_group_tests_name("plan_random", tests, NULL, NULL);
}
