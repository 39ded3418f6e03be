/* The only file of the tools that includes jansson. */
#include "banned.h"

#include "cli/json.h"

#include <awsq/err.h>

#include <jansson.h>

#define SCHEMA 1

struct json_report {
	json_t *root;
	json_t *regions;
};

struct json_report *json_new(const char *fleet, const char *account)
{
	struct json_report *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->regions = json_array();
	j->root = json_pack("{s:i, s:s, s:s?, s:O}", "schema", SCHEMA, "fleet", fleet, "account",
		account, "regions", j->regions);
	if (!j->root) {
		json_free(j);
		return NULL;
	}
	return j;
}

void json_free(struct json_report *j)
{
	if (!j)
		return;
	json_decref(j->regions);
	json_decref(j->root);
	free(j);
}

/* Times as check-region's readers want them; null where there is none. */
static json_t *time_json(int64_t seconds)
{
	char text[AWSQ_TIME_ISO];

	if (seconds == 0)
		return json_null();
	awsq_time_iso(text, seconds);
	return json_string(text);
}

static json_t *images_json(const struct observed *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->images.n; i++) {
		const struct awsq_ec2_image *image = &o->images.items[i];

		json_array_append_new(list,
			json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?}", "id", image->id, "name",
				image->name, "state", image->state, "source_image",
				image_source(image), "created", image->creation_date));
	}
	return list;
}

static int add_snapshot(void *list, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image)
{
	(void)image;
	json_array_append_new(list,
		json_pack("{s:s, s:s?, s:I}", "id", id, "state", snapshot ? snapshot->state : NULL,
			"size_gib", (json_int_t)gib));
	return 0;
}

static json_t *key_pairs_json(const struct observed *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->key_pairs.n; i++) {
		const struct awsq_ec2_key_pair *key = &o->key_pairs.items[i];

		json_array_append_new(list,
			json_pack("{s:s?, s:s?, s:s?, s:s?}", "id", key->id, "name", key->name,
				"type", key->type, "public_key", key->public_key));
	}
	return list;
}

static json_t *rules_json(const struct rules *rules)
{
	static const char *const kinds[] = { "ipv4", "ipv6", "prefix_list", "group" };
	json_t *list = json_array();

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->items[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "direction",
				rule->egress ? "egress" : "ingress", "protocol", rule->protocol,
				"from_port", (json_int_t)rule->from_port, "to_port",
				(json_int_t)rule->to_port, "kind", kinds[rule->kind], "target",
				rule->target, "description", rule->description));
	}
	return list;
}

static json_t *groups_json(const struct finding *f)
{
	const struct observed *o = &f->observed;
	json_t *list = json_array();

	for (size_t i = 0; i < o->groups.n; i++) {
		const struct awsq_ec2_security_group *g = &o->groups.items[i];
		int is_chosen = strcmp(g->id, f->plan.group_id) == 0;

		if (!is_fleets(o->fleet, g->name, g->tags, g->n_tags))
			continue;
		json_array_append_new(list,
			json_pack("{s:s?, s:s?, s:s?, s:o}", "id", g->id, "name", g->name, "vpc_id",
				g->vpc_id, "rules",
				is_chosen ? rules_json(&f->rules) : json_null()));
	}
	return list;
}

static json_t *uptime_json(const struct awsq_ec2_instance *instance)
{
	int64_t seconds = uptime_seconds(instance);

	return seconds < 0 ? json_null() : json_integer((json_int_t)seconds);
}

static json_t *instances_json(const struct observed *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->instances.n; i++) {
		const struct awsq_ec2_instance *x = &o->instances.items[i];
		const char *group = x->n_groups ? x->groups[0].id : NULL;

		if (!instance_is_live(x))
			continue;
		json_array_append_new(list,
			json_pack(
				"{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, "
				"s:o}",
				"id", x->id, "state", x->state, "type", x->type, "zone", x->zone,
				"public_ip", x->public_ip, "image", x->image_id, "key_pair",
				x->key_name, "security_group", group, "instance_profile",
				x->profile_arn, "metadata_tokens", x->http_tokens, "launched",
				time_json(x->launch_time), "uptime_seconds", uptime_json(x)));
	}
	return list;
}

