/*
 * Carrying out: answers that lack what there has to be in them, and disturbances while a copy is
 * waited for. What becomes of whole regions is the integration tests' to say.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>

#include "fake_client.h"
#include "fleet/apply_private.h"

#define S(text)      ((char *)(uintptr_t)(text))
#define IMAGE(text)  "<R><imagesSet><item><imageId>ami-2</imageId>" text "</item></imagesSet></R>"
#define STATE(state) "<imageState>" state "</imageState>"
#define ERROR(code)                                                                           \
	"<Response><Errors><Error><Code>" code "</Code><Message>m</Message></Error></Errors>" \
	"</Response>"

/* A region of a fleet, with a client of scripted answers, and what it said. */
struct scene {
	struct fake f;
	struct config config;
	struct fleet fleet;
	struct region region;
	struct report report;
	struct awsq_buf said;
	struct awsq_ec2_image image;
	struct awsq_ec2_security_group group;
	struct desired desired;
	struct observed observed;
	struct plan plan;
	struct apply apply;
	char dir[32];
};

static void say_event(void *arg, const char *region, const char *text)
{
	awsq_buf_addf(arg, "%s: %s\n", region, text);
}

static void say_warning(void *arg, const char *region, const char *text)
{
	awsq_buf_addf(arg, "%s: warning: %s\n", region, text);
}

static void say_nothing(void *arg, const char *region, const char *text)
{
	(void)arg;
	(void)region;
	(void)text;
}

static void begin(struct scene *s, const struct answer *answers, size_t n)
{
	static char *types[] = { S("t9.none") };

	memset(s, 0, sizeof(*s));
	fake_begin(&s->f, answers, n);
	awsq_buf_init(&s->said, 8192);
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/apply-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->config.name = S("NAVO");
	s->config.home = S("eu-west-1");
	s->config.elsewhere.instance_types.items = types;
	s->config.elsewhere.instance_types.n = 1;
	s->report = (struct report){
		.arg = &s->said, .event = say_event, .warning = say_warning, .status = say_nothing
	};
	s->fleet = (struct fleet){ .config = &s->config,
		.report = &s->report,
		.log = &s->f.log,
		.state_dir = s->dir,
		.cancel_fd = -1 };
	s->region = (struct region){
		.fleet = &s->fleet, .name = "us-west-2", .client = s->f.client, .cancel_fd = -1
	};
	(void)snprintf(s->region.label, sizeof(s->region.label), "us-west-2");
	s->image.id = S("ami-1");
	s->desired =
		(struct desired){ .config = &s->config, .image = &s->image, .group = &s->group };
	s->apply = (struct apply){ .r = &s->region,
		.d = &s->desired,
		.o = &s->observed,
		.plan = &s->plan,
		.image_id = "ami-2" };
}

#define BEGIN(s, answers) begin(s, answers, sizeof(answers) / sizeof((answers)[0]))

static void end(struct scene *s)
{
	char command[64];

	fake_end(&s->f);
	awsq_buf_free(&s->said);
	(void)snprintf(command, sizeof(command), "rm -r %s", s->dir);
	assert_int_equal(system(command), 0);
}

