/*
 * json.h: check-region's findings as JSON (jansson behind a few plain functions).
 *
 * { "schema": 1, "fleet": ..., "account": ..., "regions": [ { "region": ..., "error": null,
 *   "images": [...], "snapshots": [...], "key_pairs": [...], "security_groups": [...],
 *   "role": ..., "instances": [...], "differences": ["..."] } ] }
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <awsq/buf.h>

#include "cli/show.h"

struct json_report;

/* NULL without memory. */
struct json_report *json_new(const char *fleet, const char *account);
void json_free(struct json_report *j);

void json_add_finding(struct json_report *j, const struct finding *f);

/* Adds the whole document, ending with a newline. AWSQ_ENOMEM. */
int json_print(struct awsq_buf *out, const struct json_report *j);

#endif
