#include "serve/target.h"
#include "base/mem.h"

#include <string.h>

/* The next segment of *P, cut off in place; NULL at the end. */
static char *segment(char **p)
{
	char *s = *p;
	char *slash;

	if (!s || !*s)
		return NULL;
	slash = strchr(s, '/');
	if (slash)
		*slash = '\0';
	*p = slash ? slash + 1 : s + strlen(s);
	return s;
}

/* /namespaces/NAME, /namespaces/NAME/status and .../finalize are the namespace itself. */
static bool is_namespace_itself(const char *after)
{
	return !*after || strcmp(after, "status") == 0 || strcmp(after, "finalize") == 0;
}

/* The rest of the path. What comes behind "proxy" is not ours. */
static const char *subresource(char *p)
{
	if (str_has_prefix(p, "proxy/"))
		p[strlen("proxy")] = '\0';
	return *p ? p : NULL;
}

bool target_parse(const char *path, struct target *out)
{
	char *p, *root;

	*out = (struct target){.buffer = xstrdup(path), .namespace = "", .group = ""};
	p = out->buffer + (*path == '/');
	root = segment(&p);
	if (root && strcmp(root, "apis") == 0)
		out->group = segment(&p);
	else if (!root || strcmp(root, "api") != 0)
		goto no;
	out->version = segment(&p);
	if (!out->group || !out->version)
		goto no;
	out->plural = segment(&p);
	out->watch = out->plural && *p && strcmp(out->plural, "watch") == 0;
	if (out->watch)
		out->plural = segment(&p);
	out->name = segment(&p);
	if (out->name && strcmp(out->plural, "namespaces") == 0 && !is_namespace_itself(p)) {
		out->namespace = out->name;
		out->plural = segment(&p);
		out->name = segment(&p);
	}
	out->subresource = subresource(p);
	return true;
no:
	target_release(out);
	return false;
}

void target_release(struct target *t)
{
	free(t->buffer);
	*t = (struct target){0};
}
