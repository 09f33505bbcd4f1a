/* The Pod Security Standards rule by rule, and the namespace labels that choose among them. */
#include "local_fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "cluster/local/admission/pod_security.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LATEST POD_SECURITY_LATEST
#define C(rest) "'containers':[{'name':'c','image':'i'" rest "}]"
#define CONTEXT(fields) C(",'securityContext':{" fields "}")
/* A container, and a pod, that keep all rules but those that FIELDS break. */
#define GOOD                                                                              \
	"'allowPrivilegeEscalation':false,'capabilities':{'drop':['ALL']},'runAsNonRoot'" \
	":true,'seccompProfile':{'type':'RuntimeDefault'}"

static const struct row {
	enum pod_security_level level;
	unsigned minor;
	const char *spec;
	const char *violations; /* "": allowed */
} rows[] = {
	{LEVEL_PRIVILEGED, LATEST, C("") ",'hostNetwork':true", ""},
	{LEVEL_BASELINE, LATEST, C(""), ""},
	{LEVEL_BASELINE, LATEST, C("") ",'hostNetwork':true,'hostIPC':true",
	 "host namespaces (hostNetwork=true, hostIPC=true)"},
	{LEVEL_BASELINE, LATEST, CONTEXT("'privileged':true"),
	 "privileged (container \"c\" must not set securityContext.privileged=true)"},
	{LEVEL_BASELINE, LATEST, CONTEXT("'capabilities':{'add':['SYS_TIME','CHOWN','BPF']}"),
	 "non-default capabilities (container \"c\" must not include \"BPF\", \"SYS_TIME\" in "
	 "securityContext.capabilities.add)"},
	{LEVEL_BASELINE, LATEST, C("") ",'volumes':[{'name':'h','hostPath':{'path':'/'}}]",
	 "hostPath volumes (volume \"h\")"},
	{LEVEL_BASELINE, LATEST, C(",'ports':[{'hostPort':80},{'hostPort':81}]"),
	 "hostPort (container \"c\" uses hostPorts 80, 81)"},
	{LEVEL_BASELINE, LATEST, C(",'livenessProbe':{'httpGet':{'host':'h','port':1}}"),
	 "probe or lifecycle host (container \"c\" uses probe or lifecycle host \"h\")"},
	{LEVEL_BASELINE, 33, C(",'livenessProbe':{'httpGet':{'host':'h','port':1}}"), ""},
	{LEVEL_BASELINE, LATEST, CONTEXT("'procMount':'Unmasked'"),
	 "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")"},
	{LEVEL_BASELINE, LATEST, CONTEXT("'procMount':'Unmasked'") ",'hostUsers':false", ""},
	{LEVEL_BASELINE, 34, CONTEXT("'procMount':'Unmasked'") ",'hostUsers':false",
	 "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")"},
	{LEVEL_BASELINE, LATEST,
	 CONTEXT("'seLinuxOptions':{'type':'t','user':'u'}") ",'securityContext':{"
							     "'seLinuxOptions':{'role':'r'}}",
	 "seLinuxOptions (pod and container \"c\" set forbidden securityContext.seLinuxOptions: "
	 "type \"t\"; user may not be set; role may not be set)"},
	{LEVEL_BASELINE, 30, CONTEXT("'seLinuxOptions':{'type':'container_engine_t'}"),
	 "seLinuxOptions (container \"c\" set forbidden securityContext.seLinuxOptions: type "
	 "\"container_engine_t\")"},
	{LEVEL_BASELINE, 31, CONTEXT("'seLinuxOptions':{'type':'container_engine_t'}"), ""},
	{LEVEL_BASELINE, LATEST, CONTEXT("'seccompProfile':{'type':'Unconfined'}"),
	 "seccompProfile (container \"c\" must not set securityContext.seccompProfile.type to "
	 "\"Unconfined\")"},
	{LEVEL_BASELINE, LATEST,
	 CONTEXT("'appArmorProfile':{'type':'Unconfined'}") ",'securityContext':{"
							    "'appArmorProfile':{'type':'"
							    "RuntimeDefault'}}",
	 "forbidden AppArmor profile (container \"c\" must not set AppArmor profile type to "
	 "\"Unconfined\")"},
	{LEVEL_BASELINE, LATEST,
	 C("") ",'securityContext':{'sysctls':[{'name':'net.ipv4.tcp_rmem'},{'name':'a.b'}]}",
	 "forbidden sysctls (a.b)"},
	{LEVEL_BASELINE, 31, C("") ",'securityContext':{'sysctls':[{'name':'net.ipv4.tcp_rmem'}]}",
	 "forbidden sysctls (net.ipv4.tcp_rmem)"},
	{LEVEL_BASELINE, LATEST, C("") ",'securityContext':{'windowsOptions':{'hostProcess':true}}",
	 "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)"},
	{LEVEL_RESTRICTED, LATEST, CONTEXT(GOOD), ""},
	{LEVEL_RESTRICTED, LATEST, C(""),
	 "allowPrivilegeEscalation != false (container \"c\" must set "
	 "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "
	 "\"c\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod "
	 "or container \"c\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or "
	 "container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
	 "\"Localhost\")"},
	{LEVEL_RESTRICTED, 7, C(""),
	 "runAsNonRoot != true (pod or container \"c\" must set "
	 "securityContext.runAsNonRoot=true)"},
	{LEVEL_RESTRICTED, LATEST, C("") ",'os':{'name':'windows'},'hostUsers':false", ""},
	{LEVEL_RESTRICTED, LATEST,
	 CONTEXT(GOOD) ",'volumes':[{'name':'a','nfs':{}},{'name':'b','emptyDir':{}}]",
	 "restricted volume types (volume \"a\" uses restricted volume type \"nfs\")"},
	{LEVEL_RESTRICTED, LATEST,
	 CONTEXT(GOOD) ",'securityContext':{'runAsUser':0,'runAsNonRoot':false}",
	 "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false), runAsUser=0 "
	 "(pod must not set runAsUser=0)"},
	{LEVEL_RESTRICTED, LATEST,
	 "'initContainers':[{'name':'a','securityContext':{" GOOD "}},{'name':'b',"
	 "'securityContext':{" GOOD ",'capabilities':{'drop':['ALL'],'add':['CHOWN']}}}]",
	 "unrestricted capabilities (container \"b\" must not include \"CHOWN\" in "
	 "securityContext.capabilities.add)"},
};

