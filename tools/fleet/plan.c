#include "banned.h"

#include "fleet/plan_private.h"

#include <stdarg.h>

int plan_add(struct plan *p, struct action **action, enum action_kind kind, const char *id,
	const char *why, ...)
{
	struct action *actions = realloc(p->actions, (p->n + 1) * sizeof(*actions));
	struct action *a;
	va_list ap;

	if (!actions)
		return AWSQ_ENOMEM;
	p->actions = actions;
	a = &actions[p->n++];
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	(void)snprintf(a->id, sizeof(a->id), "%s", id ? id : "");
	va_start(ap, why);
	(void)vsnprintf(a->why, sizeof(a->why), why, ap);
	va_end(ap);
	if (action)
		*action = a;
	return 0;
}

void plan_say(struct action *a, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(a->what, sizeof(a->what), format, ap);
	va_end(ap);
}

int plan_note(struct plan *p, const char *format, ...)
{
	char(*notes)[sizeof(*p->notes)] = realloc(p->notes, (p->n_notes + 1) * sizeof(*notes));
	va_list ap;

	if (!notes)
		return AWSQ_ENOMEM;
	p->notes = notes;
	va_start(ap, format);
	(void)vsnprintf(notes[p->n_notes++], sizeof(*notes), format, ap);
	va_end(ap);
	return 0;
}

void plan_block(struct plan *p, const char *format, ...)
{
	va_list ap;

	/* The first reason is the one to do something about. */
	if (p->blocked[0])
		return;
	va_start(ap, format);
	(void)vsnprintf(p->blocked, sizeof(p->blocked), format, ap);
	va_end(ap);
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		rules_free(&p->actions[i].rules);
	free(p->actions);
	free(p->notes);
	memset(p, 0, sizeof(*p));
}

int action_is_change(const struct action *a)
{
	return action_sign(a) != '=';
}

char action_sign(const struct action *a)
{
	switch (a->kind) {
	case ACTION_COPY_IMAGE:
	case ACTION_IMPORT_KEY_PAIR:
	case ACTION_CREATE_GROUP:
	case ACTION_AUTHORIZE_INGRESS:
	case ACTION_AUTHORIZE_EGRESS:
	case ACTION_RUN_INSTANCE:
		return '+';
	case ACTION_STOP_INSTANCE:
		return '~';
	case ACTION_WAIT_IMAGE:
		return '=';
	case ACTION_REVOKE_INGRESS:
	case ACTION_REVOKE_EGRESS:
	case ACTION_DELETE_KEY_PAIR:
	case ACTION_DEREGISTER_IMAGE:
	case ACTION_TERMINATE_INSTANCE:
	case ACTION_DELETE_SNAPSHOT:
	case ACTION_DELETE_GROUP:
		return '-';
	}
	return '?';
}
