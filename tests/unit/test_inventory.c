/*
 * What is listed of a region: exactly what clear-region removes from it, each thing with the space
 * it takes and why it is the fleet's; and nothing that only looks like it.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/inventory.h"
#include "plan_world.h"

#define ROUNDS 20000

/* Takes the inventory of w, which is at REGION. */
static void take(struct inventory *out, const struct world *w)
{
	struct want x;

	want_begin(&x);
	assert_int_equal(inventory_take(out, &w->o, &x.config, REGION), 0);
}

/* ---- What a teardown removes, by a simulated AWS */

struct things {
	const char *ids[96];
	size_t n;
};

static int has(const struct things *t, const char *id)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->ids[i], id) == 0)
			return 1;
	}
	return 0;
}

static void put(struct things *t, const char *id)
{
	if (!id || !*id || has(t, id))
		return;
	assert_true(t->n < sizeof(t->ids) / sizeof(t->ids[0]));
	t->ids[t->n++] = id;
}

static void terminate(struct things *gone, const struct world *w)
{
	for (size_t i = 0; i < w->o.volumes.n; i++) {
		const struct awsq_ec2_volume *v = &w->volumes[i];
		int is_there = strcmp(v->state, "in-use") == 0;

		if (is_there && v->n_attachments && v->attachments[0].delete_on_termination &&
			has(gone, v->attachments[0].instance_id))
			put(gone, v->id);
	}
}

static void deregister(struct things *gone, const struct world *w)
{
	for (size_t i = 0; i < w->o.images.n; i++) {
		for (size_t k = 0; has(gone, w->images[i].id) && k < w->images[i].n_devices; k++)
			put(gone, w->images[i].devices[k].snapshot_id);
	}
}

/* What is gone once the plan has been carried out. */
static void tear_down(struct things *gone, const struct world *w, const struct plan *p)
{
	memset(gone, 0, sizeof(*gone));
	for (size_t i = 0; i < p->n; i++) {
		const struct action *a = &p->actions[i];

		if (action_sign(a) != '-')
			continue;
		for (size_t k = 0; a->kind == ACTION_DELETE_KEY_PAIR && k < w->o.key_pairs.n; k++) {
			if (strcmp(w->key_pairs[k].name, a->id) == 0)
				put(gone, w->key_pairs[k].id);
		}
		if (a->kind != ACTION_DELETE_KEY_PAIR)
			put(gone, a->id);
	}
	terminate(gone, w);
	deregister(gone, w);
}

/* ---- Random regions */

static unsigned seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245U + 12345U;
	return (seed >> 16) % n;
}

static void pick_images(struct world *w)
{
	static const char *const states[] = { "pending", "available", "failed" };

	for (unsigned i = pick(4); i > 0; i--) {
		struct awsq_ec2_image *image =
			world_image(w, states[pick(3)], pick(2) ? HOME_IMAGE : NULL);

		for (unsigned k = pick(3); k > 0; k--)
			(void)world_snapshot(w, image, (int)pick(2));
		/* Two images of one snapshot, and a device that has none. */
		if (pick(4) == 0 && image->n_devices == 1)
			image->devices[image->n_devices++] = w->images[0].devices[0];
	}
	for (unsigned i = pick(3); i > 0; i--)
		(void)world_snapshot(w, NULL, 1);
}

static void pick_instances(struct world *w)
{
	static const char *const states[] = { "pending", "running", "stopping", "stopped",
		"shutting-down", "terminated" };
	static const char *const free_states[] = { "creating", "available", "error", "deleting" };

	for (unsigned i = pick(4); i > 0; i--) {
		struct awsq_ec2_instance *instance = world_instance(w, states[pick(6)], -1);
		int is_gone = strcmp(instance->state, "terminated") == 0;

		if (pick(2)) /* by its name alone */
			instance->n_tags = 1;
		w->attributes[instance - w->instances].disable_api_termination = (int)pick(2);
		for (unsigned k = is_gone ? 0 : pick(3); k > 0; k--) {
			struct awsq_ec2_volume *v = world_volume(w, instance, (int)pick(2));

			v->n_tags = pick(2);
		}
	}
	for (unsigned i = pick(3); i > 0; i--)
		world_volume(w, NULL, 0)->state = S(free_states[pick(4)]);
}

