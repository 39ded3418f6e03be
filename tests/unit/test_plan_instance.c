/*
 * What config-region plans for a region's instance while it stays, and in the home region.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_expect.h"

/* ---- States */

static void test_states(void **state)
{
	static const char gone[] = "instance: none -> NAVO (apply)\n";
	static const struct {
		const char *state;
		int later;
		const char *words;
	} cases[] = {
		/* Made and never stopped: by a run of config-region that did not end. */
		{ "pending", 0, "stop-instance(i-5)" },
		{ "running", 0, "stop-instance(i-5)" },
		{ "running", 1, "stop-instance(i-5)" },
		{ "stopping", 0, "stop-instance(i-5)" },
		{ "stopped", 0, "" },
		/* So new that its volume is not attached yet. */
		{ "pending", -1, "stop-instance(i-5)" },
		/* Awake for a job: left alone. */
		{ "pending", 3600, "" },
		{ "running", 3600, "" },
		{ "running", 2, "" },
		{ "running", -1, "" },
		{ "stopping", 3600, "" },
		{ "stopped", 3600, "" },
		/* Gone, or on the way. */
		{ "terminated", 3600, "run-instance stop-instance" },
		{ "shutting-down", 0, "run-instance stop-instance" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char differences[100] = "";
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		w.instances[0].state = S(cases[i].state);
		w.instances[0].launch_time = LAUNCHED + cases[i].later;
		w.instances[0].n_volumes = cases[i].later >= 0;
		w.o.in_use = 1;
		if (strncmp(cases[i].words, "stop", 4) == 0)
			(void)snprintf(differences, sizeof(differences),
				"instance i-5 state: %s -> stopped (apply)\n", cases[i].state);
		plans(&x, &w, cases[i].words,
			strncmp(cases[i].words, "run", 3) == 0 ? gone : differences);
	}
}

/* One that runs though nothing here needs it is told of, since it costs; but it is not ours. */
static void test_one_that_nobody_needs(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.instances[0].state = S("running");
	plans(&x, &w, "", "instance i-5 state: running -> stopped (by-hand)\n");
	w.o.in_use = 1;
	plans(&x, &w, "", "");
	w.o.in_use = 0;
	w.instances[0].state = S("stopping");
	plans(&x, &w, "", "");
	/* What someone made by hand may be at work from the first minute. */
	w.instances[0].launch_time = LAUNCHED;
	w.instances[0].n_tags = 1;
	w.instances[0].state = S("running");
	plans(&x, &w, "tag(i-5)=awsq:fleet:NAVO",
		"instance i-5 state: running -> stopped (by-hand)\n"
		"instance i-5 tags: none -> awsq:fleet=NAVO (apply)\n");
	/* And is no less so when it has been adopted. */
	w.instances[0].n_tags = 2;
	plans(&x, &w, "", "instance i-5 state: running -> stopped (by-hand)\n");
}

/* Terminated ones are listed for an hour; they neither count nor are picked. */
static void test_several(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	world_instance(&w, "terminated", 0);
	world_instance(&w, "shutting-down", 0);
	w.o.volumes.n = 1;
	plans(&x, &w, "", "");
	world_instance(&w, "running", 3600);
	w.attributes[3].user_data = S(x.user_data);
	w.o.in_use = 1;
	plans(&x, &w, "", "instances count: 2 -> 1 (by-hand)\n");
}

/* ---- What can be changed in place */

static void test_attributes(void **state)
{
	static const struct {
		size_t member; /* of the instance; its attributes' begin behind it */
		const char *found;
		const char *words, *differences;
		int waits; /* while the instance runs */
	} cases[] = {
#define OF(name) offsetof(struct awsq_ec2_instance, name)
#define ATTRIBUTE(name) \
	sizeof(struct awsq_ec2_instance) + offsetof(struct awsq_ec2_instance_attributes, name)
		{ OF(type), "t3a.micro", "", "", 0 },
		{ OF(type), "t2.nano", "modify-type(i-5)=t3.micro",
			"type: t2.nano -> t3.micro or t3a.micro", 1 },
		{ OF(type), NULL, "modify-type(i-5)=t3.micro",
			"type: none -> t3.micro or t3a.micro", 1 },
		{ OF(profile_arn), PROFILE_ARN "other", "replace-profile(i-5)=role",
			"instance profile: other -> role", 0 },
		{ OF(profile_arn), "arn:aws:iam::123456789012:instance-profile/role", "", "", 0 },
		{ OF(profile_arn), NULL, "associate-profile(i-5)=role",
			"instance profile: none -> role", 0 },
		{ OF(http_tokens), "optional", "modify-metadata(i-5)=required",
			"metadata tokens (IMDSv2): optional -> required", 0 },
		{ OF(http_tokens), NULL, "modify-metadata(i-5)=required",
			"metadata tokens (IMDSv2): none -> required", 0 },
		{ ATTRIBUTE(shutdown_behavior), "terminate", "modify-shutdown(i-5)=stop",
			"shutdown behaviour: terminate -> stop", 0 },
		{ ATTRIBUTE(shutdown_behavior), NULL, "modify-shutdown(i-5)=stop",
			"shutdown behaviour: none -> stop", 0 },
		{ ATTRIBUTE(user_data), NULL, "modify-user-data(i-5)",
			"user data: none -> the timer of max_uptime", 1 },
		{ ATTRIBUTE(user_data), "", "modify-user-data(i-5)",
			"user data: none -> the timer of max_uptime", 1 },
#undef OF
#undef ATTRIBUTE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases) * 2; i++) {
		char differences[200] = "", *found = S(cases[i / 2].found);
		int runs = i & 1, waits = runs && cases[i / 2].waits;
		size_t member = cases[i / 2].member, size = sizeof(struct awsq_ec2_instance);
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		if (member < size)
			memcpy((char *)&w.instances[0] + member, &found, sizeof(found));
		else
			memcpy((char *)&w.attributes[0] + member - size, &found, sizeof(found));
		w.instances[0].state = S(runs ? "running" : "stopped");
		w.o.in_use = 1;
		if (cases[i / 2].words[0])
			(void)snprintf(differences, sizeof(differences), "instance i-5 %s (%s)\n",
				cases[i / 2].differences, waits ? "by-hand" : "apply");
		plans(&x, &w, waits ? "" : cases[i / 2].words, differences);
	}
}

/* The first that is offered where the instance is. */
static void test_the_type_to_change_to(void **state)
{
	char *own_type = S("c7g.large");
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.instances[0].type = S("t2.nano");
	w.o.offerings.items++;
	w.o.offerings.n = 1;
	plans(&x, &w, "modify-type(i-5)=t3a.micro",
		"instance i-5 type: t2.nano -> t3.micro or t3a.micro (apply)\n");
	/* Once a subnet is named, offers are by zone. */
	x.config.elsewhere.subnet = S(SUBNET);
	world_subnet(&w, SUBNET, VPC, "eu-west-3b", 10);
	w.instances[0].zone = S("eu-west-3b");
	w.offerings[1].location = S("eu-west-3c");
	plans(&x, &w, "", "instance i-5 type: t2.nano -> t3.micro or t3a.micro (by-hand)\n");
	w.offerings[1].location = S("eu-west-3b");
	plans(&x, &w, "modify-type(i-5)=t3a.micro",
		"instance i-5 type: t2.nano -> t3.micro or t3a.micro (apply)\n");
	x.config.elsewhere.subnet = NULL;
	w.o.offerings.n = 0;
	plans(&x, &w, "", "instance i-5 type: t2.nano -> t3.micro or t3a.micro (by-hand)\n");
	/* The region's own types, where it has some. */
	x.config.elsewhere.instance_types = (struct config_strings){ &own_type, 1 };
	w.instances[0].type = S("t3.micro");
	plans(&x, &w, "", "instance i-5 type: t3.micro -> c7g.large (by-hand)\n");
	w.instances[0].type = S("c7g.large");
	plans(&x, &w, "", "");
}

static void test_no_profile_wanted(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	x.d.profile_name = NULL;
	plans(&x, &w, "disassociate-profile(i-5)",
		"instance i-5 instance profile: role -> none (apply)\n");
	w.instances[0].profile_arn = NULL;
	plans(&x, &w, "", "");
}

static void test_groups(void **state)
{
	struct awsq_ec2_group_ref two[2] = { { NULL, NULL }, { S("sg-x"), S("x") } };
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	two[0] = w.refs[0];
	w.instances[0].groups = two;
	w.instances[0].n_groups = 2;
	plans(&x, &w, "modify-group(i-5)=sg-4",
		"instance i-5 security group: sg-4, sg-x -> sg-4 (apply)\n");
	two[0].id = S("sg-old");
	w.instances[0].n_groups = 1;
	plans(&x, &w, "modify-group(i-5)=sg-4",
		"instance i-5 security group: sg-old -> sg-4 (apply)\n");
	w.instances[0].n_groups = 0;
	plans(&x, &w, "modify-group(i-5)=sg-4",
		"instance i-5 security group: none -> sg-4 (apply)\n");
}

static void test_the_name(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	TAG(&w, &w.instances[0], TAG_NAME, "old");
	plans(&x, &w, "tag(i-5)=Name:NAVO", "instance i-5 Name tag: old -> NAVO (apply)\n");
	w.instances[0].tags++;
	w.instances[0].n_tags--;
	plans(&x, &w, "tag(i-5)=Name:NAVO", "instance i-5 Name tag: none -> NAVO (apply)\n");
}

/* Text that the fleet did not write stays, unless the fleet made the instance. */
static void test_user_data(void **state)
{
	static const char change[] = "instance i-5 user data: something else -> the timer of "
				     "max_uptime (apply)\n";
	static const char lasts[] = "instance i-5 user data: that of someone who made the "
				    "instance by hand -> the timer of max_uptime (replace)\n";
	static const struct {
		const char *text; /* "!": not base64 */
		int made_by_fleet, lasts;
	} cases[] = {
		{ DESIRED_USER_DATA "sleep 7200\n", 1, 0 },
		{ DESIRED_USER_DATA "sleep 7200\n", 0, 0 },
		{ "#!/bin/sh\nyum update\n", 1, 0 },
		{ "#!/bin/sh\nyum update\n", 0, 1 },
		{ "!", 1, 0 },
		{ "!", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char data[400];
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		encode(data, sizeof(data), cases[i].text);
		w.attributes[0].user_data = cases[i].text[0] == '!' ? S("%%%%") : data;
		w.instances[0].n_tags = cases[i].made_by_fleet ? 3 : 2;
		plans(&x, &w, cases[i].lasts ? "" : "modify-user-data(i-5)",
			cases[i].lasts ? lasts : change);
	}
}

/* ---- Protection against being stopped */

static void test_stop_protection(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.attributes[0].disable_api_stop = 1;
	plans(&x, &w, "", "instance i-5 stop protection: on -> off (lift-protection)\n");
	/* Nor can it be stopped for what needs it stopped. */
	w.instances[0].state = S("running");
	w.instances[0].launch_time = LAUNCHED;
	w.instances[0].type = S("t2.nano");
	plans(&x, &w, "",
		"instance i-5 stop protection: on -> off (lift-protection)\n"
		"instance i-5 state: running -> stopped (lift-protection)\n"
		"instance i-5 type: t2.nano -> t3.micro or t3a.micro (by-hand)\n");
	w.instances[0].type = S("t3.micro");
	w.instances[0].state = S("stopped");
	x.options.lift_protection = 1;
	plans(&x, &w, "unprotect-stop(i-5)", "instance i-5 stop protection: on -> off (apply)\n");
	/* Before it is stopped. */
	w.instances[0].state = S("running");
	plans(&x, &w, "unprotect-stop(i-5) stop-instance(i-5)",
		"instance i-5 stop protection: on -> off (apply)\n"
		"instance i-5 state: running -> stopped (apply)\n");
	/* Protection against being terminated is in nobody's way here. */
	w.attributes[0].disable_api_stop = 0;
	w.attributes[0].disable_api_termination = 1;
	w.instances[0].state = S("stopped");
	plans(&x, &w, "", "");
}

/* ---- Home */

/* At home neither image nor rules are copied; and its instance is of another image. */
static void test_home(void **state)
{
	static const struct rule any = RULE(0, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", "");
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.region.name = HOME;
	w.images[0].id = S(HOME_IMAGE);
	w.images[0].n_tags = w.groups[0].n_tags = 0;
	w.instances[0].image_id = S("ami-of-amazon");
	w.instances[0].vpc_id = S("vpc-of-its-own");
	world_rule(&w, &w.groups[0], &any);
	world_image(&w, "available", "ami-older");
	world_image(&w, "failed", NULL);
	world_snapshot(&w, NULL, 1);
	x.config.encrypt = 1;
	plans(&x, &w, "", "");
	x.options.replace = 1;
	plans(&x, &w, "", "");
	w.o.key_pairs.n = w.o.instances.n = w.o.volumes.n = 0;
	plans(&x, &w, "import-key-pair run-instance stop-instance",
		"key pair: none -> NAVO (apply)\ninstance: none -> NAVO (apply)\n");
}

/* What only another instance would change is told: home's is what the image was made from. */
static void test_what_lasts_at_home(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.region.name = HOME;
	x.options.replace = 1;
	w.instances[0].key_name = S("mine");
	w.key_pairs[0].public_key = S(OTHER_KEY);
	w.instances[0].type = S("t2.nano");
	plans(&x, &w, "modify-type(i-5)=t3.micro",
		"key pair NAVO public key: SHA256:here -> SHA256:navo (by-hand)\n"
		"instance i-5 key pair: mine -> NAVO (by-hand)\n"
		"instance i-5 type: t2.nano -> t3.micro or t3a.micro (apply)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_one_that_nobody_needs),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_the_type_to_change_to),
		cmocka_unit_test(test_no_profile_wanted),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_the_name),
		cmocka_unit_test(test_user_data),
		cmocka_unit_test(test_stop_protection),
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_what_lasts_at_home),
	};

	return cmocka_run_group_tests_name("plan_instance", tests, NULL, NULL);
}
