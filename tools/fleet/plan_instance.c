#include "banned.h"

#include "fleet/plan_private.h"

/*
 * An instance that was never stopped since it was made has its root volume's attachment to show for
 * it: the launch time moves with each start, while the attachment stays where the first launch was.
 * AWS writes both in whole seconds.
 */
#define FIRST_BOOT_SECONDS 1

static int is_first_boot(const struct awsq_ec2_instance *i)
{
	/* What someone made by hand, adopted or not, may be at work from the first minute. */
	if (!awsq_ec2_tag_value(i->tags, i->n_tags, TAG_KEY))
		return 0;
	for (size_t k = 0; k < i->n_volumes; k++) {
		if (!differ(i->volumes[k].device, i->root_device) &&
			i->volumes[k].attach_time >= i->launch_time - FIRST_BOOT_SECONDS)
			return 1;
	}
	/* Only the first launch finds no volume attached: a stopped instance keeps its own. */
	return i->n_volumes == 0 && !differ(i->state, "pending");
}

/* ---- Making one */

struct plan_fate *plan_fate(struct planner *p, const struct awsq_ec2_instance *instance)
{
	return &p->fates[instance - p->o->instances.items];
}

static int plan_stop(struct planner *p, const char *id, int ordinal, const char *why)
{
	struct action *a;
	int rc = plan_add(p->plan, &a, ACTION_STOP_INSTANCE, id, "%s", why);

	if (rc == 0) {
		a->ordinal = ordinal;
		plan_say(a, "stop instance %s when it runs", id ? id : "(new)");
	}
	return rc;
}

int plan_stop_new(struct planner *p, int ordinal)
{
	return plan_stop(p, NULL, ordinal, "it sleeps until it is needed");
}

int plan_has_type(struct planner *p)
{
	const struct config_strings *types = &p->where->instance_types;
	struct awsq_buf names = AWSQ_BUF_INIT(2048);

	for (size_t i = 0; i < types->n; i++) {
		if (type_is_offered(p->o, types->items[i], p->place.zone)) {
			awsq_buf_free(&names);
			return 1;
		}
		awsq_buf_addf(&names, "%s%s", i ? ", " : "", types->items[i]);
	}
	plan_block(p->plan, "no type of instance_type is offered in %s: %.300s; name another one",
		p->place.zone ? p->place.zone : p->r->name, awsq_buf_str(&names));
	awsq_buf_free(&names);
	return 0;
}

int plan_run(struct planner *p, int ordinal, const struct awsq_ec2_instance *old)
{
	const char *image = p->image ? p->image->id : "(new)";
	struct action *a;
	int rc;

	if (old)
		rc = plan_add(p->plan, &a, ACTION_RUN_INSTANCE, NULL, "it replaces %s", old->id);
	else if (p->where->count > 1)
		rc = plan_add(p->plan, &a, ACTION_RUN_INSTANCE, NULL,
			"of %d instances, number %d is missing", p->where->count, ordinal);
	else
		rc = plan_add(p->plan, &a, ACTION_RUN_INSTANCE, NULL,
			"no instance with the Name tag '%s'", p->d->config->name);
	if (rc != 0)
		return rc;
	a->ordinal = ordinal;
	(void)snprintf(a->value, sizeof(a->value), "%s", old ? old->id : "");
	plan_say(a, "run an instance of image %s", image);
	return 0;
}

/* ---- Replacing one */

static int leave_volumes(struct planner *p, const struct awsq_ec2_instance *old)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < old->n_volumes; i++) {
		const struct awsq_ec2_volume *v = observed_volume(p->o, old->volumes[i].id);

		if (v && !old->volumes[i].delete_on_termination)
			rc = plan_leave_volume(p->plan, p->d->config->name, v);
	}
	return rc;
}

int plan_terminate(struct planner *p, const struct awsq_ec2_instance *old, const char *why)
{
	struct action *a;
	int rc = leave_volumes(p, old);

	plan_fate(p, old)->goes = 1;
	if (rc == 0)
		rc = plan_unprotect(p->plan, p->o, old);
	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_TERMINATE_INSTANCE, old->id, "%s", why);
	if (rc == 0)
		plan_say(a, "terminate instance %s", old->id);
	return rc;
}

