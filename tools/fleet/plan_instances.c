/* A region's instances as a number of them; what each has to be is plan_instance.c's. */
#include "banned.h"

#include "fleet/plan_private.h"

/* ---- How many there are */

static int is_there(const struct planner *p, int ordinal)
{
	for (size_t i = 0; i < p->o->instances.n; i++) {
		if (p->fates[i].ordinal == ordinal)
			return 1;
	}
	return 0;
}

static int count(const struct planner *p)
{
	int n = 0;

	for (size_t i = 0; i < p->o->instances.n; i++)
		n += p->fates[i].ordinal > 0;
	return n;
}

/* Which of them are to stay is not for us to say, nor what those do that are too many. */
static int tell_surplus(struct planner *p, const char *wanted, const char *found)
{
	struct awsq_buf hint = AWSQ_BUF_INIT(4096);
	int rc;

	for (size_t i = 0; i < p->o->instances.n; i++) {
		const struct awsq_ec2_instance *instance = &p->o->instances.items[i];

		if (p->fates[i].ordinal > 0)
			awsq_buf_addf(&hint, "%s%s is %s", hint.len ? ", " : "", instance->id,
				instance->state);
	}
	awsq_buf_adds(&hint, "; terminate those that nobody needs");
	rc = plan_differs(p->plan, &(struct differs){ REMEDY_HAND, "instances", NULL, "count",
					   wanted, found, awsq_buf_str(&hint) });
	awsq_buf_free(&hint);
	return rc;
}

static int plan_number(struct planner *p)
{
	char wanted[16], found[16];
	int n = count(p);

	p->surplus = n > p->where->count;
	if (n == p->where->count)
		return 0;
	if (n == 0 && p->where->count == 1)
		return plan_differs(p->plan, &(struct differs){ REMEDY_APPLY, "instance", NULL,
						     NULL, p->d->config->name, NULL, NULL });
	(void)snprintf(wanted, sizeof(wanted), "%d", p->where->count);
	(void)snprintf(found, sizeof(found), "%d", n);
	if (p->surplus)
		return tell_surplus(p, wanted, found);
	return plan_differs(p->plan,
		&(struct differs){ REMEDY_APPLY, "instances", NULL, "count", wanted, found, NULL });
}

/* ---- Those that are there */

static int plan_those_there(struct planner *p)
{
	const struct awsq_ec2_instances *list = &p->o->instances;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->n; i++) {
		const struct awsq_ec2_instance *instance = &list->items[i];

		if (p->fates[i].ordinal == 0)
			continue;
		/* Of too many, one that was made by hand may be no instance of the fleet's. */
		if (p->surplus && !is_tagged(p->o->fleet, instance->tags, instance->n_tags))
			continue;
		p->instance = instance;
		p->replaced = instance_replaced(list, instance);
		if (p->replaced && plan_fate(p, p->replaced)->goes)
			p->replaced = NULL; /* by two: once is enough */
		p->is_original = p->is_home && instance_ordinal(instance) < 2;
		p->runs = 0;
		rc = plan_existing(p);
	}
	return rc;
}

/* ---- Those that are to be made */

/* The one of that number that is to be replaced; NULL when there is none. */
static const struct awsq_ec2_instance *renewed(const struct planner *p, int ordinal)
{
	for (size_t i = 0; i < p->o->instances.n; i++) {
		if (p->fates[i].is_renewed && p->fates[i].ordinal == ordinal)
			return &p->o->instances.items[i];
	}
	return NULL;
}

static int is_made(const struct planner *p, int ordinal)
{
	return !is_there(p, ordinal) || renewed(p, ordinal);
}

/*
 * All of them are made before the first is waited for, as each is on until it has been stopped; and
 * what they replace goes when all of them are there.
 */
static int plan_new(struct planner *p)
{
	int n = p->where->count, rc = 0;

	for (int k = 1; rc == 0 && k <= n; k++) {
		if (!is_made(p, k))
			continue;
		if (!plan_has_type(p))
			return 0;
		rc = plan_run(p, k, renewed(p, k));
	}
	for (int k = 1; rc == 0 && k <= n; k++) {
		if (is_made(p, k))
			rc = plan_stop_new(p, k);
	}
	for (int k = 1; rc == 0 && k <= n; k++) {
		const struct awsq_ec2_instance *old = renewed(p, k);

		if (old)
			rc = plan_terminate(p, old, "it is replaced by the new one");
	}
	return rc;
}

int plan_instances(struct planner *p)
{
	int rc = plan_number(p);

	if (rc == 0)
		rc = plan_those_there(p);
	return rc == 0 ? plan_new(p) : rc;
}
