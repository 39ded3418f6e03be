/*
 * offered.h: the calls that ask what a region offers: networks to be in, and instance types.
 */
#ifndef FLEET_OFFERED_H
#define FLEET_OFFERED_H

#include "fleet/observed.h"

/* Filters as a call takes them: FILTERS("name", { value, ... }). */
#define FILTERS(...)                                     \
	(struct awsq_ec2_filter[])                       \
	{                                                \
		{ __VA_ARGS__ },                         \
		{                                        \
			.name = NULL, .values = { NULL } \
		}                                        \
	}

/*
 * Where instances go: the subnet or VPC that regions.cfg names, by id or Name tag, else the default
 * VPC. Fills o's subnets or vpcs.
 */
void offered_describe_place(struct awsq_call *call, struct observed *o,
	const struct config_region *place);

/* Which of regions.cfg's types are on offer: in the region, or by zone where it names a network. */
void offered_describe_types(struct awsq_call *call, struct observed *o,
	const struct config_region *place);

/*
 * Once the VPC is known: a VPC that is not the default one has to be told in which of its subnets,
 * and so they are to be asked for.
 */
int offered_needs_subnets(const struct observed *o, const struct config_region *place);
void offered_describe_subnets(struct awsq_call *call, struct observed *o);

#endif
