/* The only file of the tools that includes jansson. */
#include "banned.h"

#include "cli/json.h"
#include "fleet/text.h"

#include <awsq/err.h>

#include <jansson.h>

struct json_report {
	json_t *root;
	json_t *regions;
	const char *account, *account_id; /* of what is added; borrowed, NULL: the document's */
	int failed;                       /* something is missing in it */
};

/* ---- Parts that could not be made are NULL, and so is what they are to be part of. */

/* Any text, also one that is no UTF-8, which jansson refuses; null for NULL. */
static json_t *text_json(const char *s)
{
	json_t *made;
	char *copy;

	if (!s)
		return json_null();
	made = json_string(s);
	copy = made ? NULL : strdup(s);
	if (copy) {
		text_mend(copy);
		made = json_string(copy);
	}
	free(copy);
	return made;
}

static void append(json_t **list, json_t *item)
{
	if (json_array_append_new(*list, item) != 0) {
		json_decref(*list);
		*list = NULL;
	}
}

/* The same object, with whose it is in front. */
static json_t *with_account(const struct json_report *j, json_t *region)
{
	json_t *whole = json_pack("{s:o, s:o}", "account", text_json(j->account), "account_id",
		text_json(j->account_id));

	if (whole && json_object_update(whole, region) != 0) {
		json_decref(whole);
		whole = NULL;
	}
	json_decref(region);
	return whole;
}

static void add_region(struct json_report *j, json_t *region)
{
	if (json_array_append_new(j->regions, j->account ? with_account(j, region) : region) != 0)
		j->failed = 1;
}

static void set_member(struct json_report *j, const char *name, json_t *value)
{
	if (json_object_set_new(j->root, name, value) != 0)
		j->failed = 1;
}

/* ---- The document */

struct json_report *json_new(const char *fleet, const char *account)
{
	struct json_report *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->regions = json_array();
	j->root = json_pack("{s:i, s:o, s:o, s:O}", "schema", JSON_SCHEMA, "fleet",
		text_json(fleet), "account", text_json(account), "regions", j->regions);
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

void json_set_account(struct json_report *j, const char *name, const char *id)
{
	j->account = name;
	j->account_id = id;
}

/* ---- Findings */

/* Times as check-region's readers want them; null where there is none. */
static json_t *time_json(int64_t seconds)
{
	char text[AWSQ_TIME_ISO];

	if (seconds == 0)
		return json_null();
	awsq_time_iso(text, seconds);
	return text_json(text);
}

static json_t *images_json(const struct observed *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->images.n; i++) {
		const struct awsq_ec2_image *image = &o->images.items[i];

		append(&list,
			json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", text_json(image->id), "name",
				text_json(image->name), "state", text_json(image->state),
				"source_image", text_json(image_source(image)), "created",
				text_json(image->creation_date)));
	}
	return list;
}

static int add_snapshot(void *list, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image)
{
	(void)image;
	append(list,
		json_pack("{s:o, s:o, s:I}", "id", text_json(id), "state",
			text_json(snapshot ? snapshot->state : NULL), "size_gib", (json_int_t)gib));
	return 0;
}

static json_t *key_pairs_json(const struct observed *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->key_pairs.n; i++) {
		const struct awsq_ec2_key_pair *key = &o->key_pairs.items[i];

		append(&list, json_pack("{s:o, s:o, s:o, s:o}", "id", text_json(key->id), "name",
				      text_json(key->name), "type", text_json(key->type),
				      "public_key", text_json(key->public_key)));
	}
	return list;
}

static json_t *rules_json(const struct rules *rules)
{
	static const char *const kinds[] = { "ipv4", "ipv6", "prefix_list", "group" };
	json_t *list = json_array();

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->items[i];

		append(&list,
			json_pack("{s:s, s:o, s:I, s:I, s:s, s:o, s:o}", "direction",
				rule->egress ? "egress" : "ingress", "protocol",
				text_json(rule->protocol), "from_port", (json_int_t)rule->from_port,
				"to_port", (json_int_t)rule->to_port, "kind", kinds[rule->kind],
				"target", text_json(rule->target), "description",
				text_json(rule->description)));
	}
	return list;
}

static json_t *groups_json(const struct finding *f)
{
	const struct observed *o = &f->observed;
	json_t *list = json_array();

	for (size_t i = 0; i < o->groups.n; i++) {
		const struct awsq_ec2_security_group *g = &o->groups.items[i];
		int is_chosen = g->id && strcmp(g->id, f->plan.group_id) == 0;

		if (!is_fleets(o->fleet, g->name, g->tags, g->n_tags))
			continue;
		append(&list, json_pack("{s:o, s:o, s:o, s:o}", "id", text_json(g->id), "name",
				      text_json(g->name), "vpc_id", text_json(g->vpc_id), "rules",
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
		append(&list,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
				"id", text_json(x->id), "state", text_json(x->state), "type",
				text_json(x->type), "zone", text_json(x->zone), "public_ip",
				text_json(x->public_ip), "image", text_json(x->image_id),
				"key_pair", text_json(x->key_name), "security_group",
				text_json(group), "instance_profile", text_json(x->profile_arn),
				"metadata_tokens", text_json(x->http_tokens), "launched",
				time_json(x->launch_time), "uptime_seconds", uptime_json(x)));
	}
	return list;
}

/* ---- Plans */

static json_t *differences_json(const struct plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_differences; i++) {
		const struct difference *d = &p->differences[i];

		append(&list,
			json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "subject",
				text_json(d->subject), "attribute", text_json(d->member), "wanted",
				text_json(d->wanted), "found", text_json(d->found), "remedy",
				remedy_word(d->remedy), "hint", text_json(d->hint)));
	}
	return list;
}

