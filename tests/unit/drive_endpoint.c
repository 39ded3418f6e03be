/*
 * drive_endpoint: resolves the endpoints asked for on stdin, for tests that compare with another
 * table. A line "SERVICE REGION FIPS DUALSTACK" is answered by "URL HOST SIGNING-REGION", or by "-"
 * when it is refused.
 */
#include "banned.h"

#include <awsq/endpoint.h>

#include <stdio.h>

int main(void)
{
	char service[80], region[80];
	struct awsq_endpoint_options o = { 0, 0, NULL };
	struct awsq_endpoint e;

	while (scanf("%79s %79s %d %d", service, region, &o.fips, &o.dualstack) == 4) {
		if (awsq_endpoint_resolve(&e, service, region, &o, NULL) != 0)
			(void)printf("-\n");
		else
			(void)printf("%s %s %s\n", e.url, e.host, e.signing_region);
	}
	return 0;
}
