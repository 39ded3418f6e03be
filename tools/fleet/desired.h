/*
 * desired.h: what each region should have, as regions.cfg and the home region say.
 */
#ifndef FLEET_DESIRED_H
#define FLEET_DESIRED_H

#include <awsq/sts.h>

#include "fleet/observed.h"
#include "fleet/region.h"
#include "fleet/rules.h"

struct desired {
	const struct config *config;
	struct awsq_sts_identity identity; /* whose account this is */
	struct observed home;
	const struct awsq_ec2_image *image; /* home's, available */
	struct rules rules;                 /* home's group's; empty when it has no group */
	int has_group;
	char *profile_name;   /* of the instance profile; NULL: none is wanted */
	char *public_key;     /* as in authorized_keys */
	const char *key_type; /* as SSH names it */
	int key_importable;   /* EC2 takes keys of that type */
	char *user_data;      /* arms the shutdown at max_uptime, at each boot */
};

/*
 * Reads the home region, and the key's public half. An error when home has no image of the fleet's
 * name, or several; when the instance profile that is to be used does not exist; or when anything
 * could not be read: err is a sentence. out is freed by desired_free, after an error too.
 */
int desired_read(struct desired *out, const struct fleet *fleet, struct awsq_err *err);
void desired_free(struct desired *d);

#endif
