/*
 * config.h: regions.cfg, the one file that says what a fleet is. regions.cfg(5) describes it.
 *
 * Everything here is checked: what a loaded config holds is usable as it stands, so no other code
 * judges a setting again. Files are read with libconfig, of which nothing shows here.
 */
#ifndef FLEET_CONFIG_H
#define FLEET_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>

/* Never empty once loaded, and none is there twice. */
struct config_strings {
	char **items;
	size_t n;
};

struct config_region {
	char *name;
	struct config_strings instance_types; /* the override's, else the fleet's */
};

/* Owned by the structure; to be freed with config_free(). */
struct config {
	char *path; /* the file it came from, as it was named */

	char *name; /* of the fleet: its AMI, key pair, group, Name tag and state folder; no '/' */
	char *home; /* the region that the others copy; not necessarily in regions */
	struct config_strings instance_types; /* in order of preference */
	char *key;  /* path of the private key, which may be relative to the working directory */
	char *role; /* instance profile; NULL: the home instance's */
	int64_t max_uptime; /* seconds: 1 minute to 7 days */

	char *job_user;              /* "ec2-user" where not set */
	int job_port;                /* 22 where not set */
	char *job_command;           /* NULL: none configured */
	int64_t job_timeout;         /* seconds: 1 to max_uptime, which it is where not set */
	int64_t job_connect_timeout; /* seconds to wait for SSH once it runs: 180 where not set */

	struct config_region *regions; /* at least one, in the file's order */
	size_t n_regions;
};

/*
 * Finds the file to load: option (--config, or NULL), $AWSQ_CONFIG, regions.cfg in the working
 * directory, $XDG_CONFIG_HOME/awsq/ (~/.config/awsq/) and /etc/awsq/. What the first two name is
 * taken as it is, whether or not it is there. *path is to be freed with free(). AWSQ_ENOTFOUND, and
 * err says where it looked and what to do; AWSQ_ENOMEM.
 */
int config_find(char **path, const char *option, struct awsq_err *err);

/*
 * Loads the file at path. After an error out is empty, and err tells the first thing wrong, as
 * `regions.cfg:3: fleet.home: expected a region such as "us-west-2", found "foo bar"`, with control
 * characters as the file has them. AWSQ_ENOTFOUND, AWSQ_EIO, AWSQ_ETOOBIG (1 MiB): the file;
 * AWSQ_EPARSE: its syntax; AWSQ_EINVAL: a setting; AWSQ_ENOMEM.
 */
int config_load(struct config *out, const char *path, struct awsq_err *err);

/* Frees what c holds and leaves it empty. NULL is allowed. */
void config_free(struct config *c);

/* Whether text looks like the name of a region. */
int config_region_name(const char *text);

/* The instance types for region (NULL: one that is not configured), in order of preference. */
const struct config_strings *config_types(const struct config *c,
	const struct config_region *region);

/* The region of that name; NULL when it is not configured. */
const struct config_region *config_region(const struct config *c, const char *name);

#endif