static json_t *parse(const char *spec)
{
	char *json free_ptr = xasprintf("{%s}", spec);
	struct error *err = NULL;
	json_t *tree;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	tree = json_read(json, strlen(json), &err);
	if (!tree)
		fail_msg("%s: %s", json, error_message(err));
	return tree;
}

static void test_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct pod_security p = {rows[i].level, rows[i].minor};
		struct str got CLEANUP(str_release) = STR_INIT;
		json_t *spec json_auto = parse(rows[i].spec);
		bool allowed = pod_security_allows(&p, NULL, spec, NULL, &got);

		if (strcmp(got.s, rows[i].violations) || allowed != !*rows[i].violations)
			fail_msg("%s: %s", rows[i].spec, got.s);
	}
}

static void test_annotations(void **state)
{
	const struct pod_security old = {LEVEL_BASELINE, 10}, new_ = {LEVEL_BASELINE, LATEST};
	json_t *metadata json_auto =
		parse("'annotations':{'seccomp.security.alpha.kubernetes.io/pod':'unconfined',"
		      "'container.apparmor.security.beta.kubernetes.io/c':'unconfined'}");
	json_t *spec json_auto = parse(C(""));
	struct str got CLEANUP(str_release) = STR_INIT;

	assert_false(pod_security_allows(&old, metadata, spec, &got, NULL));
	assert_string_equal(got.s, "forbidden AppArmor profile, seccompProfile");
	str_reset(&got);
	assert_false(pod_security_allows(&new_, metadata, spec, NULL, &got));
	assert_string_equal(got.s,
			    "forbidden AppArmor profile (annotation must not set AppArmor profile "
			    "type to \"container.apparmor.security.beta.kubernetes.io/"
			    "c=\"unconfined\"\")");
}

static struct local_fixture f;

static int setup(void **state)
{
	fixture_open(&f, NULL);
	return 0;
}

static int teardown(void **state)
{
	fixture_close(&f);
	return 0;
}

