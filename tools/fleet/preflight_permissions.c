/*
 * The permissions that the programs need in a region, each asked for by a dry run of the call that
 * needs it. Where there is nothing yet that the call could be about, an id is made up: then AWS
 * says either that the caller may not, or that there is no such thing.
 */
#include "banned.h"

#include "fleet/preflight_private.h"
#include "fleet/instance.h"

#include <stdarg.h>

/* What the questions are about. */
struct subjects {
	const char *home, *source_image; /* the home image, and its region */
	const char *name;                /* the fleet's */
	const char *public_key, *profile;
	const char *instance, *volume, *image, *snapshot, *group, *vpc, *subnet, *type;
	int reads_console; /* to know its instances */
};

struct question {
	const char *permission;
	int elsewhere; /* not needed in the home region, where these things are the user's own */
	void (*ask)(struct awsq_call *call, const struct subjects *s);
};

enum { ANYWHERE, ELSEWHERE };

/* Any key will do to ask whether one may be imported, as long as it is one. */
static const char some_key[] =
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB";

static const struct awsq_ec2_new_tag *tags(const struct subjects *s,
	struct awsq_ec2_new_tag room[2])
{
	room[0] = (struct awsq_ec2_new_tag){ TAG_FLEET, s->name };
	room[1] = (struct awsq_ec2_new_tag){ NULL, NULL };
	return room;
}

/* ---- Reads */

#define ASK_TO_DESCRIBE(things)                                                         \
	static void describe_##things(struct awsq_call *call, const struct subjects *s) \
	{                                                                               \
		(void)s;                                                                \
		awsq_ec2_describe_##things(call, NULL, NULL);                           \
	}

ASK_TO_DESCRIBE(images)
ASK_TO_DESCRIBE(instances)
ASK_TO_DESCRIBE(key_pairs)
ASK_TO_DESCRIBE(managed_prefix_lists)
ASK_TO_DESCRIBE(security_groups)
ASK_TO_DESCRIBE(snapshots)
ASK_TO_DESCRIBE(subnets)
ASK_TO_DESCRIBE(volumes)
ASK_TO_DESCRIBE(vpcs)

static void describe_offerings(struct awsq_call *call, const struct subjects *s)
{
	(void)s;
	awsq_ec2_describe_instance_type_offerings(call, NULL, "region", NULL);
}

static void describe_attribute(struct awsq_call *call, const struct subjects *s)
{
	static struct awsq_ec2_instance_attributes nothing;

	awsq_ec2_describe_instance_attribute(call, &nothing, s->instance, AWSQ_EC2_USER_DATA);
}

static void get_console_output(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_get_console_output(call, NULL, s->instance, 1);
}

/* ---- Image */

static void ask_to_copy(struct awsq_call *call, const struct subjects *s,
	const struct awsq_ec2_new_tag *with)
{
	awsq_ec2_copy_image(call, NULL,
		&(struct awsq_ec2_copy_image){ .source_region = s->home,
			.source_image_id = s->source_image,
			.name = s->name,
			.tags = with });
}

static void copy_image(struct awsq_call *call, const struct subjects *s)
{
	ask_to_copy(call, s, NULL);
}

static void tag_image(struct awsq_call *call, const struct subjects *s)
{
	struct awsq_ec2_new_tag room[2];

	ask_to_copy(call, s, tags(s, room));
}

static void deregister_image(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_deregister_image(call, NULL, s->image);
}

static void delete_snapshot(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_delete_snapshot(call, s->snapshot);
}

/* ---- Key pair */

static void import_key_pair(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_import_key_pair(call, s->name, s->public_key, NULL);
}

static void tag_key_pair(struct awsq_call *call, const struct subjects *s)
{
	struct awsq_ec2_new_tag room[2];

	awsq_ec2_import_key_pair(call, s->name, s->public_key, tags(s, room));
}

static void delete_key_pair(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_delete_key_pair(call, s->name);
}

/* ---- Security group */

static void create_group(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_create_security_group(call, NULL, s->name, s->name, s->vpc, NULL);
}

