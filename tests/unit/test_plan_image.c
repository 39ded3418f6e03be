/*
 * What config-region plans for a region's images and their snapshots.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_expect.h"

/* A region where all is as it should be but the images, of which there is none yet. */
static void begin(struct want *x, struct world *w)
{
	want_begin(x);
	world_begin(w);
	world_key(w, KEY);
	world_group(w, FLEET_NAME, VPC);
	for (size_t k = 0; k < 3; k++)
		world_rule(w, &w->groups[0], &home_rules[k]);
	x->options.keep_images = 0;
}

/* Then an instance of the copy, or of none. */
static void end(const struct want *x, struct world *w)
{
	world_instance(w, "stopped", 1000);
	w->attributes[0].user_data = S(x->user_data);
}

#define COPY   "image: none -> a copy of ami-home (apply)\n"
#define FAILED "it is failed: no reason given -> none (apply)\n"
#define UNDER  " state: pending -> available (apply)\n"

static void test_states(void **state)
{
	static const struct {
		const char *states[3];
		const char *words, *differences; /* of the image's part */
	} cases[] = {
		{ { "available" }, "", "" },
		{ { "pending" }, "wait-image(ami-3)", "image ami-3" UNDER },
		{ { "failed" }, "deregister-image(ami-3) copy-image=NAVO wait-image",
			"image ami-3: " FAILED COPY },
		{ { "error" }, "deregister-image(ami-3) copy-image=NAVO wait-image",
			"image ami-3: it is error: no reason given -> none (apply)\n" COPY },
		{ { "failed", "failed" },
			"deregister-image(ami-3) deregister-image(ami-4) copy-image=NAVO "
			"wait-image",
			"image ami-3: " FAILED "image ami-4: " FAILED COPY },
		{ { "failed", "available" }, "deregister-image(ami-3)", "image ami-3: " FAILED },
		{ { "failed", "pending" }, "deregister-image(ami-3) wait-image(ami-4)",
			"image ami-3: " FAILED "image ami-4" UNDER },
		/* On their way out. */
		{ { "deregistered" }, "copy-image=NAVO wait-image", COPY },
		{ { "deregistered", "available" }, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char differences[400], image[100] = "";
		struct want x;
		struct world w;

		begin(&x, &w);
		for (size_t k = 0; k < 3 && cases[i].states[k]; k++)
			world_image(&w, cases[i].states[k], HOME_IMAGE);
		end(&x, &w);
		/* Without one, or made from another, the instance differs as well. */
		if (!world_copy(&w))
			(void)snprintf(image, sizeof(image),
				"instance %s image: ami-old -> the new one (replace)\n",
				w.instances[0].id);
		(void)snprintf(differences, sizeof(differences), "%s%s", cases[i].differences,
			image);
		plans(&x, &w, cases[i].words, differences);
	}
}

/* Why a copy failed is told: a key that may not be used, for one. */
static void test_a_reason(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w);
	world_image(&w, "failed", HOME_IMAGE)->state_reason = S("the key is disabled");
	world_image(&w, "available", HOME_IMAGE);
	end(&x, &w);
	plans(&x, &w, "deregister-image(ami-3)",
		"image ami-3: it is failed: the key is disabled -> none (apply)\n");
}

static void test_what_is_in_the_way(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w);
	world_image(&w, "available", HOME_IMAGE);
	world_image(&w, "failed", HOME_IMAGE);
	world_image(&w, "pending", NULL);
	is_blocked(&x, &w,
		"2 images could be the copy of ami-home: ami-3 (2026-01-01T00:00:00.000Z), ami-5 "
		"(2026-01-03T00:00:00.000Z); deregister all but one");
	w.images[2].creation_date = NULL;
	w.images[2].name = S("other");
	w.images[2].source_image_id = S(HOME_IMAGE);
	w.images[1].state = S("available");
	is_blocked(&x, &w,
		"3 images could be the copy of ami-home: ami-3 (2026-01-01T00:00:00.000Z), ami-4 "
		"(2026-01-02T00:00:00.000Z), ami-5 (pending); deregister all but one");
	/* Neither to be used nor on its way: and yet whoever disabled it may mean something. */
	w.o.images.n = 2;
	w.images[1].state = S("disabled");
	is_blocked(&x, &w, "image ami-4 is disabled: enable or deregister it");
}

/* ---- Lineage */

