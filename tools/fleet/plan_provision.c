#include "banned.h"

#include "fleet/plan_private.h"

/* A thing of this fleet's that carries another's tag is for someone to sort out. */
static int tell_of_other(struct planner *p, const char *kind, const char *id, const char *owner)
{
	return plan_differs(p->plan,
		&(struct differs){ REMEDY_HAND, kind, id, "tag " TAG_FLEET, p->d->config->name,
			owner, "it says that it is another fleet's" });
}

int plan_adopt(struct planner *p, const char *kind, const char *id, const struct awsq_ec2_tag *tags,
	size_t n_tags, const struct awsq_ec2_new_tag more[2])
{
	const struct awsq_ec2_new_tag none[2] = { { NULL, NULL }, { NULL, NULL } };
	const struct awsq_ec2_new_tag wanted[] = { { TAG_FLEET, p->d->config->name },
		(more ? more : none)[0], (more ? more : none)[1] };
	const char *owner = awsq_ec2_tag_value(tags, n_tags, TAG_FLEET);
	const char *hint = owner ? NULL : "it was made by hand";
	struct awsq_buf all = AWSQ_BUF_INIT(1024), found = AWSQ_BUF_INIT(1024);
	struct awsq_ec2_new_tag missing[4] = { { NULL, NULL } };
	size_t n = 0;
	struct action *a;
	int rc = 0;

	/* Home's things are the user's own. */
	if (p->is_home)
		return 0;
	if (owner && differ(owner, p->d->config->name))
		return tell_of_other(p, kind, id, owner);
	for (size_t i = 0; i < 3 && wanted[i].key; i++) {
		const char *value = awsq_ec2_tag_value(tags, n_tags, wanted[i].key);

		if (value && !differ(value, wanted[i].value))
			continue;
		awsq_buf_addf(&all, "%s%s=%s", n ? ", " : "", wanted[i].key, wanted[i].value);
		if (value)
			awsq_buf_addf(&found, "%s%s=%s", found.len ? ", " : "", wanted[i].key,
				value);
		missing[n++] = wanted[i];
	}
	if (n > 0)
		rc = plan_differs(p->plan,
			&(struct differs){ REMEDY_APPLY, kind, id, "tags", awsq_buf_str(&all),
				awsq_buf_str(&found), hint });
	if (rc == 0 && n > 0) {
		rc = plan_add(p->plan, &a, ACTION_TAG, id, "%s",
			owner ? "the tags are missing" : "it was made by hand, and is adopted");
		if (rc == 0) {
			memcpy(a->tags, missing, sizeof(missing));
			plan_say(a, "tag %s %s with %.200s", kind, id, awsq_buf_str(&all));
		}
	}
	awsq_buf_free(&all);
	awsq_buf_free(&found);
	return rc;
}

/* Volumes of instances that are gone may hold what nobody has elsewhere. */
static int plan_volumes(struct planner *p)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->o->volumes.n; i++) {
		const struct awsq_ec2_volume *v = &p->o->volumes.items[i];
		char hint[200];

		if (v->n_attachments > 0 || differ(v->state, "available"))
			continue;
		(void)snprintf(hint, sizeof(hint),
			"no instance has it: aws ec2 delete-volume --region %s --volume-id %s",
			p->r->name, v->id);
		rc = plan_differs(p->plan, &(struct differs){ REMEDY_HAND, "volume", v->id, NULL,
						   NULL, v->state, hint });
	}
	return rc;
}

/* What whoever carries the plan out needs to know beside its actions. */
static void hand_over(struct planner *p)
{
	struct plan *plan = p->plan;

	(void)snprintf(plan->image_id, sizeof(plan->image_id), "%s", p->image ? p->image->id : "");
	(void)snprintf(plan->group_id, sizeof(plan->group_id), "%s", p->group ? p->group->id : "");
	(void)snprintf(plan->vpc_id, sizeof(plan->vpc_id), "%s", p->place.vpc_id);
	(void)snprintf(plan->subnet_id, sizeof(plan->subnet_id), "%s",
		p->place.subnet_id ? p->place.subnet_id : "");
	(void)snprintf(plan->zone, sizeof(plan->zone), "%s", p->place.zone ? p->place.zone : "");
}

/* Which of the region's instances each is; one more than there are, as none at all is no array. */
static int take_fates(struct planner *p)
{
	const struct awsq_ec2_instances *list = &p->o->instances;
	int *ordinals = calloc(list->n + 1, sizeof(*ordinals));

	p->fates = calloc(list->n + 1, sizeof(*p->fates));
	if (ordinals && p->fates)
		chosen_ordinals(ordinals, list, p->where->count);
	for (size_t i = 0; ordinals && p->fates && i < list->n; i++)
		p->fates[i].ordinal = ordinals[i];
	free(ordinals);
	return ordinals && p->fates ? 0 : AWSQ_ENOMEM;
}

int plan_provision(struct plan *out, const struct desired *d, const struct observed *o,
	const struct region *r, const struct plan_options *options)
{
	static int (*const parts[])(struct planner *) = { plan_image, plan_key_pair, plan_group,
		plan_image_wait, plan_instances, plan_old_images, plan_volumes };
	struct planner p = { .plan = out,
		.d = d,
		.o = o,
		.r = r,
		.options = options,
		.where = config_place(d->config, r->name),
		.is_home = strcmp(r->name, d->config->home) == 0 };
	int rc;

	memset(out, 0, sizeof(*out));
	chosen_placement(&p.place, o, p.where, r->name);
	if (!p.place.vpc_id) {
		plan_block(out, "%s", p.place.error);
		return 0;
	}
	rc = take_fates(&p);
	for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		rc = parts[i](&p);
	/* What stands in the way of one action may be what another would destroy: none is done. */
	if (out->blocked[0])
		plan_drop_actions(out);
	hand_over(&p);
	free(p.fates);
	return rc;
}
