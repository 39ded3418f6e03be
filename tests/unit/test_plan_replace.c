/*
 * What config-region plans where only another instance would do, and how it takes over.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_expect.h"

/* In the order that AWS accepts, and in which there is never none: the new one first. */
#define REPLACED "run-instance=i-5 stop-instance terminate-instance(i-5)"

#define ARN_1 KMS_KEY_ARN "1234-5678"
#define ARN_2 KMS_KEY_ARN "8765-4321"

/* Makes a complete region differ in something that lasts; the same case returns the difference. */
static const char *drift(struct want *x, struct world *w, unsigned which)
{
	struct awsq_ec2_instance *i = &w->instances[0];

	switch (which) {
	case 0:
		i->image_id = S("ami-old");
		return "image: ami-old -> ami-1";
	case 1:
		i->image_id = NULL;
		return "image: none -> ami-1";
	case 2:
		i->key_name = S("mine");
		return "key pair: mine -> NAVO";
	case 3:
		i->key_name = NULL;
		return "key pair: none -> NAVO";
	case 4:
		TAG(w, i, TAG_KEY, "SHA256:old");
		return "key: SHA256:old -> SHA256:navo";
	case 5:
		i->vpc_id = S("vpc-other");
		return "VPC: vpc-other -> vpc-default";
	case 6:
		x->config.elsewhere.subnet = S("web");
		world_subnet(w, "subnet-2", VPC, ZONE, 5);
		w->offerings[0].location = S(ZONE);
		return "subnet: subnet-1 -> subnet-2";
	case 7:
		x->config.encrypt = 1;
		w->devices[0][0].encrypted = 1;
		return "encryption of volume vol-6: off -> on";
	case 8:
		x->config.elsewhere.kms_key = S("1234-5678");
		w->devices[0][0].encrypted = w->volumes[0].encrypted = 1;
		w->volumes[0].kms_key_id = S(ARN_2);
		return "encryption of volume vol-6: " ARN_2 " -> 1234-5678";
	case 9:
		x->config.elsewhere.kms_key = S("alias/navo");
		w->devices[0][0].encrypted = 1;
		return "encryption of volume vol-6: off -> alias/navo";
	default:
		return NULL;
	}
}

static void test_what_lasts(void **state)
{
	(void)state;
	for (unsigned i = 0;; i++) {
		char line[300];
		const char *differs;
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		differs = drift(&x, &w, i);
		if (!differs)
			break;
		(void)snprintf(line, sizeof(line), "instance i-5 %s (replace)\n", differs);
		plans(&x, &w, "", line);
		x.options.replace = 1;
		(void)snprintf(line, sizeof(line), "instance i-5 %s (apply)\n", differs);
		plans(&x, &w, REPLACED, line);
		/* Never while it runs, whoever started it. */
		w.o.in_use = 1;
		w.instances[0].state = S("running");
		(void)snprintf(line, sizeof(line), "instance i-5 %s (replace)\n", differs);
		plans(&x, &w, "", line);
	}
}

static void test_what_does_not_last(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	x.options.replace = 1;
	/* Made before there was that tag. */
	w.instances[0].n_tags = 2;
	plans(&x, &w, "", "");
	w.instances[0].vpc_id = NULL;
	plans(&x, &w, "", "");
	/* Of a VPC that is named any subnet will do; of a named subnet none but that. */
	w.instances[0].vpc_id = S(VPC);
	w.instances[0].subnet_id = S("subnet-2");
	x.config.elsewhere.vpc = S(VPC);
	world_subnet(&w, SUBNET, VPC, ZONE, 5);
	w.offerings[0].location = S(ZONE);
	plans(&x, &w, "", "");
	/* The key, whichever way it is named; a volume whose key is not told. */
	x.config.elsewhere.vpc = NULL;
	w.devices[0][0].encrypted = w.volumes[0].encrypted = 1;
	x.config.elsewhere.kms_key = S(ARN_1);
	w.volumes[0].kms_key_id = S(ARN_1);
	plans(&x, &w, "", "");
	x.config.elsewhere.kms_key = S("1234-5678");
	plans(&x, &w, "", "");
	x.config.elsewhere.kms_key = S("alias/navo");
	plans(&x, &w, "", "");
	x.config.elsewhere.kms_key = S("1234-5678");
	w.volumes[0].kms_key_id = NULL;
	plans(&x, &w, "", "");
}