static void test_lineage(void **state)
{
	static const struct {
		const char *tag, *source, *name, *date;
		int is_copy;
	} cases[] = {
		{ HOME_IMAGE, NULL, "NAVO", "2020", 1 },
		{ HOME_IMAGE, "ami-older", "other", NULL, 1 },
		{ "ami-older", HOME_IMAGE, "NAVO", "2027", 0 },
		{ NULL, HOME_IMAGE, "other", "2020", 1 },
		{ NULL, "ami-older", "NAVO", "2027", 0 },
		/* Where nothing tells of the source, name and date do. */
		{ NULL, NULL, "NAVO", "2026-01-01T00:00:00.000Z", 1 },
		{ NULL, NULL, "NAVO", "2026-01-01T00:00:00.001Z", 1 },
		{ NULL, NULL, "NAVO", "2025-12-31T23:59:59.999Z", 0 },
		{ NULL, NULL, "NAVO", NULL, 1 },
		{ NULL, NULL, "NAVO-2", "2027", 0 },
		{ NULL, NULL, NULL, "2027", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct awsq_ec2_image *image;
		struct want x;
		struct world w;
		struct plan p;

		begin(&x, &w);
		x.options.keep_images = 1;
		image = world_image(&w, "available", NULL);
		TAG(&w, image, TAG_FLEET, FLEET_NAME);
		if (cases[i].tag)
			TAG(&w, image, TAG_SOURCE_IMAGE, cases[i].tag);
		image->source_image_id = S(cases[i].source);
		image->name = S(cases[i].name);
		image->creation_date = S(cases[i].date);
		assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
		assert_string_equal(p.image_id, cases[i].is_copy ? image->id : "");
		assert_int_equal(strstr(plan_words(&p), "copy-image") == NULL, cases[i].is_copy);
		plan_free(&p);
	}
}

/* A newer home image: the copy gets the name, or, while an older copy has it, one like it. */
static void test_a_new_home_image(void **state)
{
	static const char name[] = "copy-image=NAVO ami-home wait-image";
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w);
	world_image(&w, "available", "ami-older");
	x.options.keep_images = 1;
	plans(&x, &w, "copy-image=NAVO ami-home wait-image run-instance stop-instance",
		"image: ami-3, a copy of ami-older -> a copy of ami-home (apply)\n"
		"instance: none -> NAVO (apply)\n");
	end(&x, &w);
	w.instances[0].image_id = S("ami-3");
	plans(&x, &w, name,
		"image: ami-3, a copy of ami-older -> a copy of ami-home (apply)\n"
		"instance i-4 image: ami-3 -> the new one (replace)\n");
	/* Of one made by hand it is not known what it is a copy of. */
	w.images[0].n_tags = 0;
	w.images[0].creation_date = S("2025");
	plans(&x, &w, name,
		"image: ami-3 -> a copy of ami-home (apply)\n"
		"instance i-4 image: ami-3 -> the new one (replace)\n");
	/* Home's image has a version in its name. */
	x.image.name = S("NAVO-7");
	plans(&x, &w, "copy-image=NAVO-7 wait-image",
		"image: ami-3 -> a copy of ami-home (apply)\n"
		"instance i-4 image: ami-3 -> the new one (replace)\n");
	x.image.name = S("NAVO");
	w.images[0].state = S("deregistered");
	plans(&x, &w, "copy-image=NAVO wait-image",
		COPY "instance i-4 image: ami-3 -> the new one (replace)\n");
}

/* A name has room for 128 characters. */
static void test_a_long_name(void **state)
{
	char name[129], expected[129];
	struct want x;
	struct world w;
	struct plan p;

	(void)state;
	begin(&x, &w);
	memset(name, 'n', 128);
	name[128] = '\0';
	memcpy(expected, name, 129);
	memcpy(expected + 119, " ami-home", 10);
	x.image.name = name;
	world_image(&w, "available", "ami-older")->name = name;
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
	assert_int_equal(p.actions[0].kind, ACTION_COPY_IMAGE);
	assert_string_equal(p.actions[0].value, expected);
	plan_free(&p);
}

/* ---- Encryption */

#define ARN_1 KMS_KEY_ARN "1234-5678"

