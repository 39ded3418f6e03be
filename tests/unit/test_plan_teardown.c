/*
 * What clear-region plans: everything, in an order that AWS accepts, whatever subset there is.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_expect.h"

static const struct plan_options usual = { 0 }, lifting = { .lift_protection = 1 };

static void removes(const struct world *w, const struct plan_options *options, const char *words)
{
	struct plan p;

	assert_int_equal(plan_teardown(&p, &w->o, options), 0);
	assert_string_equal(p.blocked, "");
	assert_string_equal(plan_words(&p), words);
	assert_int_equal(p.n_differences, 0);
	for (size_t i = 0; i < p.n; i++)
		assert_true(action_is_change(&p.actions[i]));
	plan_free(&p);
}

/* The actions' words in the order in which they have to come; ids are those of test_subsets. */
static const char *const parts[] = { "terminate-instance(i-6)", "delete-volume(vol-8)",
	"deregister-image(ami-1)", "delete-snapshot(snap-3)", "delete-key-pair(NAVO)",
	"delete-group(sg-5)" };

enum { INSTANCE, VOLUME, IMAGE, SNAPSHOT, KEY_PAIR, GROUP, N_PARTS };

/* Every subset: an instance with its volume, another volume, an image with its snapshot, ... */
static void test_subsets(void **state)
{
	(void)state;
	for (unsigned has = 0; has < 1U << N_PARTS; has++) {
		char words[300] = "";
		struct world w;

		world_begin(&w);
		world_snapshot(&w, world_image(&w, "available", HOME_IMAGE), 0);
		world_snapshot(&w, NULL, 1);
		world_key(&w, KEY);
		world_group(&w, FLEET_NAME, VPC);
		world_instance(&w, "stopped", 0);
		world_volume(&w, NULL, 0);
		w.o.instances.n = has >> INSTANCE & 1;
		w.o.volumes.items += !(has >> INSTANCE & 1);
		w.o.volumes.n = (has >> INSTANCE & 1) + (has >> VOLUME & 1);
		w.o.images.n = has >> IMAGE & 1;
		w.o.snapshots.n = has >> SNAPSHOT & 1;
		w.o.key_pairs.n = has >> KEY_PAIR & 1;
		w.o.groups.n = has >> GROUP & 1;
		for (int k = 0; k < N_PARTS; k++) {
			size_t used = strlen(words);

			if (has & 1U << k)
				(void)snprintf(words + used, sizeof(words) - used, "%s%s",
					used ? " " : "", parts[k]);
		}
		removes(&w, &usual, words);
	}
}

/* Snapshots go with the image that is made of them, by the same call, tagged or not. */
static void test_snapshots(void **state)
{
	struct awsq_ec2_image *image;
	struct world w;

	(void)state;
	world_begin(&w);
	image = world_image(&w, "available", HOME_IMAGE);
	world_snapshot(&w, image, 1);
	world_snapshot(&w, image, 0);
	world_snapshot(&w, NULL, 1);
	removes(&w, &usual, "deregister-image(ami-1) delete-snapshot(snap-4)");
}

static void test_states_of_instances(void **state)
{
	static const char *const on[] = { "pending", "running", "stopping", "stopped",
		"shutting-down" };
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		world_begin(&w);
		world_instance(&w, on[i], 3600);
		removes(&w, &usual, "terminate-instance(i-1)");
	}
	world_begin(&w);
	world_instance(&w, "terminated", 0);
	removes(&w, &usual, "");
}

/* More of everything than there should be; images in all states; devices without a snapshot. */
static void test_several_of_each(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_instance(&w, "running", -1);
	world_instance(&w, "terminated", -1);
	world_instance(&w, "stopped", -1);
	world_snapshot(&w, world_image(&w, "pending", HOME_IMAGE), 0);
	world_image(&w, "failed", NULL);
	world_snapshot(&w, world_image(&w, "available", HOME_IMAGE), 0);
	w.devices[1][0].device = S("/dev/sdb");
	w.devices[1][1] = (struct awsq_ec2_block_device){ .snapshot_id = S("") };
	w.images[1].n_devices = 2;
	world_key(&w, KEY);
	world_key(&w, OTHER_KEY)->name = S("NAVO-2");
	world_group(&w, FLEET_NAME, VPC);
	world_group(&w, FLEET_NAME, "vpc-other");
	removes(&w, &usual,
		"terminate-instance(i-1) terminate-instance(i-3) deregister-image(ami-4) "
		"deregister-image(ami-6) deregister-image(ami-7) delete-key-pair(NAVO) "
		"delete-key-pair(NAVO-2) delete-group(sg-11) delete-group(sg-12)");
	/* Without a default VPC as well: what is there goes. */
	w.o.vpcs.n = 0;
	w.o.instances.n = w.o.images.n = 0;
	removes(&w, &usual,
		"delete-key-pair(NAVO) delete-key-pair(NAVO-2) delete-group(sg-11) "
		"delete-group(sg-12)");
}