/* All that differs is told; what can be changed in place is not worth it any more. */
static void test_everything_at_once(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.instances[0].image_id = S("ami-old");
	w.instances[0].key_name = S("mine");
	w.instances[0].type = S("t2.nano");
	TAG(&w, &w.instances[0], TAG_NAME, "old");
	plans(&x, &w, "tag(i-5)=Name:NAVO modify-type(i-5)=t3.micro",
		"instance i-5 image: ami-old -> ami-1 (replace)\n"
		"instance i-5 key pair: mine -> NAVO (replace)\n"
		"instance i-5 Name tag: old -> NAVO (apply)\n"
		"instance i-5 type: t2.nano -> t3.micro or t3a.micro (apply)\n");
	x.options.replace = 1;
	plans(&x, &w, REPLACED,
		"instance i-5 image: ami-old -> ami-1 (apply)\n"
		"instance i-5 key pair: mine -> NAVO (apply)\n");
	/* In another VPC, the group that it should have is none that it could get. */
	w.instances[0].vpc_id = S("vpc-other");
	w.instances[0].image_id = S("ami-1");
	w.instances[0].key_name = S(FLEET_NAME);
	w.refs[0].id = S("sg-other");
	x.options.replace = 0;
	plans(&x, &w, "tag(i-5)=Name:NAVO modify-type(i-5)=t3.micro",
		"instance i-5 VPC: vpc-other -> vpc-default (replace)\n"
		"instance i-5 Name tag: old -> NAVO (apply)\n"
		"instance i-5 type: t2.nano -> t3.micro or t3a.micro (apply)\n");
}

/* A new home image rolled out: the old one goes when nothing is made of it any more. */
static void test_a_roll_out(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	TAG(&w, &w.images[0], TAG_SOURCE_IMAGE, "ami-older");
	x.options.replace = 1;
	plans(&x, &w,
		"copy-image=NAVO ami-home wait-image run-instance=i-5 stop-instance "
		"terminate-instance(i-5) deregister-image(ami-1)",
		"image: ami-1, a copy of ami-older -> a copy of ami-home (apply)\n"
		"instance i-5 image: ami-1 -> the new one (apply)\n"
		"image ami-1: it is an older copy -> none (apply)\n");
	x.options.keep_images = 1;
	plans(&x, &w, "copy-image=NAVO ami-home wait-image " REPLACED,
		"image: ami-1, a copy of ami-older -> a copy of ami-home (apply)\n"
		"instance i-5 image: ami-1 -> the new one (apply)\n");
	/* Nothing to make the new one of. */
	w.o.offerings.n = 0;
	is_blocked(&x, &w,
		"no type of instance_type is offered in eu-west-3: t3.micro, t3a.micro; name "
		"another one");
}

/* What stays behind the old one is tagged before, so as to be known after. */
static void test_volumes_that_stay(void **state)
{
	struct awsq_ec2_volume *v;
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.instances[0].image_id = S("ami-old");
	x.options.replace = 1;
	v = world_volume(&w, &w.instances[0], 0);
	plans(&x, &w, REPLACED, "instance i-5 image: ami-old -> ami-1 (apply)\n");
	v->n_tags = 0;
	plans(&x, &w,
		"run-instance=i-5 stop-instance tag(vol-7)=awsq:fleet:NAVO terminate-instance(i-5)",
		"instance i-5 image: ami-old -> ami-1 (apply)\n");
	/* What is tagged as another fleet's stays so. */
	TAG(&w, v, TAG_FLEET, "OTHER");
	plans(&x, &w, REPLACED, "instance i-5 image: ami-old -> ami-1 (apply)\n");
}

/* ---- Protection: against a stop is against being terminated, too */

static void test_protection(void **state)
{
	static const struct {
		int stop, termination;
		const char *words;
	} cases[] = {
		{ 0, 1,
			"run-instance=i-5 stop-instance unprotect-termination(i-5) "
			"terminate-instance(i-5)" },
		{ 1, 0,
			"run-instance=i-5 stop-instance unprotect-stop(i-5) "
			"terminate-instance(i-5)" },
		{ 1, 1,
			"run-instance=i-5 stop-instance unprotect-stop(i-5) "
			"unprotect-termination(i-5) terminate-instance(i-5)" },
	};
	static const char kept[] = "instance i-5 image: ami-old -> ami-1 (replace)\n";
	static const char lift[] = "instance i-5 stop protection: on -> off (lift-protection)\n";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char differences[200];
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		w.instances[0].image_id = S("ami-old");
		w.attributes[0].disable_api_stop = cases[i].stop;
		w.attributes[0].disable_api_termination = cases[i].termination;
		x.options.replace = 1;
		(void)snprintf(differences, sizeof(differences), "%s%s", kept,
			cases[i].stop ? lift : "");
		plans(&x, &w, "", differences);
		x.options.lift_protection = 1;
		plans(&x, &w, cases[i].words, "instance i-5 image: ami-old -> ami-1 (apply)\n");
	}
}