static void tag_group(struct awsq_call *call, const struct subjects *s)
{
	struct awsq_ec2_new_tag room[2];

	awsq_ec2_create_security_group(call, NULL, s->name, s->name, s->vpc, tags(s, room));
}

/* A rule for an address that is nobody's (RFC 5737). */
#define ASK_ABOUT_RULE(verb)                                                    \
	static void verb(struct awsq_call *call, const struct subjects *s)      \
	{                                                                       \
		char protocol[] = "tcp", nobody[] = "192.0.2.1/32";             \
		struct awsq_ec2_rule_target target = { .name = nobody };        \
                                                                                \
		awsq_ec2_##verb(call, s->group,                                 \
			&(struct awsq_ec2_ip_permission){ .protocol = protocol, \
				.from_port = 22,                                \
				.to_port = 22,                                  \
				.ipv4 = &target,                                \
				.n_ipv4 = 1 },                                  \
			1);                                                     \
	}

ASK_ABOUT_RULE(authorize_ingress)
ASK_ABOUT_RULE(authorize_egress)
ASK_ABOUT_RULE(revoke_ingress)
ASK_ABOUT_RULE(revoke_egress)

static void delete_group(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_delete_security_group(call, s->group);
}

/* ---- Instance */

static void ask_to_run(struct awsq_call *call, const struct subjects *s,
	const struct awsq_ec2_new_tag *with, const char *profile)
{
	awsq_ec2_run_instances(call, NULL,
		&(struct awsq_ec2_run_instance){ .image_id = s->image,
			.type = s->type,
			.subnet_id = s->subnet,
			.profile_name = profile,
			.http_tokens = "required",
			.tags = with });
}

static void run_instances(struct awsq_call *call, const struct subjects *s)
{
	ask_to_run(call, s, NULL, NULL);
}

static void tag_instance(struct awsq_call *call, const struct subjects *s)
{
	struct awsq_ec2_new_tag room[2];

	ask_to_run(call, s, tags(s, room), NULL);
}

static void tag_lease(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_create_tags(call, s->instance,
		(struct awsq_ec2_new_tag[]){ { TAG_LEASE, s->name }, { NULL, NULL } });
}

static void pass_role(struct awsq_call *call, const struct subjects *s)
{
	ask_to_run(call, s, NULL, s->profile);
}

static void modify_attribute(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_modify_shutdown_behavior(call, s->instance, "stop");
}

static void modify_metadata(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_modify_metadata_tokens(call, s->instance, "required");
}

static void start_instance(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_start_instance(call, NULL, s->instance);
}

static void stop_instance(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_stop_instance(call, NULL, s->instance);
}

static void terminate_instance(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_terminate_instance(call, NULL, s->instance);
}

static void delete_volume(struct awsq_call *call, const struct subjects *s)
{
	awsq_ec2_delete_volume(call, s->volume);
}

/* ---- All of them: several may be of one permission */

