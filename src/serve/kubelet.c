#include "serve/kubelet.h"

#include "base/mem.h"
#include "kinds/resource.h"
#include "serve/resource.h"

#include <string.h>

#define LOGS "/containerLogs/"

static void refuse(struct request *r, const struct error *err)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_addf(&text, "%s\n", error_message(err));
	answer_send(r, error_http_status(err), "text/plain; charset=utf-8", &text);
}

/* The container is in the path here, and in the query where the cluster is asked. */
static int ask_container(struct request *r, char *path, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct target t = {.group = "", .version = "v1", .plural = "pods", .subresource = "log"};
	struct ask a = {.request = r, .target = &t};
	const char *container;

	t.namespace = strsep(&path, "/");
	t.name = strsep(&path, "/");
	container = strsep(&path, "/");
	if (!container || !*container || path || !*t.namespace || !*t.name)
		return error_set(err, E_NOT_FOUND, "%s: want " LOGS "NAMESPACE/POD/CONTAINER",
				 r->path);
	a.resource = catalog_find(catalog, t.group, t.version, t.plural);
	vec_push(&r->query,
		 ((struct parameter){.name = xstrdup("container"), .value = xstrdup(container)}));
	return resource_stream(&a, err);
}

void kubelet_logs(struct request *r)
{
	char *path free_ptr = xstrdup(r->path + strlen(LOGS));
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (ask_container(r, path, &err) < 0)
		refuse(r, err);
}