/* Why the plan cannot be carried out; null when it can. */
static json_t *blocked_json(const struct plan *p)
{
	return text_json(p->blocked[0] ? p->blocked : NULL);
}

static void add_error(struct json_report *j, const char *region, const char *error)
{
	add_region(j,
		json_pack("{s:o, s:o}", "region", text_json(region), "error", text_json(error)));
}

static json_t *actions_json(const struct plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct action *a = &p->actions[i];
		const char sign[] = { action_sign(a), '\0' };

		append(&list,
			json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "sign", sign, "api",
				action_api(a), "id", text_json(a->id), "action", text_json(a->what),
				"reason", text_json(a->why), "rules", rules_json(&a->rules)));
	}
	return list;
}

void json_add_plan(struct json_report *j, const char *region, const char *error,
	const struct plan *p)
{
	if (error)
		add_error(j, region, error);
	else
		add_region(j, json_pack("{s:o, s:n, s:o, s:o, s:o}", "region", text_json(region),
				      "error", "blocked", blocked_json(p), "actions",
				      actions_json(p), "differences", differences_json(p)));
}

void json_add_finding(struct json_report *j, const struct finding *f)
{
	json_t *snapshots;

	if (f->error) {
		add_error(j, f->region, f->error);
		return;
	}
	snapshots = json_array();
	(void)observed_each_snapshot(&f->observed, add_snapshot, &snapshots);
	add_region(j, json_pack("{s:o, s:n, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "region",
			      text_json(f->region), "error", "images", images_json(&f->observed),
			      "snapshots", snapshots, "key_pairs", key_pairs_json(&f->observed),
			      "security_groups", groups_json(f), "role", text_json(f->role),
			      "instances", instances_json(&f->observed), "blocked",
			      blocked_json(&f->plan), "differences", differences_json(&f->plan)));
}

/* ---- Preflights and inventories */

static json_t *checks_json(const struct checks *checks)
{
	json_t *list = json_array();

	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];

		append(&list, json_pack("{s:o, s:b, s:s, s:o}", "check", text_json(c->name),
				      "permission", c->is_permission, "result",
				      check_word(c->result), "detail", text_json(c->detail)));
	}
	return list;
}

void json_add_checks(struct json_report *j, const char *region, const struct checks *checks)
{
	if (region || j->account)
		add_region(j, json_pack("{s:o, s:n, s:o}", "region", text_json(region), "error",
				      "checks", checks_json(checks)));
	else
		set_member(j, "checks", checks_json(checks));
}

static json_t *items_json(const struct inventory *inventory)
{
	json_t *list = json_array();

	for (size_t i = 0; i < inventory->n; i++) {
		const struct item *item = &inventory->items[i];

		append(&list,
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
				item_kind_word(item->kind), "id", text_json(item->id), "name",
				text_json(item->name), "state", text_json(item->state), "size_gib",
				item_takes_space(item->kind) ? json_integer((json_int_t)item->gib)
							     : json_null(),
				"why", text_json(item->why), "remark", text_json(item->remark)));
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
		add_region(j,
			json_pack("{s:o, s:n, s:s, s:o}", "region", text_json(region), "error",
				"place", places[place], "items", items_json(inventory)));
}

void json_set_totals(struct json_report *j, const struct inventory_totals *t)
{
	set_member(j, "totals",
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "regions_read",
			(json_int_t)t->regions_read, "regions_unread",
			(json_int_t)t->regions_unread, "items", (json_int_t)t->items, "strays",
			(json_int_t)t->strays, "volumes_gib", (json_int_t)t->volumes_gib,
			"snapshots_gib", (json_int_t)t->snapshots_gib));
}

static int add_text(const char *text, size_t len, void *out)
{
	awsq_buf_add(out, text, len);
	return awsq_buf_error(out) == 0 ? 0 : -1;
}

/* Not by json_dumps: without memory, that of jansson 2.14 may leave out part of a text. */
int json_print(struct awsq_buf *out, const struct json_report *j)
{
	if (j->failed || json_dump_callback(j->root, add_text, out, JSON_INDENT(2)) != 0)
		return awsq_buf_error(out) != 0 ? awsq_buf_error(out) : AWSQ_ENOMEM;
	awsq_buf_addc(out, '\n');
	return awsq_buf_error(out);
}

/* ---- Records */

static json_t *value_json(const struct record_value *value)
{
	switch (value->kind) {
	case RECORD_TEXT:
		return text_json(value->text);
	case RECORD_NUMBER:
		return json_integer((json_int_t)value->number);
	case RECORD_TRUTH:
		return json_boolean(value->number != 0);
	case RECORD_NULL:
		break;
	}
	return json_null();
}

int json_object_of(struct awsq_buf *out, const struct record_value *values, size_t n)
{
	json_t *object = json_object();
	int rc = object ? 0 : AWSQ_ENOMEM;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (json_object_set_new(object, values[i].name, value_json(&values[i])) != 0)
			rc = AWSQ_ENOMEM;
	}
	if (rc == 0 && json_dump_callback(object, add_text, out, 0) != 0)
		rc = awsq_buf_error(out) != 0 ? awsq_buf_error(out) : AWSQ_ENOMEM;
	json_decref(object);
	return rc;
}