static const struct question questions[] = {
	{ "ec2:DescribeImages", ANYWHERE, describe_images },
	{ "ec2:DescribeInstanceAttribute", ANYWHERE, describe_attribute },
	{ "ec2:DescribeInstanceTypeOfferings", ANYWHERE, describe_offerings },
	{ "ec2:DescribeInstances", ANYWHERE, describe_instances },
	{ "ec2:DescribeKeyPairs", ANYWHERE, describe_key_pairs },
	{ "ec2:DescribeManagedPrefixLists", ANYWHERE, describe_managed_prefix_lists },
	{ "ec2:DescribeSecurityGroups", ANYWHERE, describe_security_groups },
	{ "ec2:DescribeSnapshots", ANYWHERE, describe_snapshots },
	{ "ec2:DescribeSubnets", ANYWHERE, describe_subnets },
	{ "ec2:DescribeVolumes", ANYWHERE, describe_volumes },
	{ "ec2:DescribeVpcs", ANYWHERE, describe_vpcs },
	{ "ec2:GetConsoleOutput", ANYWHERE, get_console_output },
	{ "ec2:CopyImage", ELSEWHERE, copy_image },
	{ "ec2:ImportKeyPair", ANYWHERE, import_key_pair },
	{ "ec2:CreateSecurityGroup", ELSEWHERE, create_group },
	{ "ec2:AuthorizeSecurityGroupEgress", ELSEWHERE, authorize_egress },
	{ "ec2:AuthorizeSecurityGroupIngress", ELSEWHERE, authorize_ingress },
	{ "ec2:RevokeSecurityGroupEgress", ELSEWHERE, revoke_egress },
	{ "ec2:RevokeSecurityGroupIngress", ELSEWHERE, revoke_ingress },
	{ "ec2:RunInstances", ANYWHERE, run_instances },
	{ "iam:PassRole", ANYWHERE, pass_role },
	{ "ec2:CreateTags", ELSEWHERE, tag_image },
	{ "ec2:CreateTags", ANYWHERE, tag_key_pair },
	{ "ec2:CreateTags", ELSEWHERE, tag_group },
	{ "ec2:CreateTags", ANYWHERE, tag_instance },
	{ "ec2:CreateTags", ANYWHERE, tag_lease },
	{ "ec2:ModifyInstanceAttribute", ANYWHERE, modify_attribute },
	{ "ec2:ModifyInstanceMetadataOptions", ANYWHERE, modify_metadata },
	{ "ec2:StartInstances", ANYWHERE, start_instance },
	{ "ec2:StopInstances", ANYWHERE, stop_instance },
	{ "ec2:TerminateInstances", ELSEWHERE, terminate_instance },
	{ "ec2:DeregisterImage", ELSEWHERE, deregister_image },
	{ "ec2:DeleteSnapshot", ELSEWHERE, delete_snapshot },
	{ "ec2:DeleteVolume", ELSEWHERE, delete_volume },
	{ "ec2:DeleteKeyPair", ELSEWHERE, delete_key_pair },
	{ "ec2:DeleteSecurityGroup", ELSEWHERE, delete_group },
};

#define N_QUESTIONS (sizeof(questions) / sizeof(questions[0]))

/* ---- What to ask about */

static void take_instance(struct subjects *s, const struct observed *o)
{
	const struct awsq_ec2_instance *instance = NULL;

	for (size_t i = 0; i < o->instances.n; i++) {
		if (instance_counts(&o->instances, &o->instances.items[i]))
			instance = &o->instances.items[i];
	}
	if (!instance)
		return;
	s->instance = instance->id;
	if (instance->n_volumes > 0 && instance->volumes[0].id)
		s->volume = instance->volumes[0].id;
}

static void take_image(struct subjects *s, const struct observed *o)
{
	for (size_t i = 0; i < o->images.n; i++) {
		const struct awsq_ec2_image *image = &o->images.items[i];

		if (!image_is_usable(image))
			continue;
		s->image = image->id;
		for (size_t k = 0; k < image->n_devices; k++) {
			if (image->devices[k].snapshot_id)
				s->snapshot = image->devices[k].snapshot_id;
		}
	}
}

static struct subjects choose_subjects(const struct desired *d, const struct region *r,
	const struct reads *reads, const struct placement *place)
{
	const struct awsq_ec2_security_group *group = chosen_group(&reads->observed, place->vpc_id);
	struct subjects s = { .home = d->config->home,
		.source_image = d->image ? d->image->id : "ami-0123456789abcdef0",
		.name = d->config->name,
		.public_key = d->public_key ? d->public_key : some_key,
		.profile = d->profile_name,
		.instance = "i-0123456789abcdef0",
		.volume = "vol-0123456789abcdef0",
		.image = "ami-0123456789abcdef0",
		.snapshot = "snap-0123456789abcdef0",
		.group = group ? group->id : "sg-0123456789abcdef0",
		.vpc = place->vpc_id ? place->vpc_id : "vpc-0123456789abcdef0",
		.subnet = place->subnet_id,
		.type = config_place(d->config, r->name)->instance_types.items[0],
		.reads_console = d->config->host_key == CONFIG_HOST_KEY_CONSOLE };

	take_instance(&s, &reads->observed);
	take_image(&s, &reads->observed);
	return s;
}