static void pick_names(struct world *w)
{
	static const char *const names[] = { FLEET_NAME, "navo", "NAVO2", "old" };

	for (unsigned i = pick(3); i > 0; i--) {
		struct awsq_ec2_key_pair *key = world_key(w, KEY);

		if (w->o.key_pairs.n > 1) /* a name is given once */
			key->name = S("of old");
		else if (pick(2))
			key->n_tags = 0;
	}
	for (unsigned i = pick(5); i > 0; i--) {
		struct awsq_ec2_security_group *g =
			world_group(w, names[pick(4)], pick(2) ? VPC : "vpc-other");

		if (pick(4) == 0)
			TAG(w, g, TAG_FLEET, pick(2) ? "OTHER" : FLEET_NAME);
		else if (pick(2))
			g->n_tags = 0;
	}
}

static void test_same_as_teardown(void **state)
{
	const struct plan_options lifting = { .lift_protection = 1 };
	size_t listed = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct inventory inventory;
		struct things gone, seen = { .n = 0 };
		struct world w;
		struct plan p;

		seed = round * 2654435761U + 3;
		world_begin(&w);
		pick_images(&w);
		pick_instances(&w);
		pick_names(&w);
		assert_int_equal(plan_teardown(&p, &w.o, &lifting), 0);
		tear_down(&gone, &w, &p);
		take(&inventory, &w);
		assert_null(inventory_lacks(&inventory, &p));
		for (size_t i = 0; i < inventory.n; i++) {
			if (!has(&gone, inventory.items[i].id))
				fail_msg("round %u: %s stays", round, inventory.items[i].id);
			assert_false(has(&seen, inventory.items[i].id));
			put(&seen, inventory.items[i].id);
		}
		for (size_t i = 0; i < gone.n; i++) {
			if (!has(&seen, gone.ids[i]))
				fail_msg("round %u: %s is not listed", round, gone.ids[i]);
		}
		listed += inventory.n;
		inventory_free(&inventory);
		plan_free(&p);
	}
	assert_true(listed > ROUNDS);
}

/* ---- What is said */

/* The items as lines: "volume vol-1 NAVO in-use 8: why; remark". */
static void says(const struct world *w, const char *lines)
{
	struct awsq_buf text = AWSQ_BUF_INIT(10000);
	struct inventory inventory;

	take(&inventory, w);
	for (size_t i = 0; i < inventory.n; i++) {
		const struct item *item = &inventory.items[i];

		assert_int_equal(item->gib > 0, item_takes_space(item->kind));
		awsq_buf_addf(&text, "%s %s %s %s %d: %s; %s\n", item_kind_word(item->kind),
			item->id, item->name ? item->name : "-", item->state ? item->state : "-",
			(int)item->gib, item->why, item->remark);
	}
	assert_string_equal(awsq_buf_str(&text), lines);
	awsq_buf_free(&text);
	inventory_free(&inventory);
}

static void test_complete(void **state)
{
	struct world w;
	struct want x;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	says(&w, "instance i-5 NAVO stopped 0: carries the fleet's tag; \n"
		 "volume vol-6 - in-use 8: carries the fleet's tag; goes with instance i-5\n"
		 "image ami-1 NAVO available 0: carries the fleet's tag; \n"
		 "snapshot snap-2 - completed 8: carries the fleet's tag; goes with image ami-1\n"
		 "key pair key-3 NAVO - 0: carries the fleet's tag; \n"
		 "security group sg-4 NAVO - 0: carries the fleet's tag; \n");
	world_begin(&w);
	says(&w, "");
}

/* Made by hand, or by an older program: without tags. */
static void test_by_name(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_snapshot(&w, world_image(&w, "available", NULL), 0);
	world_key(&w, KEY)->n_tags = 0;
	world_group(&w, FLEET_NAME, VPC)->n_tags = 0;
	world_instance(&w, "running", 0)->n_tags = 1;
	w.volumes[0].n_tags = 0;
	says(&w, "instance i-5 NAVO running 0: has the fleet's name; runs\n"
		 "volume vol-6 - in-use 8: the fleet's instance has it; goes with instance i-5\n"
		 "image ami-1 NAVO available 0: has the fleet's name; \n"
		 "snapshot snap-2 - - 8: the fleet's image is made of it; goes with image ami-1\n"
		 "key pair key-3 NAVO - 0: has the fleet's name; \n"
		 "security group sg-4 NAVO - 0: has the fleet's name; \n");
}