/* Why an instance cannot be terminated now; NULL when it can. */
static const char *why_not_terminate(const struct planner *p, const struct awsq_ec2_instance *old)
{
	if (differ(old->state, "stopped"))
		return "it is not stopped: stop-region stops it";
	if (instance_is_protected(p->o, old) && !p->options->lift_protection)
		return "it is protected from termination: --lift-protection turns that off";
	return NULL;
}

/* One whose successor is there: what was begun is finished, whatever the options. */
static int finish_replacing(struct planner *p)
{
	const struct awsq_ec2_instance *old = p->replaced;
	const char *obstacle = why_not_terminate(p, old);
	char why[128];
	int rc;

	(void)snprintf(why, sizeof(why), "it is replaced by %s", p->instance->id);
	rc = plan_differs(p->plan,
		&(struct differs){ obstacle ? REMEDY_HAND : REMEDY_APPLY, "instance", old->id, NULL,
			NULL, old->state, obstacle ? obstacle : why });
	return rc == 0 && !obstacle ? plan_terminate(p, old, why) : rc;
}

/* Why --replace does not replace it now; NULL when nothing is in the way. */
static const char *why_not_replace(const struct planner *p)
{
	if (p->replaced)
		return "an earlier replacement is to be finished first";
	if (p->surplus)
		return "which of too many instances are to stay is to be decided first";
	return why_not_terminate(p, p->instance);
}

/* ---- One that stays */

/* Whether it was made and never stopped, or runs for whatever other reason. */
static int plan_state(struct planner *p)
{
	const struct awsq_ec2_instance *i = p->instance;
	int stays = observed_attributes(p->o, i)->disable_api_stop && !p->options->lift_protection;
	int rc;

	if (!differ(i->state, "stopped"))
		return 0;
	p->runs = stays;
	if (is_first_boot(i) && stays)
		return plan_differs(p->plan,
			&(struct differs){ REMEDY_LIFT, "instance", i->id, "state", "stopped",
				i->state, "it was made, and never stopped" });
	if (is_first_boot(i)) {
		rc = plan_differs(p->plan,
			&(struct differs){ REMEDY_APPLY, "instance", i->id, "state", "stopped",
				i->state, "it was made, and never stopped" });
		return rc == 0 ? plan_stop(p, i->id, 0, "it was made, and never stopped") : rc;
	}
	p->runs = 1;
	/* One that runs after a later start may be at work: it is not config-region's to stop. */
	if (p->o->in_use || differ(i->state, "running"))
		return 0;
	return plan_differs(p->plan,
		&(struct differs){ REMEDY_HAND, "instance", i->id, "state", "stopped", i->state,
			"no run of this machine needs it: stop-region stops it" });
}

static int plan_stop_protection(struct planner *p)
{
	int lift = p->options->lift_protection;
	int rc;

	if (!observed_attributes(p->o, p->instance)->disable_api_stop)
		return 0;
	rc = plan_differs(p->plan,
		&(struct differs){ lift ? REMEDY_APPLY : REMEDY_LIFT, "instance", p->instance->id,
			"stop protection", "off", "on", "nothing could stop it" });
	if (rc == 0 && lift)
		rc = plan_unprotect_stop(p->plan, p->instance, "nothing could stop it");
	return rc;
}

int plan_existing(struct planner *p)
{
	/* Home's instance never is: the image was made from it, by whoever has that in hand. */
	int wanted = p->options->replace && !p->is_original;
	const char *obstacle = wanted ? why_not_replace(p) : NULL;
	enum remedy remedy = wanted && !obstacle ? REMEDY_APPLY : REMEDY_REPLACE;
	size_t n;
	int rc = plan_lasting(p, remedy, obstacle, &n);

	if (rc != 0)
		return rc;
	if (wanted && !obstacle && n > 0) {
		plan_fate(p, p->instance)->is_renewed = 1;
		return 0;
	}
	rc = plan_stop_protection(p);
	if (rc == 0)
		rc = plan_state(p);
	if (rc == 0)
		rc = plan_attributes(p);
	return rc == 0 && p->replaced ? finish_replacing(p) : rc;
}