static json_t *differences_json(const struct plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_differences; i++) {
		const struct difference *d = &p->differences[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "subject", d->subject,
				"attribute", d->member, "wanted", d->wanted, "found", d->found,
				"remedy", remedy_word(d->remedy), "hint", d->hint));
	}
	return list;
}

/* Why the plan cannot be carried out; null when it can. */
static json_t *blocked_json(const struct plan *p)
{
	return p->blocked[0] ? json_string(p->blocked) : json_null();
}

static void add_error(struct json_report *j, const char *region, const char *error)
{
	json_array_append_new(j->regions,
		json_pack("{s:s, s:s}", "region", region, "error", error));
}

static json_t *actions_json(const struct plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct action *a = &p->actions[i];
		const char sign[] = { action_sign(a), '\0' };

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "sign", sign, "api",
				action_api(a), "id", a->id, "action", a->what, "reason", a->why,
				"rules", rules_json(&a->rules)));
	}
	return list;
}

void json_add_plan(struct json_report *j, const char *region, const char *error,
	const struct plan *p)
{
	if (error)
		add_error(j, region, error);
	else
		json_array_append_new(j->regions,
			json_pack("{s:s, s:n, s:o, s:o, s:o}", "region", region, "error", "blocked",
				blocked_json(p), "actions", actions_json(p), "differences",
				differences_json(p)));
}

void json_add_finding(struct json_report *j, const struct finding *f)
{
	json_t *snapshots;

	if (f->error) {
		add_error(j, f->region, f->error);
		return;
	}
	snapshots = json_array();
	(void)observed_each_snapshot(&f->observed, add_snapshot, snapshots);
	json_array_append_new(j->regions,
		json_pack("{s:s, s:n, s:o, s:o, s:o, s:o, s:s?, s:o, s:o, s:o}", "region",
			f->region, "error", "images", images_json(&f->observed), "snapshots",
			snapshots, "key_pairs", key_pairs_json(&f->observed), "security_groups",
			groups_json(f), "role", f->role, "instances", instances_json(&f->observed),
			"blocked", blocked_json(&f->plan), "differences",
			differences_json(&f->plan)));
}

static json_t *checks_json(const struct checks *checks)
{
	json_t *list = json_array();

	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];

		json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:s}", "check", c->name,
						    "permission", c->is_permission, "result",
						    check_word(c->result), "detail", c->detail));
	}
	return list;
}

void json_add_checks(struct json_report *j, const char *region, const struct checks *checks)
{
	if (region)
		json_array_append_new(j->regions, json_pack("{s:s, s:n, s:o}", "region", region,
							  "error", "checks", checks_json(checks)));
	else
		json_object_set_new(j->root, "checks", checks_json(checks));
}

static json_t *items_json(const struct inventory *inventory)
{
	json_t *list = json_array();

	for (size_t i = 0; i < inventory->n; i++) {
		const struct item *item = &inventory->items[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:s, s:s}", "kind",
				item_kind_word(item->kind), "id", item->id, "name", item->name,
				"state", item->state, "size_gib",
				item_takes_space(item->kind) ? json_integer((json_int_t)item->gib)
							     : json_null(),
				"why", item->why, "remark", item->remark));
	}
	return list;
}

void json_add_inventory(struct json_report *j, const char *region, const char *error,
	enum place place, const struct inventory *inventory)
{
	static const char *const places[] = { "home", "listed", "stray" };

	if (error)
		add_error(j, region, error);
	else
		json_array_append_new(j->regions,
			json_pack("{s:s, s:n, s:s, s:o}", "region", region, "error", "place",
				places[place], "items", items_json(inventory)));
}

void json_set_totals(struct json_report *j, const struct inventory_totals *t)
{
	json_object_set_new(j->root, "totals",
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "regions_read",
			(json_int_t)t->regions_read, "regions_unread",
			(json_int_t)t->regions_unread, "items", (json_int_t)t->items, "strays",
			(json_int_t)t->strays, "volumes_gib", (json_int_t)t->volumes_gib,
			"snapshots_gib", (json_int_t)t->snapshots_gib));
}

int json_print(struct awsq_buf *out, const struct json_report *j)
{
	char *text = json_dumps(j->root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	if (!text)
		return AWSQ_ENOMEM;
	awsq_buf_addf(out, "%s\n", text);
	free(text);
	return awsq_buf_error(out);
}