static void test_left_behind(void **state)
{
	struct awsq_ec2_attachment others = { .instance_id = S("i-other") };
	struct awsq_ec2_volume *v;
	struct world w;

	(void)state;
	world_begin(&w);
	world_instance(&w, "terminated", -1);
	world_volume(&w, NULL, 0);
	v = world_volume(&w, NULL, 0);
	v->attachments = &others;
	v->n_attachments = 1;
	world_snapshot(&w, NULL, 1);
	world_key(&w, KEY)->name = S("of old");
	says(&w, "volume vol-2 - available 8: carries the fleet's tag; no instance has it\n"
		 "volume vol-3 - available 8: carries the fleet's tag; is in use by another's "
		 "instance i-other\n"
		 "snapshot snap-4 - completed 8: carries the fleet's tag; its image is gone\n"
		 "key pair key-5 of old - 0: carries the fleet's tag, and is named 'of old'; \n");
}

static void test_protected(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_volume(&w, world_instance(&w, "pending", -1), 0);
	w.attributes[0].disable_api_stop = 1;
	says(&w, "instance i-1 NAVO pending 0: carries the fleet's tag; runs, and is protected "
		 "from termination\n"
		 "volume vol-2 - in-use 8: carries the fleet's tag; outlives instance i-1\n");
	w.instances[0].state = S("shutting-down");
	says(&w, "instance i-1 NAVO shutting-down 0: carries the fleet's tag; \n"
		 "volume vol-2 - in-use 8: carries the fleet's tag; outlives instance i-1\n");
}

/* ---- What is not the fleet's, though AWS listed it */

/* Tags that are almost right, on something whose name is exactly, nearly, or not the fleet's. */
static const struct {
	const char *name, *key, *value;
} alike[] = {
	{ "NAVO", TAG_FLEET, "OTHER" },
	{ "NAVO", TAG_FLEET, "navo" },
	{ "NAVO", TAG_FLEET, "NAVO2" },
	{ "NAVO", TAG_FLEET, "" },
	{ "NAVO", TAG_FLEET, "NAV" },
	{ "navo", "Owner", "NAVO" },
	{ "NAVO2", "AWSQ:fleet", "NAVO" },
	{ "NAVO ", "awsq:fleet:", "NAVO" },
	{ "xNAVO", "awsq:flee", "NAVO" },
	{ "", "fleet", "NAVO" },
};

/* One thing of every kind with such a name and tag, as if AWS took it for the fleet's. */
static void add_alike(struct world *w, size_t n)
{
	const char *name = alike[n].name, *key = alike[n].key, *value = alike[n].value;
	struct awsq_ec2_instance *instance;
	struct awsq_ec2_image *image;
	struct awsq_ec2_snapshot *s;
	struct awsq_ec2_key_pair *k;
	struct awsq_ec2_volume *v;

	image = world_image(w, "available", NULL);
	image->name = S(name);
	TAG(w, image, key, value);
	(void)world_snapshot(w, image, 1);
	s = &w->snapshots[0];
	s->n_tags = 0;
	TAG(w, s, key, value);
	k = world_key(w, KEY);
	k->name = S(name);
	k->n_tags = 0;
	TAG(w, k, key, value);
	instance = world_instance(w, "stopped", 0);
	instance->n_tags = 0;
	TAG(w, instance, TAG_NAME, name);
	TAG(w, instance, key, value);
	v = &w->volumes[0];
	v->n_tags = 0;
	TAG(w, v, key, value);
}

static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(alike) / sizeof(*alike); i++) {
		struct inventory inventory;
		struct world w;
		struct plan p;

		world_begin(&w);
		add_alike(&w, i);
		take(&inventory, &w);
		if (inventory.n > 0)
			fail_msg("%zu: %s is listed", i, inventory.items[0].id);
		/* A plan that is made of it is found out: one for each kind of thing. */
		assert_int_equal(plan_teardown(&p, &w.o, &(struct plan_options){ 0 }), 0);
		assert_true(p.n > 0);
		for (size_t k = 0; k < p.n; k++) {
			struct plan one = { .actions = &p.actions[k], .n = 1 };

			assert_ptr_equal(inventory_lacks(&inventory, &one), p.actions[k].id);
		}
		plan_free(&p);
		inventory_free(&inventory);
	}
}

