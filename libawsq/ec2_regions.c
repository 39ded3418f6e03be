#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

typedef struct awsq_ec2_region region;
typedef struct awsq_ec2_offering offering;

static const struct awsq_field region_fields[] = {
	AWSQ_STRING(region, name, "regionName"),
	AWSQ_STRING(region, opt_in_status, "optInStatus"),
	AWSQ_STRING(region, endpoint, "regionEndpoint"),
};
static const struct awsq_shape region_shape = AWSQ_SHAPE(region, region_fields);

static const struct awsq_field regions_fields[] = {
	AWSQ_LIST(struct awsq_ec2_regions, items, n, "regionInfo/item", &region_shape),
};
static const struct awsq_shape regions_shape = AWSQ_SHAPE(struct awsq_ec2_regions, regions_fields);

void awsq_ec2_describe_regions(struct awsq_call *call, struct awsq_ec2_regions *out, int all)
{
	ec2_read(call, "DescribeRegions", &regions_shape, out);
	awsq_query_add_bool(&call->body, all, "AllRegions");
}

void awsq_ec2_free_regions(struct awsq_ec2_regions *regions)
{
	awsq_shape_free(&regions_shape, regions);
}

static const struct awsq_field offering_fields[] = {
	AWSQ_STRING(offering, instance_type, "instanceType"),
	AWSQ_STRING(offering, location, "location"),
};
static const struct awsq_shape offering_shape = AWSQ_SHAPE(offering, offering_fields);

static const struct awsq_field offerings_fields[] = {
	AWSQ_LIST(struct awsq_ec2_offerings, items, n, "instanceTypeOfferingSet/item",
		&offering_shape),
	AWSQ_TOKEN(struct awsq_ec2_offerings, next_token, "nextToken"),
};
static const struct awsq_shape offerings_shape =
	AWSQ_SHAPE(struct awsq_ec2_offerings, offerings_fields);

void awsq_ec2_describe_instance_type_offerings(struct awsq_call *call,
	struct awsq_ec2_offerings *out, const char *location_type,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeInstanceTypeOfferings", &offerings_shape, out);
	awsq_query_add(&call->body, location_type, "LocationType");
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_free_offerings(struct awsq_ec2_offerings *offerings)
{
	awsq_shape_free(&offerings_shape, offerings);
}
