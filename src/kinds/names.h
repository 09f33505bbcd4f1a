/*
 * Rules for names and other short texts: scanners without state, and the sentences that
 * apimachinery's validation gives when one is broken.
 *
 *	const char *why = name_problem(name_dns_label, "A");	// "a lowercase RFC 1123 label ..."
 *
 * Threads: pure functions.
 */
#ifndef KINDS_NAMES_H
#define KINDS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_PROBLEMS 6

/* Writes what is wrong with S to WHY (sentences that live for ever) and returns how many: 0 when
 * S keeps the rule. */
typedef size_t name_rule(const char *s, const char *why[NAME_PROBLEMS]);

name_rule name_dns_subdomain;	     /* metadata.name of most types */
name_rule name_dns_label;	     /* of a namespace, a container */
name_rule name_dns_1035;	     /* of a service */
name_rule name_path_segment;	     /* of a role */
name_rule name_wildcard_subdomain;   /* *.example.com */
name_rule name_subdomain_underscore; /* _srv.example.com */
name_rule name_dns_subdomain_any;    /* upper case too */
name_rule name_qualified;	     /* label and annotation keys */
name_rule name_label_value;
name_rule name_port;		/* of a container's port */
name_rule name_env_var;		/* anything printable but '=' */
name_rule name_env_var_strict;	/* what a shell takes, and '-' and '.' */
name_rule name_config_key;	/* a key of a ConfigMap or Secret */
name_rule name_http_header;	/* X-Header-Name */
name_rule name_c_identifier;	/* my_name */
name_rule name_decimal_integer; /* -12 */

/* The first problem, or NULL. */
const char *name_problem(name_rule *rule, const char *s);
/* Whether S ends in one of Kubernetes' own domains (kubernetes.io, k8s.io). */
bool name_in_kubernetes_domain(const char *domain);

#endif
