#include "banned.h"

#include "cli/show.h"
#include "cli/wrap.h"
#include "fleet/text.h"

#include <inttypes.h>
#include <unistd.h>

/* ---- Plans and differences */

/* A line of a plan, which goes on below itself on a terminal. Empties text. */
static void plan_line(struct awsq_buf *out, const char *region, char sign, struct awsq_buf *text)
{
	struct view view = view_of(STDOUT_FILENO);
	enum paint paint = sign == '+' ? PAINT_GOOD : sign == '-' ? PAINT_BAD : PAINT_CARE;
	size_t used = wrap_columns(region) + 4;

	if (sign == '=' || sign == ' ')
		paint = PAINT_NONE;
	awsq_buf_addf(out, "%s: %s%c%s ", region, paint_begin(&view, paint), sign,
		paint_end(&view, paint));
	wrap_add(out, awsq_buf_str(text), view.columns, used, used);
	awsq_buf_reset(text);
}

void show_plan(struct awsq_buf *out, const char *region, const struct plan *p)
{
	struct awsq_buf text = AWSQ_BUF_INIT(16384);

	for (size_t i = 0; i < p->n; i++) {
		const struct action *a = &p->actions[i];

		awsq_buf_addf(&text, "%s (%s)", a->what, a->why);
		plan_line(out, region, action_sign(a), &text);
		for (size_t k = 0; k < a->rules.n; k++) {
			awsq_buf_adds(&text, "  ");
			rule_describe(&text, &a->rules.items[k]);
			plan_line(out, region, ' ', &text);
		}
	}
	for (size_t i = 0; i < p->n_differences; i++) {
		/* What actions remove is said by them. */
		if (p->differences[i].remedy == REMEDY_APPLY)
			continue;
		difference_describe(&text, &p->differences[i]);
		plan_line(out, region, '!', &text);
	}
	if (p->blocked[0]) {
		awsq_buf_adds(&text, p->blocked);
		plan_line(out, region, '!', &text);
	}
	awsq_buf_free(&text);
}

size_t finding_differences(const struct finding *f)
{
	return f->plan.n_differences + (f->plan.blocked[0] != '\0');
}

/* ---- The table */

struct rows {
	struct table *table;
	const char *region;
	size_t n; /* of the kind under way */
};

static void row(struct rows *rows, const char *kind, const char *id, const char *state,
	const char *detail)
{
	table_add(rows->table, rows->region, kind, id, state, detail);
	rows->n++;
}

/* A kind of which there is nothing has a row that says so. */
static void end_kind(struct rows *rows, const char *kind)
{
	if (rows->n == 0)
		row(rows, kind, "none", NULL, NULL);
	rows->n = 0;
}

int64_t uptime_seconds(const struct awsq_ec2_instance *i)
{
	int64_t now = awsq_wall_ms() / 1000;

	if (!i->state || strcmp(i->state, "running") != 0 || now < i->launch_time)
		return -1;
	return now - i->launch_time;
}

static void uptime_text(char *out, size_t size, const struct awsq_ec2_instance *i)
{
	int64_t s = uptime_seconds(i);

	if (s < 0)
		(void)snprintf(out, size, "%s", "");
	else if (s < 3600)
		(void)snprintf(out, size, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else
		(void)snprintf(out, size, "%" PRId64 "h%02" PRId64 "m", s / 3600, s % 3600 / 60);
}

static int show_snapshot(void *arg, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image)
{
	char size[32];

	(void)snprintf(size, sizeof(size), "%" PRId64 " GiB", gib);
	(void)image;
	row(arg, "snapshot", id, snapshot ? snapshot->state : NULL, size);
	return 0;
}

static void show_instance(struct rows *rows, const struct awsq_ec2_instance *i)
{
	char detail[256], up[32];

	if (!instance_is_live(i))
		return;
	uptime_text(up, sizeof(up), i);
	text_format(detail, sizeof(detail), "%s in %s%s%s%s%s", i->type ? i->type : "?",
		i->zone ? i->zone : "?", i->public_ip ? ", " : "", i->public_ip ? i->public_ip : "",
		up[0] ? ", up " : "", up);
	row(rows, "instance", i->id, i->state, detail);
}

static void show_groups(struct rows *rows, const struct finding *f)
{
	const struct observed *o = &f->observed;
	struct awsq_buf text = AWSQ_BUF_INIT(4096);

	for (size_t i = 0; i < o->groups.n; i++) {
		const struct awsq_ec2_security_group *g = &o->groups.items[i];

		if (!is_fleets(o->fleet, g->name, g->tags, g->n_tags))
			continue;
		awsq_buf_reset(&text);
		awsq_buf_addf(&text, "in %s", g->vpc_id ? g->vpc_id : "?");
		row(rows, "security group", g->id, NULL, awsq_buf_str(&text));
	}
	end_kind(rows, "security group");
	for (size_t i = 0; i < f->rules.n; i++) {
		awsq_buf_reset(&text);
		rule_describe(&text, &f->rules.items[i]);
		row(rows, "rule", NULL, NULL, awsq_buf_str(&text));
	}
	rows->n = 0;
	awsq_buf_free(&text);
}

static void difference_row(struct rows *rows, const char *text)
{
	row(rows, "difference", NULL, NULL, text);
	table_paint(rows->table, 1, PAINT_CARE);
}

static void show_differences(struct rows *rows, const struct plan *p)
{
	struct awsq_buf text = AWSQ_BUF_INIT(4096);

	for (size_t i = 0; i < p->n_differences; i++) {
		awsq_buf_reset(&text);
		difference_describe(&text, &p->differences[i]);
		difference_row(rows, awsq_buf_str(&text));
	}
	if (p->blocked[0])
		difference_row(rows, p->blocked);
	awsq_buf_free(&text);
}

struct table *show_new_table(void)
{
	struct table *t = table_new(5);

	table_add(t, "REGION", "RESOURCE", "ID", "STATE", "DETAIL");
	return t;
}

void show_finding(struct table *t, const struct finding *f)
{
	const struct observed *o = &f->observed;
	struct rows rows = { t, f->name, 0 };

	if (f->error) {
		row(&rows, "error", NULL, NULL, f->error);
		table_paint(t, 1, PAINT_BAD);
		return;
	}
	for (size_t i = 0; i < o->images.n; i++) {
		const char *source = image_source(&o->images.items[i]);
		char detail[128];

		text_format(detail, sizeof(detail), "%s%s", source ? "copy of " : "",
			source ? source : "");
		row(&rows, "image", o->images.items[i].id, o->images.items[i].state, detail);
	}
	end_kind(&rows, "image");
	(void)observed_each_snapshot(o, show_snapshot, &rows);
	end_kind(&rows, "snapshot");
	for (size_t i = 0; i < o->key_pairs.n; i++)
		row(&rows, "key pair", o->key_pairs.items[i].id, NULL, o->key_pairs.items[i].type);
	end_kind(&rows, "key pair");
	show_groups(&rows, f);
	row(&rows, "role", f->role ? f->role : "none", NULL, NULL);
	rows.n = 0;
	for (size_t i = 0; i < o->instances.n; i++)
		show_instance(&rows, &o->instances.items[i]);
	end_kind(&rows, "instance");
	show_differences(&rows, &f->plan);
}
