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

/* None is there twice, but in job_docker_args. */
struct config_strings {
	char **items;
	size_t n;
};

/* In the file's order; no name is there twice. */
struct config_pairs {
	char **names;
	char **values;
	size_t n;
};

struct config_numbers {
	int *items;
	size_t n;
};

/* Which host key to trust where none is on record for an instance. */
enum config_host_key {
	CONFIG_HOST_KEY_TOFU,    /* the one that it first shows */
	CONFIG_HOST_KEY_CONSOLE, /* the one that its console output told */
	CONFIG_HOST_KEY_STRICT   /* none */
};

enum config_transport { CONFIG_TRANSPORT_SSH, CONFIG_TRANSPORT_SSM };

/* What a run does when another one has its region. */
enum config_overlap {
	CONFIG_OVERLAP_FORBID, /* fails */
	CONFIG_OVERLAP_QUEUE,  /* waits for its end */
	CONFIG_OVERLAP_SKIP,   /* is content */
	CONFIG_OVERLAP_REPLACE /* ends it */
};

#define CONFIG_COUNT_MAX 20

/*
 * What may differ by region: the override's, else the fleet's. A VPC or subnet is an id, as
 * config_is_id() tells, or the value of its Name tag; a KMS key is an id, an ARN or "alias/...".
 */
struct config_region {
	char *name;                           /* NULL: any region without settings of its own */
	struct config_strings instance_types; /* in order of preference, 16 at most */
	char *vpc;                            /* NULL where not set, as the next two */
	char *subnet;
	char *kms_key;
	int count; /* of instances: 1 to CONFIG_COUNT_MAX */
};

/* An AWS account that has a fleet of its own: how to get into it. One of role_arn and profile. */
struct config_account {
	char *name;     /* 1 to 24 letters, digits and "-"; no two accounts have one */
	char *role_arn; /* assumed by the credentials that --profile says; NULL: profile is set */
	char *external_id; /* for role_arn; NULL: none */
	char *profile;     /* of the AWS configuration */
};

/* Owned by the structure; to be freed with config_free(). */
struct config {
	char *path; /* the file it came from, as it was named */

	char *name;  /* of the fleet: its AMI, key pair, group, Name tag and state folder; no '/' */
	char *home;  /* the region that the others copy; not necessarily in regions */
	char *key;   /* path of the private key, which may be relative to the working directory */
	char *role;  /* instance profile; NULL: the home instance's */
	char *image; /* as config_image() has it; NULL: the fleet's name */
	int encrypt; /* copies of the image, in every region; config_encrypts() knows of keys too */
	int keep_images;    /* older copies to keep beside the current one: 0 to 100 */
	int64_t max_uptime; /* seconds: 1 minute to 7 days */

	enum config_host_key host_key;
	int64_t log_max; /* bytes to keep of each of a run's two streams: 1 KiB to 16 GiB */
	int keep_logs;   /* days: 1 to 3650 */

	char *job_user;              /* "ec2-user" where not set */
	int job_port;                /* 22 where not set */
	char *job_command;           /* at most 256 KiB; NULL: none configured */
	int64_t job_timeout;         /* seconds: 1 to max_uptime, which it is where not set */
	int64_t job_connect_timeout; /* seconds to wait for SSH once it runs: 180 where not set */
	struct config_pairs job_env; /* none of the names begins with "AWSQ_" */
	char *job_workdir;           /* relative to the user's home; NULL: that */
	char *job_watch;             /* an ERE that regcomp() takes; NULL: none */
	int job_retries;             /* how often to try again: 0 to 100 */
	int64_t job_retry_backoff;   /* seconds before the first time: 1 to 600 */
	struct config_numbers job_retry_on;    /* statuses, 1 to 255; empty: any but 0 */
	int64_t job_min_duration;              /* seconds, less than job_timeout; 0: none */
	char *job_docker_image;                /* NULL: not in a container */
	struct config_strings job_docker_args; /* of docker run, before the image */
	char *job_before, *job_after;          /* commands on this machine; NULL: none */
	char *job_ping_url;                    /* http:// or https://; NULL: none */
	struct config_strings job_retrieve;    /* patterns relative to job_workdir, without ".." */
	enum config_transport job_transport;
	enum config_overlap job_overlap;
	int64_t job_max_wait; /* seconds that CONFIG_OVERLAP_QUEUE and _REPLACE wait */

	struct config_region *regions;  /* in the file's order, then home where it is not listed */
	size_t n_regions;               /* how many are listed: at least one */
	size_t n_unlisted;              /* 1 when home follows them, else 0 */
	struct config_region elsewhere; /* the fleet's settings, for any other region */

	struct config_account *accounts; /* in the file's order */
	size_t n_accounts;               /* 0: the one that the credentials are of */
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

/* Whether a job may be given a variable of that name: awsq's own begin with "AWSQ_". */
int config_env_name(const char *text);

/* The region of that name; NULL when regions.cfg does not list it, as may be with home. */
const struct config_region *config_region(const struct config *c, const char *name);

/* What holds in the region of that name, listed or not; never NULL. */
const struct config_region *config_place(const struct config *c, const char *region_name);

/* Whether copies of the image are encrypted there: a KMS key says so too. */
int config_encrypts(const struct config *c, const struct config_region *place);

/* The name of the home image: one "*" in it stands for anything, and the newest match is meant. */
const char *config_image(const struct config *c);

/* Whether an image of that name, in the home region, is a home image. */
int config_image_matches(const struct config *c, const char *image_name);

/* Whether text is the id of a VPC or subnet, and so not the value of a Name tag. */
int config_is_id(const char *text);

#endif
