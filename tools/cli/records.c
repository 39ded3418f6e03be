#include "banned.h"

#include "cli/json.h"
#include "cli/records.h"

#include <inttypes.h>

/* ---- CSV */

static void add_cell(struct awsq_buf *out, const char *text)
{
	if (!text[strcspn(text, "\",\r\n")]) {
		awsq_buf_adds(out, text);
		return;
	}
	awsq_buf_addc(out, '"');
	for (; *text; text++)
		awsq_buf_adds(out, *text == '"' ? "\"\"" : (const char[]){ *text, '\0' });
	awsq_buf_addc(out, '"');
}

static void end_cell(struct awsq_buf *out, size_t i, size_t n)
{
	awsq_buf_adds(out, i + 1 < n ? "," : "\r\n");
}

void record_csv_names(struct awsq_buf *out, const struct record_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_cell(out, values[i].name);
		end_cell(out, i, n);
	}
}

void record_csv(struct awsq_buf *out, const struct record_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct record_value *v = &values[i];

		if (v->kind == RECORD_TEXT)
			add_cell(out, v->text);
		else if (v->kind == RECORD_NUMBER)
			awsq_buf_addf(out, "%" PRId64, v->number);
		else if (v->kind == RECORD_TRUTH)
			awsq_buf_adds(out, v->number ? "true" : "false");
		end_cell(out, i, n);
	}
}

/* ---- JSON */

int record_json_begin(struct awsq_buf *out, const char *fleet, const char *list)
{
	const struct record_value head[] = {
		{ "schema", RECORD_NUMBER, NULL, JSON_SCHEMA },
		{ "fleet", RECORD_TEXT, fleet, 0 },
	};
	int rc = json_object_of(out, head, sizeof(head) / sizeof(head[0]));

	if (rc != 0)
		return rc;
	awsq_buf_truncate(out, out->len - 1); /* its brace: the list is a member too */
	awsq_buf_addf(out, ", \"%s\": [", list);
	return awsq_buf_error(out);
}

int record_json(struct awsq_buf *out, const struct record_value *values, size_t n, int is_first)
{
	awsq_buf_adds(out, is_first ? "\n" : ",\n");
	return json_object_of(out, values, n);
}

void record_json_end(struct awsq_buf *out)
{
	awsq_buf_adds(out, "\n]}\n");
}
