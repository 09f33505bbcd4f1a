#include "base/mem.h"
#include "cluster/backends.h"
#include "cluster/cluster.h"

#include <string.h>

/* The back ends, by the scheme before the colon. */
static const struct {
	const char *scheme;
	cluster_opener *open;
} schemes[] = {
	{"fake", fake_cluster_open},
	{"local", local_cluster_open},
	{"remote", remote_cluster_open},
};

struct cluster *cluster_open(const char *spec, const struct cluster_config *config,
			     struct error **err)
{
	static const struct cluster_config defaults;
	const char *colon = strchr(spec, ':');

	for (size_t i = 0; colon && i < ARRAY_SIZE(schemes); i++) {
		if (strlen(schemes[i].scheme) != (size_t)(colon - spec) ||
		    strncmp(schemes[i].scheme, spec, (size_t)(colon - spec)))
			continue;
		return schemes[i].open(colon + 1, config ? config : &defaults, err);
	}
	error_set(err, E_BAD_REQUEST, "no kind of cluster is called \"%s\"", spec);
	return NULL;
}
