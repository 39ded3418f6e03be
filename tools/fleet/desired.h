/*
 * desired.h: what each region should have, as regions.cfg and the home region say.
 */
#ifndef FLEET_DESIRED_H
#define FLEET_DESIRED_H

#include <awsq/sts.h>

#include "fleet/chosen.h"
#include "fleet/observed.h"
#include "fleet/region.h"
#include "fleet/rules.h"

struct desired {
	const struct config *config;
	struct awsq_sts_identity identity; /* whose account this is */
	struct awsq_ec2_regions regions;   /* all that AWS has, enabled for the account or not */
	struct observed home;
	const struct awsq_ec2_image *image;          /* home's, available */
	const struct awsq_ec2_security_group *group; /* home's; NULL: it has none */
	struct rules rules;                          /* the group's */
	int encrypt;           /* home's image is encrypted, and so must its copies be */
	char *profile_name;    /* of the instance profile; NULL: none is wanted */
	int profile_unknown;   /* nothing says which is wanted, or whether one is */
	char *public_key;      /* as in authorized_keys */
	char *key_fingerprint; /* as OpenSSH writes it */
	const char *key_type;  /* as SSH names it */
	int key_importable;    /* EC2 takes keys of that type */
	char *user_data;       /* arms the shutdown at max_uptime, at each boot */
};

/* The first lines of all user data that the fleet writes, whatever max_uptime is in it. */
#define DESIRED_USER_DATA              \
	"#cloud-boothook\n#!/bin/sh\n" \
	"# Stops the instance when nothing else has: fleet.max_uptime.\n"

/*
 * Reads the home region, and the key's public half. An error when home has no image of the fleet's
 * name, or several that could be meant; when the instance profile that is to be used does not
 * exist; or when anything could not be read: err is a sentence. out is freed by desired_free, after
 * an error too.
 */
int desired_read(struct desired *out, const struct fleet *fleet, struct awsq_err *err);
void desired_free(struct desired *d);

/*
 * The parts of desired_read, for who wants to know how each one ends: they fill the members that
 * are named after them, from config and from home's images and instances. err is a sentence.
 */
int desired_take_key(struct desired *d, const struct sshkey *key, struct awsq_err *err);
int desired_find_image(struct desired *d, struct awsq_err *err);
int desired_find_profile(struct desired *d, struct region *home, struct awsq_err *err);

/* Whether the account has enabled a region; one that AWS does not list counts as enabled. */
int desired_is_enabled(const struct desired *d, const char *region);

/* Whether images and volumes are to be encrypted in a place. */
int desired_encrypts(const struct desired *d, const struct config_region *place);

#endif
