/*
 * One entry of a kubeconfig's lists (a cluster, a user, a context), and the values in it: what each
 * reader of them shares. Private to kubeconfig*.c. Threads: one at a time.
 */
#ifndef CLUSTER_REMOTE_KUBECONFIG_ENTRY_H
#define CLUSTER_REMOTE_KUBECONFIG_ENTRY_H

#include "cluster/remote/kubeconfig.h"
#include "cluster/remote/kubeconfig_file.h"

/* What messages say of it, and where its paths begin. All borrowed. */
struct entry {
	const struct kubeconfig_file *file;
	const char *what, *name;
	const json_t *tree;
};

/* E_BAD_REQUEST: "FILE: WHAT "NAME": " and the reason. Values are never part of it. */
int entry_broken(const struct entry *e, struct error **err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The value at KEY, owned by OUT; OUT stays as it is where there is none (or an empty text). */
int entry_text(const struct entry *e, const char *key, char **out, struct error **err);
int entry_bool(const struct entry *e, const char *key, bool *out, struct error **err);
/* A list of texts: each is appended. */
int entry_texts(const struct entry *e, const char *key, struct kubeconfig_texts *out,
		struct error **err);
/* A PEM text out of KEY-data or, where that is missing, the file KEY names. */
int entry_pem(const struct entry *e, const char *key, char **out, struct error **err);

/* What a user's entry says; kubeconfig_user.c. */
int kubeconfig_read_user(const struct entry *user, struct kubeconfig *k, struct error **err);

#endif