static int how_often(const struct scene *s, const char *text)
{
	int n = 0;

	for (const char *at = awsq_buf_str(&s->said); (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void test_an_answer_without_an_id(void **state)
{
	static const struct answer answers[] = {
		{ .action = "CopyImage", .status = 200, .body = "<R><requestId>r</requestId></R>" },
		{ .action = "CreateSecurityGroup", .status = 200, .body = "<R><groupId/></R>" },
	};
	struct action action = { .kind = ACTION_COPY_IMAGE, .what = "copy", .value = "NAVO" };
	struct awsq_err err;
	struct scene s;

	(void)state;
	BEGIN(&s, answers);
	s.plan.actions = &action;
	s.plan.n = 1;
	assert_int_equal(plan_apply(&s.plan, &s.region, &s.desired, &s.observed, &err),
		AWSQ_EPARSE);
	assert_string_equal(err.message, "cannot copy: the answer names no image");
	action = (struct action){ .kind = ACTION_CREATE_GROUP, .what = "create" };
	assert_int_equal(plan_apply(&s.plan, &s.region, &s.desired, &s.observed, &err),
		AWSQ_EPARSE);
	assert_string_equal(err.message, "cannot create: the answer names no security group");
	assert_string_equal(awsq_buf_str(&s.said), "");
	end(&s);
}

/* As when what is offered has changed since the plan was made. */
static void test_no_type_is_offered(void **state)
{
	static const struct answer none[] = { { .status = 500 } };
	const struct action action = { .kind = ACTION_RUN_INSTANCE, .what = "run" };
	struct awsq_err err = { 0 };
	struct scene s;

	(void)state;
	BEGIN(&s, none);
	assert_int_equal(apply_run_instance(&s.apply, &action, &err), AWSQ_ENOTFOUND);
	assert_string_equal(err.message,
		"cannot run an instance: no type of instance_type is offered in us-west-2; name "
		"another one");
	assert_int_equal(s.f.server->n_requests, 0);
	end(&s);
}

/* The copy goes on whatever becomes of a look at it. */
static void test_a_disturbance_ends_no_wait(void **state)
{
	static const struct answer answers[] = {
		{ .action = "DescribeImages", .status = 503, .body = ERROR("Unavailable") },
		{ .action = "DescribeImages", .status = 503, .body = ERROR("Unavailable") },
		{ .action = "DescribeImages", .status = 503, .body = ERROR("Unavailable") },
		{ .action = "DescribeImages",
			.status = 400,
			.body = ERROR("InvalidAMIID.NotFound") },
		{ .action = "DescribeImages", .status = 200, .body = IMAGE("") },
		{ .action = "DescribeImages", .status = 200, .body = IMAGE(STATE("pending")) },
		{ .action = "DescribeSnapshots", .status = 200, .body = "<R><snapshotSet/></R>" },
		{ .action = "DescribeImages", .status = 0 },
		{ .action = "DescribeImages", .status = 0 },
		{ .action = "DescribeImages", .status = 0 },
		{ .action = "DescribeImages", .status = 200, .body = IMAGE(STATE("available")) },
	};
	const struct action action = { .kind = ACTION_WAIT_IMAGE, .what = "wait" };
	struct awsq_err err;
	struct scene s;

	(void)state;
	BEGIN(&s, answers);
	assert_int_equal(apply_wait_image(&s.apply, &action, &err), 0);
	assert_string_equal(awsq_buf_str(&s.said),
		"us-west-2: warning: cannot look at image 'ami-2': Unavailable: m; trying again\n"
		"us-west-2: waiting for the copy to image ami-2\n"
		"us-west-2: image ami-2 is available\n");
	assert_int_equal(s.f.server->n_requests, 11);
	end(&s);
}

static void test_a_refusal_ends_the_wait(void **state)
{
	static const struct answer answers[] = {
		{ .status = 403, .body = ERROR("UnauthorizedOperation") },
		{ .status = 200, .body = IMAGE(STATE("failed")) },
	};
	const struct action action = { .kind = ACTION_WAIT_IMAGE, .what = "wait" };
	struct awsq_err err;
	struct scene s;

	(void)state;
	BEGIN(&s, answers);
	assert_int_equal(apply_wait_image(&s.apply, &action, &err), AWSQ_ESERVICE);
	assert_non_null(strstr(err.message, "cannot look at image 'ami-2': UnauthorizedOperation"));
	assert_int_equal(apply_wait_image(&s.apply, &action, &err), AWSQ_ESERVICE);
	assert_string_equal(err.message, "the copy to image 'ami-2' is failed: no reason given");
	assert_int_equal(how_often(&s, "trying again"), 0);
	end(&s);
}

/* ---- Several instances */

#define MADE(id) "<R><instancesSet><item><instanceId>" id "</instanceId></item></instancesSet></R>"
#define STOPPING(id)                                       \
	"<R><instancesSet><item><instanceId>" id           \
	"</instanceId><currentState><name>stopping</name>" \
	"</currentState></item></instancesSet></R>"
#define LOOK(id, state)                                                \
	"<R><reservationSet><item><instancesSet><item><instanceId>" id \
	"</instanceId><instanceState><name>" state                     \
	"</name></instanceState></item></instancesSet></item></reservationSet></R>"

/* A plan that makes two instances, stops them, and terminates i-9. */
static void plan_two(struct scene *s, struct action actions[5])
{
	static struct awsq_ec2_offering offering = { S("t9.none"), S("us-west-2") };

	s->observed.offerings = (struct awsq_ec2_offerings){ .items = &offering, .n = 1 };
	s->desired.key_fingerprint = S("SHA256:x");
	s->plan.actions = actions;
	s->plan.n = 5;
	memset(actions, 0, 5 * sizeof(*actions));
	for (int i = 0; i < 4; i++) {
		actions[i].kind = i < 2 ? ACTION_RUN_INSTANCE : ACTION_STOP_INSTANCE;
		actions[i].ordinal = 1 + i % 2;
		(void)snprintf(actions[i].what, sizeof(actions[i].what), "action %d", i);
	}
	actions[4].kind = ACTION_TERMINATE_INSTANCE;
	(void)snprintf(actions[4].id, sizeof(actions[4].id), "i-9");
}

/* Where the second cannot be made, the first does not stay on, and nothing is terminated. */
static void test_what_was_made_is_stopped_when_the_next_fails(void **state)
{
	static const struct answer answers[] = {
		{ .action = "RunInstances", .status = 200, .body = MADE("i-1") },
		{ .action = "RunInstances", .status = 403, .body = ERROR("UnauthorizedOperation") },
		{ .action = "StopInstances", .status = 200, .body = STOPPING("i-1") },
		{ .action = "DescribeInstances", .status = 200, .body = LOOK("i-1", "stopped") },
	};
	struct action actions[5];
	struct awsq_err err;
	struct scene s;

	(void)state;
	BEGIN(&s, answers);
	plan_two(&s, actions);
	assert_int_equal(plan_apply(&s.plan, &s.region, &s.desired, &s.observed, &err),
		AWSQ_ESERVICE);
	assert_non_null(strstr(err.message, "cannot run an instance of type t9.none"));
	assert_string_equal(awsq_buf_str(&s.said),
		"us-west-2: instance i-1 (t9.none) is made\nus-west-2: instance i-1 is stopped\n");
	assert_int_equal(s.f.server->n_requests, 4);
	assert_null(strstr(s.f.server->requests[0].body, "awsq%3Aordinal"));
	assert_non_null(strstr(s.f.server->requests[1].body, "awsq%3Aordinal"));
	end(&s);
}

/* Both are told to stop before the first is waited for, and the other is when the first cannot. */
static void test_each_is_stopped_whatever_becomes_of_the_other(void **state)
{
	static const struct answer answers[] = {
		{ .action = "RunInstances", .status = 200, .body = MADE("i-1") },
		{ .action = "RunInstances", .status = 200, .body = MADE("i-2") },
		{ .action = "DescribeInstances", .status = 200, .body = LOOK("i-1", "running") },
		{ .action = "StopInstances", .status = 200, .body = STOPPING("i-1") },
		{ .action = "DescribeInstances", .status = 200, .body = LOOK("i-2", "running") },
		{ .action = "StopInstances", .status = 200, .body = STOPPING("i-2") },
		{ .action = "DescribeInstances", .status = 200, .body = LOOK("i-1", "terminated") },
		{ .action = "DescribeInstances", .status = 200, .body = LOOK("i-2", "stopped") },
	};
	static const char *const order[] = { "i-1", "i-1", "i-2", "i-2" };
	struct action actions[5];
	struct awsq_err err;
	struct scene s;

	(void)state;
	BEGIN(&s, answers);
	plan_two(&s, actions);
	assert_int_equal(plan_apply(&s.plan, &s.region, &s.desired, &s.observed, &err),
		AWSQ_ESERVICE);
	assert_non_null(strstr(err.message, "instance 'i-1' is terminated, not stopped"));
	assert_int_equal(s.f.server->n_requests, 8);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(strstr(s.f.server->requests[2 + i].body, order[i]));
	assert_int_equal(how_often(&s, "i-2 is stopped"), 1);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_without_an_id),
		cmocka_unit_test(test_no_type_is_offered),
		cmocka_unit_test(test_a_disturbance_ends_no_wait),
		cmocka_unit_test(test_a_refusal_ends_the_wait),
		cmocka_unit_test(test_what_was_made_is_stopped_when_the_next_fails),
		cmocka_unit_test(test_each_is_stopped_whatever_becomes_of_the_other),
	};

	return cmocka_run_group_tests_name("apply", tests, fake_global_begin, fake_global_end);
}
