/*
 * What types of the smaller groups refuse and are filled with: access, certificates, flow control,
 * served APIs, endpoints' slices, devices.
 */
#include "rows.h"

static void access_and_flow(void **state)
{
	static const char role[] =
		"{'metadata':{'name':'x'},'aggregationRule':{'clusterRoleSelectors':["
		"{'matchLabels':{'a':'b'}}]}}";
	static const char request[] = "{'metadata':{'name':'x'},'spec':{'usages':['any'],"
				      "'signerName':'a.b/c'}}";
	static const char level[] = "{'metadata':{'name':'x'},'spec':{'type':'Limited','limited':{"
				    "'limitResponse':{'type':'Reject'}}}}";
	static const char schema[] =
		"{'metadata':{'name':'x'},'spec':{'priorityLevelConfiguration':{'name':'l'},"
		"'rules':[{'subjects':[{'kind':'User','user':{'name':'u'}}],'resourceRules':[{"
		"'verbs':['*'],'apiGroups':['*'],'resources':['*'],'namespaces':['n']}]}]}}";
#define RULE "spec.rules[0].resourceRules[0]"

	(void)state;
	CREATES("rbac.authorization.k8s.io/v1/clusterroles", role,
		{"aggregationRule.clusterRoleSelectors", "[]",
		 "aggregationRule.clusterRoleSelectors Required"},
		{"aggregationRule.clusterRoleSelectors[0].matchLabels", "{'a b':'c'}",
		 "aggregationRule.clusterRoleSelectors[0].matchLabels Invalid; "
		 "aggregationRule.clusterRoleSelectors[0] Invalid"});
	ROWS_OF(rows_validate, "certificates.k8s.io/v1/certificatesigningrequests", request,
		ROW_CREATE, {NULL, NULL, "spec.request Invalid"},
		{"spec.signerName", "''", "spec.request Invalid; spec.signerName Required"},
		{"spec.signerName", "'a.b'", "spec.request Invalid; spec.signerName Invalid"},
		{"spec.signerName", "'a.b/C'", "spec.request Invalid; spec.signerName Invalid"},
		{"spec.signerName", "'a/c'", "spec.request Invalid; spec.signerName Invalid"});
	CREATES("flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", level,
		{"metadata.annotations",
		 "{'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares':''}",
		 "metadata.annotations Forbidden"},
		{"spec.type", "'Exempt'", "spec.type Invalid; spec.limited Forbidden"});
	CREATES("flowcontrol.apiserver.k8s.io/v1/flowschemas", schema,
		{RULE ".namespaces", "['A']", RULE ".namespaces[0] Invalid"},
		{RULE ".namespaces", "['*','n']", RULE ".namespaces Invalid"},
		{RULE ".verbs", "['odd']", RULE ".verbs NotSupported"});
}

static void served_apis(void **state)
{
	static const char local[] = "{'metadata':{'name':'v1.a.b'},'spec':{'group':'a.b',"
				    "'version':'v1','groupPriorityMinimum':1,'versionPriority':1}}";

	(void)state;
	CREATES("apiregistration.k8s.io/v1/apiservices", local,
		{"metadata.name", "'v1.a'", "metadata.name Invalid"},
		{"spec.caBundle", "'QUJD'", "spec.caBundle Invalid"},
		{"spec.service", "{'port':0}",
		 "spec.service.namespace Required; spec.service.name Required; "
		 "spec.service.port Invalid"});
	MADE("apiregistration.k8s.io/v1/apiservices", local, "status.conditions[0].reason",
	     {NULL, NULL, "'Local'"}, {"spec.service", "{'name':'s','namespace':'n'}", ""});
}

static void slices_of_endpoints(void **state)
{
	static const char slice[] = "{" META "'addressType':'IPv4','endpoints':["
				    "{'addresses':['192.0.2.1']}]}";

	(void)state;
	CREATES("discovery.k8s.io/v1/endpointslices", slice,
		{"endpoints[0].hints",
		 "{'forZones':[{'name':'1'},{'name':'2'},{'name':'3'},{'name':'4'},{'name':'5'},"
		 "{'name':'6'},{'name':'7'},{'name':'8'},{'name':'9 '}],'forNodes':[{'name':'A'}]}",
		 "endpoints[0].hints.forZones TooMany"},
		{"endpoints[0].hints", "{'forZones':[{'name':'1 '}],'forNodes':[{'name':'A'}]}",
		 "endpoints[0].hints.forZones[0].name Invalid; "
		 "endpoints[0].hints.forNodes[0].name Invalid"});
	WARNS("discovery.k8s.io/v1/endpointslices", slice,
	      {"addressType", "'FQDN'", "spec.addressType: FQDN endpoints are deprecated"});
	UPDATE_WARNS("discovery.k8s.io/v1/endpointslices", slice, {"addressType", "'FQDN'", ""},
		     {"endpoints[0].addresses", "['2001:db8::0:1']",
		      "endpoints[0].addresses[0]: IPv6 address \"2001:db8::0:1\" should be in RFC "
		      "5952 canonical format (\"2001:db8::1\")"});
}

