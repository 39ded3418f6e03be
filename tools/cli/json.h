/*
 * json.h: what the tools found and would do as JSON (jansson behind a few plain functions).
 *
 * { "schema": 1, "fleet": ..., "account": ..., "regions": [ { "region": ..., "error": null } ] }
 *
 * with, for a finding, "images", "snapshots", "key_pairs", "security_groups", "role", "instances",
 * "blocked" and "differences"; for a plan, "blocked", "actions" and "differences"; for a preflight,
 * "checks", which the document itself has too, for what holds in all regions; and for an inventory,
 * "place" and "items", with "totals" in the document. A region whose "error" is not null has
 * nothing else. check-region(1) and config-region(1) have the details.
 *
 * Where regions.cfg has accounts, the document's "account" is null, each region has "account", its
 * name there, and "account_id", and the checks that hold for an account stand in one whose "region"
 * is null.
 *
 * What of a text is no UTF-8 shows as question marks. What could not be added makes json_print
 * fail: a document that lacks something is never printed.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <awsq/buf.h>

#include "cli/records.h"
#include "cli/show.h"
#include "fleet/inventory.h"
#include "fleet/preflight.h"

#define JSON_SCHEMA 1 /* of every document: grows when a member goes or changes its meaning */

struct json_report;

/* NULL without memory. */
struct json_report *json_new(const char *fleet, const char *account);
void json_free(struct json_report *j);

/* What is added from now on is of the account of that name and number (NULL: not known). */
void json_set_account(struct json_report *j, const char *name, const char *id);

void json_add_finding(struct json_report *j, const struct finding *f);

/* A region's plan, or why there is none. */
void json_add_plan(struct json_report *j, const char *region, const char *error,
	const struct plan *p);

/* A preflight's checks: those of a region, or (region is NULL) those that hold for all of them. */
void json_add_checks(struct json_report *j, const char *region, const struct checks *checks);

/* What there is in a region, or why that is not known. */
void json_add_inventory(struct json_report *j, const char *region, const char *error,
	enum place place, const struct inventory *inventory);
void json_set_totals(struct json_report *j, const struct inventory_totals *totals);

/* Adds the whole document, ending with a newline. AWSQ_ENOMEM, AWSQ_ETOOBIG. */
int json_print(struct awsq_buf *out, const struct json_report *j);

/* Adds one object, on one line, for documents that are longer than need be kept in memory. */
int json_object_of(struct awsq_buf *out, const struct record_value *values, size_t n);

#endif