/* ---- Asking */

/* Of what several questions say of one permission, the worst is kept, or else what is known. */
static void keep(struct checks *c, const struct check *check)
{
	struct check *added;

	for (size_t i = 0; i < c->n; i++) {
		struct check *old = &c->items[i];

		if (strcmp(old->name, check->name) != 0)
			continue;
		if (check->result == CHECK_FAIL || old->result == CHECK_UNKNOWN)
			*old = *check;
		return;
	}
	added = check_add(c, check->result, check->name, "%s", check->detail);
	if (added)
		*added = *check;
}

static void tell(struct checks *c, const char *permission, enum check_result result,
	const char *format, ...) AWSQ_PRINTF(4, 5);

static void tell(struct checks *c, const char *permission, enum check_result result,
	const char *format, ...)
{
	struct check check = { .is_permission = 1, .result = result };
	va_list ap;

	(void)snprintf(check.name, sizeof(check.name), "%s", permission);
	va_start(ap, format);
	(void)vsnprintf(check.detail, sizeof(check.detail), format, ap);
	va_end(ap);
	keep(c, &check);
}

/*
 * What the end of a dry run says of the permission that was asked for, and of another one that it
 * turns out to need.
 */
static void judge(struct checks *c, const char *permission, const struct region *r,
	const struct awsq_err *end)
{
	struct awsq_err err = *end;
	char missing[64];

	awsq_err_missing_permission(missing, sizeof(missing), &err);
	if (awsq_err_is(&err, "DryRunOperation")) {
		tell(c, permission, CHECK_PASS, "permitted");
	} else if (awsq_err_is_denied(&err)) {
		if (strcmp(missing, permission) != 0)
			tell(c, permission, CHECK_UNKNOWN,
				"it is asked for with %s, which lacks %s", err.action, missing);
		region_explain(r, &err, "use %s", missing);
		tell(c, missing, CHECK_FAIL, "%s", err.message);
	} else if (err.code != 0) {
		tell(c, permission, CHECK_UNKNOWN, "%s%s%s", err.aws_code,
			err.aws_code[0] ? ": " : "", err.message);
	} else {
		tell(c, permission, CHECK_UNKNOWN, "AWS did not take it for a dry run");
	}
}

static int is_asked(const struct question *q, const struct subjects *s, int is_home)
{
	return !(q->elsewhere && is_home) && !(q->ask == pass_role && !s->profile) &&
	       !(q->ask == get_console_output && !s->reads_console);
}

void check_permissions(struct checks *out, const struct desired *d, struct region *r,
	const struct reads *reads, const struct placement *place)
{
	const struct subjects s = choose_subjects(d, r, reads, place);
	int is_home = strcmp(r->name, d->config->home) == 0;
	struct awsq_call calls[N_QUESTIONS];
	const struct question *asked[N_QUESTIONS];
	size_t n = 0;

	for (size_t i = 0; i < N_QUESTIONS; i++) {
		if (!is_asked(&questions[i], &s, is_home))
			continue;
		asked[n] = &questions[i];
		questions[i].ask(&calls[n], &s);
		awsq_ec2_dry_run(&calls[n++]);
	}
	(void)awsq_run(r->client, calls, n);
	for (size_t i = 0; i < n; i++) {
		judge(out, asked[i]->permission, r, &calls[i].err);
		awsq_call_free(&calls[i]);
	}
}

/* ---- What has no dry run */

void check_associations(struct checks *out, struct region *r, const struct reads *reads)
{
	static const char *const writes[] = { "ec2:AssociateIamInstanceProfile",
		"ec2:DisassociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation" };
	static const char read[] = "ec2:DescribeIamInstanceProfileAssociations";
	const struct awsq_err *err = &reads->err[READ_ASSOCIATIONS];

	if (err->code == 0)
		tell(out, read, CHECK_PASS, "permitted");
	else
		judge(out, read, r, err);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		tell(out, writes[i], CHECK_UNKNOWN,
			"AWS has no dry run of it; the nearest read is %s",
			err->code == 0 ? "permitted" : "not permitted either");
}