/* On an instance of the fleet's: it goes along or it stays; it is never taken over. */
static void test_volume_of_another_fleet(void **state)
{
	struct awsq_ec2_instance *instance;
	struct world w;

	(void)state;
	world_begin(&w);
	instance = world_instance(&w, "stopped", -1);
	for (int along = 0; along < 2; along++) {
		struct awsq_ec2_volume *v = world_volume(&w, instance, along);

		TAG(&w, v, TAG_FLEET, "OTHER");
	}
	says(&w, "instance i-1 NAVO stopped 0: carries the fleet's tag; \n"
		 "volume vol-3 - in-use 8: the fleet's instance has it; goes with instance i-1\n");
}

/* A key pair is removed by its name: an id that is the same as one is no excuse. */
static void test_key_pairs_go_by_name(void **state)
{
	struct action a = { .kind = ACTION_DELETE_KEY_PAIR, .id = "key-1" };
	const struct plan p = { .actions = &a, .n = 1 };
	struct inventory inventory;
	struct world w;

	(void)state;
	world_begin(&w);
	world_key(&w, KEY)->name = S("of old");
	world_image(&w, "available", NULL);
	take(&inventory, &w);
	assert_string_equal(inventory_lacks(&inventory, &p), "key-1");
	(void)snprintf(a.id, sizeof(a.id), "of old");
	assert_null(inventory_lacks(&inventory, &p));
	a.kind = ACTION_DELETE_GROUP;
	assert_string_equal(inventory_lacks(&inventory, &p), "of old");
	/* Nor is the name of something else. */
	a.kind = ACTION_DELETE_KEY_PAIR;
	(void)snprintf(a.id, sizeof(a.id), "NAVO");
	assert_string_equal(inventory_lacks(&inventory, &p), "NAVO");
	inventory_free(&inventory);
}

/* ---- Regions */

static void test_places(void **state)
{
	struct config_region regions[] = { { .name = S("us-east-1") }, { .name = S(HOME) } };
	struct want x;

	(void)state;
	want_begin(&x);
	x.config.regions = regions;
	x.config.n_regions = 1;
	x.config.n_unlisted = 1;
	assert_int_equal(inventory_place(&x.config, HOME), PLACE_HOME);
	assert_int_equal(inventory_place(&x.config, "us-east-1"), PLACE_LISTED);
	assert_int_equal(inventory_place(&x.config, "us-east-2"), PLACE_STRAY);
}

/* Its star stands for anything at home; elsewhere, where images are removed, for itself. */
static void test_image_s_own_name(void **state)
{
	struct inventory inventory;
	struct world w;
	struct want x;

	(void)state;
	want_begin(&x);
	x.config.image = S("navo-v*");
	world_begin(&w);
	world_image(&w, "available", NULL)->name = S("navo-v7");
	assert_int_equal(inventory_take(&inventory, &w.o, &x.config, HOME), 0);
	assert_int_equal(inventory.n, 1);
	assert_string_equal(inventory.items[0].why, "has the name of the fleet's image");
	inventory_free(&inventory);
	assert_int_equal(inventory_take(&inventory, &w.o, &x.config, REGION), 0);
	assert_int_equal(inventory.n, 0);
	inventory_free(&inventory);
}

static void test_totals(void **state)
{
	struct inventory_totals t = { 0 };
	struct inventory inventory;
	struct world w;
	struct want x;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.volumes[0].volume_size = 5;
	take(&inventory, &w);
	inventory_count(&t, &inventory, PLACE_HOME);
	inventory_count(&t, &inventory, PLACE_LISTED);
	assert_int_equal(t.strays, 0);
	inventory_count(&t, &inventory, PLACE_STRAY);
	assert_int_equal(t.regions_read, 3);
	assert_int_equal(t.items, 18);
	assert_int_equal(t.strays, 6);
	assert_int_equal(t.volumes_gib, 15);
	assert_int_equal(t.snapshots_gib, 24);
	inventory_free(&inventory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_teardown),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_protected),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_volume_of_another_fleet),
		cmocka_unit_test(test_key_pairs_go_by_name),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_image_s_own_name),
		cmocka_unit_test(test_totals),
	};

	return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