/* ---- One that was begun */

/* A region whose instance has a successor, i-7 with vol-8. */
static void begin_replacing(struct want *x, struct world *w)
{
	want_begin(x);
	world_complete(w, x);
	world_instance(w, "stopped", 0);
	w->attributes[1].user_data = S(x->user_data);
	TAG(w, &w->instances[1], TAG_REPLACES, "i-5");
}

static void test_finishing(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin_replacing(&x, &w);
	for (x.options.replace = 0; x.options.replace < 2; x.options.replace++)
		plans(&x, &w, "terminate-instance(i-5)", "instance i-5: stopped -> none (apply)\n");
	/* The new one was not stopped yet, and not all about it was right. */
	w.instances[1].state = S("running");
	w.instances[1].type = S("t2.nano");
	plans(&x, &w, "stop-instance(i-7) modify-type(i-7)=t3.micro terminate-instance(i-5)",
		"instance i-7 state: running -> stopped (apply)\n"
		"instance i-7 type: t2.nano -> t3.micro or t3a.micro (apply)\n"
		"instance i-5: stopped -> none (apply)\n");
	/* The image of the old one goes with it. */
	begin_replacing(&x, &w);
	world_image(&w, "available", "ami-older");
	w.instances[0].image_id = w.images[1].id;
	plans(&x, &w, "terminate-instance(i-5) deregister-image(ami-9)",
		"instance i-5: stopped -> none (apply)\n"
		"image ami-9: it is an older copy -> none (apply)\n");
	/* Once it is finished, the tag says nothing more. */
	w.instances[0].state = S("terminated");
	plans(&x, &w, "deregister-image(ami-9)",
		"image ami-9: it is an older copy -> none (apply)\n");
}

static void test_what_keeps_it_from_being_finished(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin_replacing(&x, &w);
	w.instances[0].state = S("running");
	plans(&x, &w, "", "instance i-5: running -> none (by-hand)\n");
	/* So its image has to stay as well. */
	world_image(&w, "available", "ami-older");
	w.instances[0].image_id = w.images[1].id;
	plans(&x, &w, "", "instance i-5: running -> none (by-hand)\n");
	w.o.images.n--;
	w.instances[0].state = S("stopped");
	for (int stop = 0; stop < 2; stop++) {
		w.attributes[0].disable_api_stop = stop;
		w.attributes[0].disable_api_termination = !stop;
		x.options.lift_protection = 0;
		plans(&x, &w, "", "instance i-5: stopped -> none (by-hand)\n");
		x.options.lift_protection = 1;
		plans(&x, &w,
			stop ? "unprotect-stop(i-5) terminate-instance(i-5)"
			     : "unprotect-termination(i-5) terminate-instance(i-5)",
			"instance i-5: stopped -> none (apply)\n");
	}
}

/* One after the other: what is there twice is not made a third time. */
static void test_replacing_the_new_one(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin_replacing(&x, &w);
	x.options.replace = 1;
	w.instances[1].image_id = S("ami-old");
	plans(&x, &w, "terminate-instance(i-5)",
		"instance i-7 image: ami-old -> ami-1 (replace)\n"
		"instance i-5: stopped -> none (apply)\n");
	/* The successor itself is gone: then the old one is the fleet's again. */
	w.instances[1].state = S("terminated");
	plans(&x, &w, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_lasts),
		cmocka_unit_test(test_what_does_not_last),
		cmocka_unit_test(test_everything_at_once),
		cmocka_unit_test(test_a_roll_out),
		cmocka_unit_test(test_volumes_that_stay),
		cmocka_unit_test(test_protection),
		cmocka_unit_test(test_finishing),
		cmocka_unit_test(test_what_keeps_it_from_being_finished),
		cmocka_unit_test(test_replacing_the_new_one),
	};

	return cmocka_run_group_tests_name("plan_replace", tests, NULL, NULL);
}