static void claims_of_devices(void **state)
{
#define DEVICE "'driver':'d','pool':'p','device':'x'"
	static const char claim[] =
		"{" META "'spec':{'devices':{'requests':[{'name':'r','exactly':{"
		"'deviceClassName':'c'}}]}},'status':{'allocation':{'devices':{'results':[{"
		"'request':'r'," DEVICE "}]}}}}";
	static const char told[] =
		"{" META "'spec':{'devices':{'requests':[{'name':'r','exactly':{"
		"'deviceClassName':'c'}}]}},'status':{'allocation':{'devices':{'results':[{"
		"'request':'r'," DEVICE "}]}},'devices':[{" DEVICE "}]}}";
	static const char template[] = "{" META "'spec':{'spec':{'devices':{'requests':[{'name':"
				       "'r','exactly':{'deviceClassName':'c'}}]}}}}";

	(void)state;
	CREATES("resource.k8s.io/v1/resourceclaims", claim,
		{"spec.devices.requests[0].exactly.tolerations",
		 "[{'operator':'Odd','value':'a b'}]",
		 "spec.devices.requests[0].exactly.tolerations[0].operator NotSupported"},
		{"spec.devices.requests[0].exactly.tolerations",
		 "[{'operator':'Equal','value':'a b'}]",
		 "spec.devices.requests[0].exactly.tolerations[0].value Invalid"});
	STATUS_UPDATES(
		"resource.k8s.io/v1/resourceclaims", claim,
		{"status.devices", "[{" DEVICE "}]", ""},
		{"status.devices", "[{'driver':'d','pool':'p','device':'y'}]",
		 "status.devices[0] Invalid"},
		{"status.devices", "[{" DEVICE "},{" DEVICE "}]", "status.devices[1] Duplicate"},
		{"status.devices", "[{" DEVICE ",'data':[],'shareID':'1'}]",
		 "status.devices[0].shareID Invalid; status.devices[0] Invalid; "
		 "status.devices[0].data Invalid"},
		{"status.devices",
		 "[{" DEVICE ",'networkData':{'ips':['192.0.2.1','192.0.2.1/24',"
		 "'192.0.2.1/24']}}]",
		 "status.devices[0].networkData.ips[0] Invalid; "
		 "status.devices[0].networkData.ips[2] Duplicate"});
	/* What is given up takes along what was said of it. */
	STATUS_UPDATES("resource.k8s.io/v1/resourceclaims", told, {"status.allocation", NULL, ""});
	UPDATES("resource.k8s.io/v1/resourceclaimtemplates", template,
		{"spec.spec.devices.requests[0].name", "'A'", "spec Invalid"});
}

static void shared_capacity(void **state)
{
#define CAPACITY "spec.devices[0].capacity[c]"
#define POLICY CAPACITY ".requestPolicy"
	static const char slice[] =
		"{'metadata':{'name':'x'},'spec':{'driver':'d','nodeName':'n','pool':{'name':'p',"
		"'resourceSliceCount':1},'devices':[{'name':'a','allowMultipleAllocations':true,"
		"'capacity':{'c':{'value':'10','requestPolicy':{'default':'2'}}}}]}}";

	(void)state;
	CREATES("resource.k8s.io/v1/resourceslices", slice,
		{POLICY ".validRange", "{'min':'2','max':'8','step':'3'}", ""},
		{POLICY ".validRange", "{'min':'2','max':'9','step':'3'}",
		 POLICY ".validRange.step Invalid"},
		{POLICY ".validRange", "{'min':'1','step':'10'}",
		 POLICY ".validRange.step Invalid"},
		{POLICY ".validValues", "['2','2']", POLICY ".validValues[1] Duplicate"},
		{POLICY ".validValues", "['1','2','3','4','5','6','7','8','9','10','10']",
		 POLICY ".validValues TooMany; " POLICY ".validValues Invalid"});
}

/* Of a refused value what Go's struct holds is told. */
static void values_are_told_as_go_has_them(void **state)
{
	static const struct {
		const char *what, *object, *says;
	} rows[] = {
		{"flowcontrol.apiserver.k8s.io/v1/flowschemas",
		 "{'spec':{'matchingPrecedence':9,'priorityLevelConfiguration':{'name':'l'},"
		 "'distinguisherMethod':{'type':'Odd'}}}",
		 "spec.distinguisherMethod.type: Unsupported value: {\"Type\":\"Odd\"}: supported "
		 "values: \"ByNamespace\", \"ByUser\""},
		{"flowcontrol.apiserver.k8s.io/v1/flowschemas",
		 "{'spec':{'matchingPrecedence':9,'priorityLevelConfiguration':{'name':'l'}},"
		 "'status':{'conditions':[{'type':'a'},{'type':'a'}]}}",
		 "status.conditions[1].type: Duplicate value: \"a\""},
		{"discovery.k8s.io/v1/endpointslices",
		 "{'addressType':'IPv4','endpoints':[{'addresses':['192.0.2.1'],'hints':{'forZones'"
		 ":["
		 "{},{}]}}]}",
		 "endpoints[0].hints.forZones[1].name: Duplicate value: \"\""},
	};
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *tree json_auto = rows_json(rows[i].object);
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
		const struct field root = field_root(tree, errors);
		const struct resource *r = rows_find(c, rows[i].what);
		char *text free_ptr = NULL;

		object_validate(&root, NULL, r, r, NULL);
		assert_int_equal(field_errors_count(errors), 1);
		text = field_errors_text(errors, 0);
		assert_string_equal(text, rows[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_and_flow),
		cmocka_unit_test(served_apis),
		cmocka_unit_test(slices_of_endpoints),
		cmocka_unit_test(claims_of_devices),
		cmocka_unit_test(shared_capacity),
		cmocka_unit_test(values_are_told_as_go_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
