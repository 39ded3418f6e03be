#include "banned.h"

#include <awsq/json.h>
#include <awsq/quotas.h>

static const struct awsq_field quota_fields[] = {
	AWSQ_STRING(struct awsq_quota, code, "Quota/QuotaCode"),
	AWSQ_STRING(struct awsq_quota, name, "Quota/QuotaName"),
	AWSQ_STRING(struct awsq_quota, unit, "Quota/Unit"),
	AWSQ_INT(struct awsq_quota, value, "Quota/Value"),
	AWSQ_BOOL(struct awsq_quota, adjustable, "Quota/Adjustable"),
};
static const struct awsq_shape quota_shape = AWSQ_SHAPE(struct awsq_quota, quota_fields);

void awsq_quotas_get_service_quota(struct awsq_call *call, struct awsq_quota *out,
	const char *service_code, const char *quota_code)
{
	awsq_call_init_json(call, "servicequotas", "ServiceQuotasV20190624", "GetServiceQuota",
		&quota_shape, out);
	call->repeatable = 1;
	awsq_json_add(&call->body, service_code, "ServiceCode");
	awsq_json_add(&call->body, quota_code, "QuotaCode");
}

void awsq_quotas_free_quota(struct awsq_quota *quota)
{
	awsq_shape_free(&quota_shape, quota);
}
