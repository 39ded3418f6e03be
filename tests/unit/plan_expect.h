/*
 * plan_expect.h: what a plan says, as short text to compare with, and what holds of every plan.
 */
#ifndef AWSQ_TESTS_PLAN_EXPECT_H
#define AWSQ_TESTS_PLAN_EXPECT_H

#include "plan_world.h"

static const char *const action_words[N_ACTIONS] = {
	[ACTION_TAG] = "tag",
	[ACTION_DELETE_KEY_PAIR] = "delete-key-pair",
	[ACTION_IMPORT_KEY_PAIR] = "import-key-pair",
	[ACTION_CREATE_GROUP] = "create-group",
	[ACTION_REVOKE_INGRESS] = "revoke-ingress",
	[ACTION_REVOKE_EGRESS] = "revoke-egress",
	[ACTION_AUTHORIZE_INGRESS] = "authorize-ingress",
	[ACTION_AUTHORIZE_EGRESS] = "authorize-egress",
	[ACTION_DELETE_GROUP] = "delete-group",
	[ACTION_COPY_IMAGE] = "copy-image",
	[ACTION_WAIT_IMAGE] = "wait-image",
	[ACTION_DEREGISTER_IMAGE] = "deregister-image",
	[ACTION_DELETE_SNAPSHOT] = "delete-snapshot",
	[ACTION_RUN_INSTANCE] = "run-instance",
	[ACTION_STOP_INSTANCE] = "stop-instance",
	[ACTION_TERMINATE_INSTANCE] = "terminate-instance",
	[ACTION_MODIFY_TYPE] = "modify-type",
	[ACTION_MODIFY_USER_DATA] = "modify-user-data",
	[ACTION_MODIFY_SHUTDOWN] = "modify-shutdown",
	[ACTION_MODIFY_GROUP] = "modify-group",
	[ACTION_MODIFY_METADATA] = "modify-metadata",
	[ACTION_UNPROTECT_STOP] = "unprotect-stop",
	[ACTION_UNPROTECT_TERMINATION] = "unprotect-termination",
	[ACTION_ASSOCIATE_PROFILE] = "associate-profile",
	[ACTION_REPLACE_PROFILE] = "replace-profile",
	[ACTION_DISASSOCIATE_PROFILE] = "disassociate-profile",
	[ACTION_DELETE_VOLUME] = "delete-volume",
};

/* What holds of any action; returns it as words, as plan_words has them. */
static inline void add_action(struct awsq_buf *out, const struct action *a)
{
	int changes_rules = a->kind >= ACTION_REVOKE_INGRESS && a->kind <= ACTION_AUTHORIZE_EGRESS;
	char sign = action_sign(a);

	assert_true(a->what[0] != '\0');
	assert_true(a->why[0] != '\0');
	assert_true(strchr("+~-=", sign) != NULL && sign);
	assert_int_equal(action_is_change(a), sign != '=');
	assert_int_equal(action_api(a)[0] != '\0', sign != '=');
	assert_int_equal(a->rules.n > 0, changes_rules);
	for (size_t i = 0; i < a->rules.n; i++)
		assert_non_null(strstr(a->what,
			a->rules.items[i].egress ? " egress " : " ingress "));
	assert_int_equal(a->tags[0].key != NULL, a->kind == ACTION_TAG);
	awsq_buf_addf(out, "%s%s", out->len ? " " : "", action_words[a->kind]);
	if (a->id[0])
		awsq_buf_addf(out, "(%s)", a->id);
	if (a->value[0])
		awsq_buf_addf(out, "=%s", a->value);
	for (size_t i = 0; i < 5 && a->tags[i].key; i++)
		awsq_buf_addf(out, "%s%s:%s", i ? "," : "=", a->tags[i].key, a->tags[i].value);
}

/* "deregister-image(ami-1) copy-image=NAVO tag(i-5)=Name:NAVO". Static: good until the next. */
static inline const char *plan_words(const struct plan *p)
{
	static char words[4000];
	struct awsq_buf text = AWSQ_BUF_INIT(sizeof(words) - 1);

	for (size_t i = 0; i < p->n; i++)
		add_action(&text, &p->actions[i]);
	assert_int_equal(text.error, 0);
	(void)snprintf(words, sizeof(words), "%s", awsq_buf_str(&text));
	awsq_buf_free(&text);
	return words;
}

/* "instance i-5 type: t2.nano -> t3.micro (apply)\n" a difference. Static: good until the next. */
static inline const char *plan_differences(const struct plan *p)
{
	static char lines[4000];
	struct awsq_buf text = AWSQ_BUF_INIT(sizeof(lines) - 1), sentence = AWSQ_BUF_INIT(2000);

	for (size_t i = 0; i < p->n_differences; i++) {
		const struct difference *d = &p->differences[i];

		assert_true(d->subject[0] && d->wanted[0] && d->found[0]);
		/* They all tell something. */
		assert_string_not_equal(d->wanted, d->found);
		awsq_buf_addf(&text, "%s%s%s: %s -> %s (%s)\n", d->subject, d->member[0] ? " " : "",
			d->member, d->found, d->wanted, remedy_word(d->remedy));
		awsq_buf_truncate(&sentence, 0);
		difference_describe(&sentence, d);
		assert_int_equal(sentence.error, 0);
		/* Who cannot leave it to config-region has to know more. */
		assert_true(d->remedy != REMEDY_HAND || d->hint[0]);
	}
	assert_int_equal(text.error, 0);
	(void)snprintf(lines, sizeof(lines), "%s", awsq_buf_str(&text));
	awsq_buf_free(&text);
	awsq_buf_free(&sentence);
	return lines;
}

/* What holds of any plan of config-region's. */
static inline void plan_is_sound(const struct plan *p)
{
	int to_apply = 0;

	for (size_t i = 0; i < p->n_differences; i++)
		to_apply |= p->differences[i].remedy == REMEDY_APPLY;
	if (p->blocked[0])
		assert_int_equal(p->n, 0);
	else
		assert_int_equal(p->n > 0, to_apply);
}

/* Plans, and expects these actions and differences. */
static inline void plans(const struct want *x, const struct world *w, const char *words,
	const char *differences)
{
	struct plan p;

	assert_int_equal(plan_provision(&p, &x->d, &w->o, &w->region, &x->options), 0);
	assert_string_equal(p.blocked, "");
	assert_string_equal(plan_differences(&p), differences);
	assert_string_equal(plan_words(&p), words);
	plan_is_sound(&p);
	plan_free(&p);
	assert_null(p.actions);
	assert_null(p.differences);
	plan_free(&p);
}

/* Plans, and expects to be told why nothing can be done. */
static inline void is_blocked(const struct want *x, const struct world *w, const char *reason)
{
	struct plan p;

	assert_int_equal(plan_provision(&p, &x->d, &w->o, &w->region, &x->options), 0);
	assert_string_equal(p.blocked, reason);
	plan_is_sound(&p);
	(void)plan_differences(&p);
	plan_free(&p);
}

#endif