static void test_encryption(void **state)
{
	static const struct {
		const char *wanted;   /* the region's key; NULL: none */
		int encrypt, home_is; /* regions.cfg says so; home's image is */
		int encrypted;        /* the copy is */
		const char *key;      /* its snapshot's */
		int is_wanted;
	} cases[] = {
		{ NULL, 0, 0, 0, NULL, 1 },
		/* More than is asked for does no harm. */
		{ NULL, 0, 0, 1, ARN_1, 1 },
		{ NULL, 1, 0, 0, NULL, 0 },
		{ NULL, 1, 0, 1, ARN_1, 1 },
		{ NULL, 0, 1, 0, NULL, 0 },
		{ NULL, 0, 1, 1, ARN_1, 1 },
		{ ARN_1, 0, 0, 0, NULL, 0 },
		{ ARN_1, 0, 0, 1, ARN_1, 1 },
		{ ARN_1, 0, 0, 1, KMS_KEY_ARN "0000-5678", 0 },
		{ ARN_1, 0, 0, 1, NULL, 1 },
		{ "1234-5678", 0, 0, 1, ARN_1, 1 },
		{ "34-5678", 0, 0, 1, ARN_1, 0 },
		{ "1234-5678", 0, 0, 0, ARN_1, 0 },
		/* Which key an alias stands for is not known here. */
		{ "alias/navo", 0, 0, 1, ARN_1, 1 },
		{ "alias/navo", 0, 0, 0, NULL, 0 },
		{ "arn:aws:kms:eu-west-3:123456789012:alias/navo", 0, 0, 1, ARN_1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct awsq_ec2_image *image;
		struct want x;
		struct world w;
		struct plan p;

		begin(&x, &w);
		image = world_image(&w, "available", HOME_IMAGE);
		world_snapshot(&w, image, 1);
		/* A device without a snapshot says nothing. */
		image->devices[image->n_devices++].device = S("/dev/sdb");
		image->devices[0].encrypted = cases[i].encrypted;
		w.snapshots[0].kms_key_id = S(cases[i].key);
		x.config.elsewhere.kms_key = S(cases[i].wanted);
		x.config.encrypt = cases[i].encrypt;
		x.d.encrypt = cases[i].home_is;
		assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
		assert_string_equal(p.image_id, cases[i].is_wanted ? image->id : "");
		plan_free(&p);
		/* One that is under way does not show its snapshots yet. */
		image->state = S("pending");
		assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
		assert_string_equal(p.image_id, image->id);
		plan_free(&p);
	}
}

/* The copy that is encrypted gets a name of its own: the other one goes when it is not needed. */
static void test_another_encryption(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w);
	world_snapshot(&w, world_image(&w, "available", HOME_IMAGE), 1);
	x.config.elsewhere.kms_key = S("alias/navo");
	plans(&x, &w,
		"copy-image=NAVO ami-home wait-image run-instance stop-instance "
		"deregister-image(ami-3)",
		"image: ami-3, a copy of ami-home, not so encrypted -> a copy of ami-home, "
		"encrypted (apply)\n"
		"instance: none -> NAVO (apply)\n"
		"image ami-3: it is a copy too many -> none (apply)\n");
}

/* Two names are taken, by a copy of an older image and by one that is encrypted otherwise. */
static void test_a_third_name(void **state)
{
	static const char *const names[] = { "NAVO ami-home", "NAVO ami-home 2",
		"NAVO ami-home 3" };
	struct want x;
	struct world w;
	struct plan p;

	(void)state;
	begin(&x, &w);
	world_image(&w, "available", "ami-older");
	x.config.encrypt = 1;
	for (size_t i = 0; i < 3; i++) {
		struct awsq_ec2_image *image = world_image(&w, "available", HOME_IMAGE);

		world_snapshot(&w, image, 1);
		assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
		assert_string_equal(p.actions[0].value, names[i]);
		image->name = S(names[i]);
		plan_free(&p);
	}
}

/* ---- What has had its time */

