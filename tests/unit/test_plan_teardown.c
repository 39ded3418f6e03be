/*
 * What clear-region plans: everything, in an order that AWS accepts, whatever subset there is.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_world.h"

static void plans(const struct world *w, const char *words)
{
	struct plan p;

	assert_int_equal(plan_teardown(&p, &w->o), 0);
	assert_string_equal(p.blocked, "");
	assert_string_equal(plan_words(&p), words);
	for (size_t i = 0; i < p.n; i++)
		assert_true(action_is_change(&p.actions[i]));
	plan_free(&p);
}

/* The actions' words in the order in which they have to come; ids are those of test_subsets. */
static const char *const parts[] = { "terminate-instance(i-6)", "deregister-image(ami-1)",
	"delete-snapshot(snap-3)", "delete-snapshot(snap-2)", "delete-key-pair(NAVO)",
	"delete-group(sg-5)" };

enum { INSTANCE, IMAGE, TAGGED, UNTAGGED, KEY_PAIR, GROUP, N_PARTS };

/* Every subset: an instance, an image, a snapshot only by tag, one only by the image, and so on. */
static void test_subsets(void **state)
{
	(void)state;
	for (unsigned has = 0; has < 1U << N_PARTS; has++) {
		struct awsq_ec2_image *image;
		char words[300] = "";
		struct world w;

		world_begin(&w);
		image = world_image(&w, "available", HOME_IMAGE);
		world_snapshot(&w, image, 0);
		world_snapshot(&w, NULL, 1);
		world_key(&w, KEY);
		world_group(&w, VPC);
		world_instance(&w, "stopped", 0);
		w.o.instances.n = has >> INSTANCE & 1;
		w.o.images.n = has >> IMAGE & 1;
		w.o.snapshots.n = has >> TAGGED & 1;
		image->n_devices = has >> UNTAGGED & 1;
		w.o.key_pairs.n = has >> KEY_PAIR & 1;
		w.o.groups.n = has >> GROUP & 1;
		for (int k = 0; k < N_PARTS; k++) {
			size_t used = strlen(words);

			/* Without its image nothing tells of the snapshot that has no tag. */
			if (!(has & 1U << k) || (k == UNTAGGED && !(has & 1U << IMAGE)))
				continue;
			(void)snprintf(words + used, sizeof(words) - used, "%s%s", used ? " " : "",
				parts[k]);
		}
		plans(&w, words);
	}
}

/* A snapshot that both its tag and its image tell of goes once. */
static void test_no_duplicates(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_snapshot(&w, world_image(&w, "available", HOME_IMAGE), 1);
	plans(&w, "deregister-image(ami-1) delete-snapshot(snap-2)");
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
		plans(&w, "terminate-instance(i-1)");
	}
	world_begin(&w);
	world_instance(&w, "terminated", 0);
	plans(&w, "");
}

/* More of everything than there should be; images in all states; devices without a snapshot. */
static void test_several_of_each(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_instance(&w, "running", 0);
	world_instance(&w, "terminated", 0);
	world_instance(&w, "stopped", 0);
	world_snapshot(&w, world_image(&w, "pending", HOME_IMAGE), 0);
	world_image(&w, "failed", NULL);
	world_snapshot(&w, world_image(&w, "available", HOME_IMAGE), 0);
	w.devices[1][0] = (struct awsq_ec2_block_device){ S("/dev/sdb"), NULL, 0 };
	w.devices[1][1] = (struct awsq_ec2_block_device){ S("/dev/sdc"), S(""), 0 };
	w.images[1].n_devices = 2;
	world_key(&w, KEY);
	world_key(&w, OTHER_KEY);
	w.key_pairs[1].name = S("NAVO-2");
	world_group(&w, VPC);
	world_group(&w, "vpc-other");
	plans(&w, "terminate-instance(i-1) terminate-instance(i-3) deregister-image(ami-4) "
		  "deregister-image(ami-6) deregister-image(ami-7) delete-snapshot(snap-5) "
		  "delete-snapshot(snap-8) delete-key-pair(NAVO) delete-key-pair(NAVO-2) "
		  "delete-group(sg-11) delete-group(sg-12)");
	/* Without a default VPC as well: what is there goes. */
	w.o.vpcs.n = 0;
	w.o.instances.n = w.o.images.n = 0;
	plans(&w, "delete-key-pair(NAVO) delete-key-pair(NAVO-2) delete-group(sg-11) "
		  "delete-group(sg-12)");
}

static void test_signs(void **state)
{
	static const char signs[] = "--+++--++=+~---";

	(void)state;
	for (int kind = ACTION_DELETE_KEY_PAIR; kind <= ACTION_DELETE_GROUP; kind++) {
		struct action a = { .kind = (enum action_kind)kind };

		assert_int_equal(action_sign(&a), signs[kind]);
		assert_int_equal(action_is_change(&a), kind != ACTION_WAIT_IMAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subsets),
		cmocka_unit_test(test_no_duplicates),
		cmocka_unit_test(test_states_of_instances),
		cmocka_unit_test(test_several_of_each),
		cmocka_unit_test(test_signs),
	};

	return cmocka_run_group_tests_name("plan_teardown", tests, NULL, NULL);
}