/* All groups of the region are known, since rules name them. */
static void test_groups_of_others(void **state)
{
	struct awsq_ec2_security_group *g;
	struct world w;

	(void)state;
	world_begin(&w);
	world_group(&w, "web", VPC);
	g = world_group(&w, FLEET_NAME, VPC);
	TAG(&w, g, TAG_FLEET, "OTHER");
	world_group(&w, FLEET_NAME, "vpc-2")->n_tags = 0;
	g = world_group(&w, "old name", VPC);
	TAG(&w, g, TAG_FLEET, FLEET_NAME);
	removes(&w, &usual, "delete-group(sg-3) delete-group(sg-4)");
}

/* ---- Protection and volumes */

static void test_protected(void **state)
{
	struct world w;
	struct plan p;

	(void)state;
	world_begin(&w);
	world_instance(&w, "stopped", 0);
	world_key(&w, KEY);
	w.attributes[0].disable_api_termination = 1;
	assert_int_equal(plan_teardown(&p, &w.o, &usual), 0);
	assert_string_equal(p.blocked, "instance i-1 is protected from termination: "
				       "--lift-protection turns that off");
	assert_int_equal(p.n, 0);
	plan_free(&p);
	removes(&w, &lifting,
		"unprotect-termination(i-1) terminate-instance(i-1) delete-key-pair(NAVO)");
	/* Protection against a stop is against that, too. */
	w.attributes[0].disable_api_stop = 1;
	removes(&w, &lifting,
		"unprotect-stop(i-1) unprotect-termination(i-1) terminate-instance(i-1) "
		"delete-key-pair(NAVO)");
	w.attributes[0].disable_api_termination = 0;
	assert_int_equal(plan_teardown(&p, &w.o, &usual), 0);
	assert_string_not_equal(p.blocked, "");
	plan_free(&p);
	removes(&w, &lifting, "unprotect-stop(i-1) terminate-instance(i-1) delete-key-pair(NAVO)");
	/* It is too late for that. */
	w.instances[0].state = S("shutting-down");
	removes(&w, &usual, "terminate-instance(i-1) delete-key-pair(NAVO)");
}

/* What stays when its instance goes is tagged before, so as to be known after. */
static void test_volumes(void **state)
{
	static const struct {
		int attached, along, tagged;
		const char *state, *words;
	} cases[] = {
		{ 1, 1, 1, "in-use", "terminate-instance(i-1)" },
		{ 1, 1, 0, "in-use", "terminate-instance(i-1)" },
		{ 1, 0, 1, "in-use", "terminate-instance(i-1) delete-volume(vol-2)" },
		{ 1, 0, 0, "in-use",
			"tag(vol-2)=awsq:fleet:NAVO terminate-instance(i-1) delete-volume(vol-2)" },
		{ 0, 0, 1, "available", "terminate-instance(i-1) delete-volume(vol-2)" },
		{ 0, 0, 1, "error", "terminate-instance(i-1) delete-volume(vol-2)" },
		{ 0, 0, 1, "deleting", "terminate-instance(i-1)" },
		{ 0, 0, 1, "deleted", "terminate-instance(i-1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct awsq_ec2_instance *instance;
		struct awsq_ec2_volume *v;
		struct world w;

		world_begin(&w);
		instance = world_instance(&w, "stopped", -1);
		v = world_volume(&w, cases[i].attached ? instance : NULL, cases[i].along);
		v->state = S(cases[i].state);
		v->n_tags = (size_t)cases[i].tagged;
		removes(&w, &usual, cases[i].words);
		/* Another fleet's is left to that. */
		TAG(&w, v, TAG_FLEET, "OTHER");
		removes(&w, &usual, "terminate-instance(i-1)");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subsets),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_states_of_instances),
		cmocka_unit_test(test_several_of_each),
		cmocka_unit_test(test_groups_of_others),
		cmocka_unit_test(test_protected),
		cmocka_unit_test(test_volumes),
	};

	return cmocka_run_group_tests_name("plan_teardown", tests, NULL, NULL);
}
