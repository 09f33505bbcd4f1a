/*
 * Requests go when they are done with: an hour after they were issued, denied or failed, a day
 * after they were made or approved and nothing came of it, and when what they got has expired.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "kinds/csr.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>
#include <time.h>

#define GROUP "certificates.k8s.io"
#define PLURAL "certificatesigningrequests"
#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)

/* How long a condition keeps a request that has its certificate, and one that has none; 0: it has
 * no say. */
static const struct {
	const char *type;
	int64_t issued_ns, pending_ns;
} kept[] = {
	{"Approved", HOUR_NS, DAY_NS},
	{"Denied", HOUR_NS, HOUR_NS},
	{"Failed", HOUR_NS, HOUR_NS},
};

static int64_t after(const char *time, int64_t ns)
{
	int64_t since;

	return *time && ns && time_parse(time, &since) == 0 ? since + ns : CLOCK_NEVER;
}

static int64_t expiry_of(const char *certificate)
{
	X509 *cert = csr_certificate(certificate);
	int64_t end = CLOCK_NEVER;
	struct tm tm;

	if (cert && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1)
		end = (int64_t)timegm(&tm) * NS_PER_S;
	X509_free(cert);
	return end;
}

static int64_t end_of(const json_t *csr)
{
	const json_t *conditions = json_path(csr, "status.conditions"), *c;
	const char *certificate = text_at(csr, "status.certificate");
	int64_t end = CLOCK_NEVER;
	size_t i;

	if (!json_array_size(conditions))
		return after(text_at(csr, "metadata.creationTimestamp"), DAY_NS);
	json_array_foreach ((json_t *)conditions, i, c)
		for (size_t k = 0; k < ARRAY_SIZE(kept); k++)
			if (strcmp(text_at(c, "type"), kept[k].type) == 0)
				end = MIN(end, after(text_at(c, "lastUpdateTime"),
						     *certificate ? kept[k].issued_ns
								  : kept[k].pending_ns));
	return *certificate ? MIN(end, expiry_of(certificate)) : end;
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, GROUP, PLURAL), "", key);
	json_t *csr json_auto = o ? object_tree(o) : NULL;
	int64_t now = clock_wall(controller_clock(c));
	int64_t end = o ? end_of(csr) : CLOCK_NEVER;

	if (end == CLOCK_NEVER)
		return 0;
	if (now > end)
		return object_remove(c, GROUP, PLURAL, o, err);
	controller_enqueue_after(c, "", key, end - now + 1);
	return 0;
}

const struct reconciler reconciler_csr_cleaner = {
	.name = "certificatesigningrequest-cleaner-controller",
	.watches = {{.group = GROUP, .plural = PLURAL}},
	.workers = 1,
	.sync = sync,
};