static void make_namespace(const char *labels)
{
	char *json free_ptr = xasprintf("{'metadata':{'name':'n','labels':{%s}}}", labels);

	fixture_make(&f, "namespaces", "", json);
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'default'}}");
}

static const char privileged_pod[] =
	"{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':'i',"
	"'securityContext':{'privileged':true}}]}}";
static const char deployment[] =
	"{'metadata':{'name':'d'},'spec':{'selector':{'matchLabels':{'a':'b'}},'template':{"
	"'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':'c','image':'i',"
	"'securityContext':{'privileged':true}}]}}}}";
#define VIOLATION "privileged (container \"c\" must not set securityContext.privileged=true)"

static void test_enforced(void **state)
{
	make_namespace("'pod-security.kubernetes.io/enforce':'baseline',"
		       "'pod-security.kubernetes.io/enforce-version':'v1.30'");
	fixture_refused(
		&f, "pods", "n", privileged_pod,
		"pods \"p\" is forbidden: violates PodSecurity \"baseline:v1.30\": " VIOLATION);
	/* What makes pods is told beforehand. */
	fixture_make(&f, "deployments", "n", deployment);
	assert_int_equal(f.warnings.n, 1);
	assert_string_equal(f.warnings.v[0],
			    "would violate PodSecurity \"baseline:v1.30\": " VIOLATION);
}

static void test_audited(void **state)
{
	make_namespace("'pod-security.kubernetes.io/audit':'baseline'");
	fixture_make(&f, "pods", "n", privileged_pod);
	assert_int_equal(f.warnings.n, 0);
	assert_int_equal(f.annotations.n, 2);
	assert_string_equal(f.annotations.v[0].key, "pod-security.kubernetes.io/enforce-policy");
	assert_string_equal(f.annotations.v[0].value, "privileged:latest");
	assert_string_equal(f.annotations.v[1].key, "pod-security.kubernetes.io/audit-violations");
	assert_string_equal(f.annotations.v[1].value,
			    "would violate PodSecurity \"baseline:latest\": " VIOLATION);
}

static void test_warned(void **state)
{
	make_namespace("'pod-security.kubernetes.io/warn':'baseline'");
	fixture_make(&f, "pods", "n", privileged_pod);
	assert_int_equal(f.warnings.n, 1);
	assert_string_equal(f.warnings.v[0],
			    "would violate PodSecurity \"baseline:latest\": " VIOLATION);
	/* A change that brings nothing new to look at. */
	json_decref(fixture_patch(&f, "pods", "n", "p", NULL, "{'metadata':{'labels':{'x':'y'}}}",
				  NULL));
	assert_int_equal(f.warnings.n, 0);
	json_decref(
		fixture_patch(&f, "pods", "n", "p", NULL,
			      "{'spec':{'containers':[{'name':'c','image':'j','securityContext':{"
			      "'privileged':true}}]}}",
			      NULL));
}

static void test_labels(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	fixture_refused(&f, "namespaces", "",
			"{'metadata':{'name':'n','labels':{"
			"'pod-security.kubernetes.io/enforce':'much'}}}",
			"Namespace \"n\" is invalid: "
			"metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "
			"\"much\": must be one of privileged, baseline, restricted");
	make_namespace("");
	assert_null(fixture_patch(
		&f, "namespaces", "", "n", NULL,
		"{'metadata':{'labels':{'pod-security.kubernetes.io/warn-version':'v1.01'}}}",
		&err));
	assert_non_null(strstr(error_message(err), "must be \"latest\" or \"v1.x\""));
}

static void test_new_level(void **state)
{
	make_namespace("");
	fixture_make(&f, "pods", "n", privileged_pod);
	json_decref(fixture_patch(
		&f, "namespaces", "", "n", NULL,
		"{'metadata':{'labels':{'pod-security.kubernetes.io/enforce':'baseline'}}}", NULL));
	assert_int_equal(f.warnings.n, 2);
	assert_string_equal(f.warnings.v[0], "existing pods in namespace \"n\" violate the new "
					     "PodSecurity enforce level \"baseline:latest\"");
	assert_string_equal(f.warnings.v[1], "p: privileged");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_annotations),
		TEST(test_enforced),
		TEST(test_audited),
		TEST(test_warned),
		TEST(test_labels),
		TEST(test_new_level),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