static void test_old_images(void **state)
{
	static const struct {
		int64_t keep;
		const char *words;
	} cases[] = {
		{ 0, "deregister-image(ami-3) deregister-image(ami-4) deregister-image(ami-5)" },
		{ 1, "deregister-image(ami-3) deregister-image(ami-4)" },
		{ 2, "deregister-image(ami-3)" },
		{ 3, "" },
		{ 100, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char differences[300] = "";
		struct want x;
		struct world w;

		begin(&x, &w);
		for (int k = 0; k < 3; k++)
			world_image(&w, "available", "ami-older");
		world_image(&w, "available", HOME_IMAGE);
		end(&x, &w);
		x.options.keep_images = cases[i].keep;
		for (int64_t k = 0; k < 3 - cases[i].keep; k++) {
			size_t used = strlen(differences);

			(void)snprintf(differences + used, sizeof(differences) - used,
				"image ami-%d: it is an older copy -> none (apply)\n", 3 + (int)k);
		}
		plans(&x, &w, cases[i].words, differences);
	}
}

/* The newest stay: by date, and by id where that tells nothing. */
static void test_the_order_of_old_images(void **state)
{
	static const char gone[] = "image ami-4: it is an older copy -> none (apply)\n";
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w);
	for (int k = 0; k < 2; k++)
		world_image(&w, "available", "ami-older");
	world_image(&w, "available", HOME_IMAGE);
	end(&x, &w);
	x.options.keep_images = 1;
	w.images[0].creation_date = S("2026-03");
	plans(&x, &w, "deregister-image(ami-4)", gone);
	w.images[1].creation_date = NULL;
	plans(&x, &w, "deregister-image(ami-4)", gone);
	w.images[0].creation_date = NULL;
	plans(&x, &w, "deregister-image(ami-3)",
		"image ami-3: it is an older copy -> none (apply)\n");
}

/* As long as an instance that stays is made of it. */
static void test_an_old_image_in_use(void **state)
{
	static const char differs[] = "instance i-5 image: ami-3 -> ami-4 (replace)\n";
	static const char *const states[] = { "running", "stopping", "stopped" };
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w);
	world_image(&w, "available", "ami-older");
	world_image(&w, "available", HOME_IMAGE);
	end(&x, &w);
	w.instances[0].image_id = S("ami-3");
	w.o.in_use = 1;
	for (size_t i = 0; i < 3; i++) {
		w.instances[0].state = S(states[i]);
		plans(&x, &w, "", differs);
	}
	x.options.replace = 1;
	plans(&x, &w,
		"run-instance=i-5 stop-instance terminate-instance(i-5) "
		"deregister-image(ami-3)",
		"instance i-5 image: ami-3 -> ami-4 (apply)\n"
		"image ami-3: it is an older copy -> none (apply)\n");
	w.instances[0].state = S("terminated");
	plans(&x, &w, "run-instance stop-instance deregister-image(ami-3)",
		"instance: none -> NAVO (apply)\n"
		"image ami-3: it is an older copy -> none (apply)\n");
}

/* Of an image that was not seen through, or whose own call could not delete it. */
static void test_orphan_snapshots(void **state)
{
	static const char orphan[] = "snapshot snap-7: 8 GiB -> none (apply)\n";
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	world_snapshot(&w, NULL, 1);
	plans(&x, &w, "delete-snapshot(snap-7)", orphan);
	/* It might be that of an image which is under way. */
	w.images[0].state = S("pending");
	plans(&x, &w, "wait-image(ami-1)", "image ami-1" UNDER);
	w.images[0].state = S("available");
	w.snapshots[1].state = S("pending");
	plans(&x, &w, "", "");
	w.snapshots[1].state = S("error");
	plans(&x, &w, "delete-snapshot(snap-7)", orphan);
	/* Home's are the user's own. */
	w.region.name = HOME;
	plans(&x, &w, "", "");
	/* Where an image of it is there still, it is that image's. */
	w.region.name = REGION;
	w.images[0].devices[0].snapshot_id = w.snapshots[1].id;
	plans(&x, &w, "delete-snapshot(snap-2)", "snapshot snap-2: 8 GiB -> none (apply)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_a_reason),
		cmocka_unit_test(test_what_is_in_the_way),
		cmocka_unit_test(test_lineage),
		cmocka_unit_test(test_a_new_home_image),
		cmocka_unit_test(test_a_long_name),
		cmocka_unit_test(test_encryption),
		cmocka_unit_test(test_another_encryption),
		cmocka_unit_test(test_a_third_name),
		cmocka_unit_test(test_old_images),
		cmocka_unit_test(test_the_order_of_old_images),
		cmocka_unit_test(test_an_old_image_in_use),
		cmocka_unit_test(test_orphan_snapshots),
	};

	return cmocka_run_group_tests_name("plan_image", tests, NULL, NULL);
}
