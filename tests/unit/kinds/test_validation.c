/*
 * What each type refuses: an object that is right, one place of it changed, and the places that are
 * complained about. A table for each family of types.
 */
#include "rows.h"

static void metadata_of_any_type(void **state)
{
	static const char map[] = "{" META "'data':{'k':'v'}}";

	(void)state;
	CREATES("/v1/configmaps", map, {"metadata.name", NULL, "metadata.name Required"},
		{"metadata.name", "'A_b'", "metadata.name Invalid"},
		{"metadata.generateName", "'A-'", "metadata.generateName Invalid"},
		{"metadata.labels", "{'a b':'c'}", "metadata.labels Invalid"},
		{"metadata.labels", "{'a':'c d'}", "metadata.labels Invalid"},
		{"metadata.annotations", "{'a/b/c':''}", "metadata.annotations Invalid"},
		{"metadata.finalizers", "['own']", "metadata.finalizers[0] Invalid"},
		{"metadata.finalizers", "['example.com/own']", ""},
		{"metadata.ownerReferences",
		 "[{'apiVersion':'a/b/c','kind':'K','name':'n','uid':'u'}]",
		 "metadata.ownerReferences.apiVersion Invalid"},
		{"metadata.ownerReferences", "[{'apiVersion':'v1','kind':'K','name':'n'}]",
		 "metadata.ownerReferences.uid Invalid"});
	UPDATES("/v1/configmaps", map, {"metadata.name", "'y'", "metadata.name Invalid"},
		{"metadata.namespace", "'m'", "metadata.namespace Invalid"},
		{"metadata.labels", "{'a b':'c'}", "metadata.labels Invalid"});
	/* Types that leave metadata to what is checked of all. */
	CREATES("policy/v1/poddisruptionbudgets", "{" META "'spec':{}}",
		{"metadata.name", "'A_b'", ""}, {"metadata.name", "'a%b'", "metadata.name Invalid"},
		{"metadata.finalizers", "['own']", ""});
	CREATES("coordination.k8s.io/v1/leases", "{" META "'spec':{}}",
		{"metadata.finalizers", "['own']", ""},
		{"metadata.name", "'A_b'", "metadata.name Invalid"},
		{"spec.leaseDurationSeconds", "0", "spec.leaseDurationSeconds Invalid"},
		{"spec.leaseTransitions", "-1", "spec.leaseTransitions Invalid"});
}

static void how_often_an_update_is_checked(void **state)
{
	static const struct {
		const char *what, *object;
		size_t times;
	} rows[] = {
		{"apps/v1/deployments", WORKLOAD, 3},
		{"/v1/configmaps", "{" META "'data':{}}", 4},
		{"/v1/limitranges", "{" META "'spec':{'limits':[]}}", 3},
		{"policy/v1/poddisruptionbudgets", "{" META "'spec':{}}", 2},
	};
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row row = {"metadata.labels", "{'a b':'c'}", NULL};
		json_t *tree json_auto = rows_changed(rows[i].object, &row);
		json_t *old json_auto = rows_json(rows[i].object);
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
		struct field now = field_root(tree, errors), before = field_root(old, errors);

		object_validate_meta(&now, &before, rows_find(c, rows[i].what));
		if (field_errors_count(errors) != rows[i].times)
			fail_msg("%s: %zu", rows[i].what, field_errors_count(errors));
	}
}

static void core(void **state)
{
	(void)state;
	CREATES("/v1/pods", "{" META POD_SPEC "}",
		{"spec.containers", "[]", "spec.containers Required"},
		{"spec.containers[0].name", "'A'", "spec.containers[0].name Invalid"},
		{"spec.containers[0].image", NULL, "spec.containers[0].image Required"},
		{"spec.containers[0].ports", "[{'containerPort':70000}]",
		 "spec.containers[0].ports[0].containerPort Invalid"},
		{"spec.restartPolicy", "'Maybe'", "spec.restartPolicy NotSupported"},
		{"spec.volumes", "[{'name':'v'},{'name':'v'}]", "spec.volumes[1].name Duplicate"},
		/* Few of them are looked through, for many a map is made. */
		{"spec.schedulingGates",
		 "[{'name':'a'},{'name':'b'},{'name':'a'},{'name':'c'},{'name':'d'},{'name':'e'},"
		 "{'name':'f'},{'name':'g'},{'name':'h'},{'name':'i'},{'name':'b'},{'name':'i'},"
		 "{'name':'j'}]",
		 "spec.schedulingGates[2] Duplicate; spec.schedulingGates[10] Duplicate; "
		 "spec.schedulingGates[11] Duplicate"});
	CREATES("/v1/services", "{" META "'spec':{'ports':[{'port':80}]}}",
		{"spec.ports", "[]", "spec.ports Required"},
		{"spec.ports[0].port", "0",
		 "spec.ports[0].port Invalid; spec.ports[0].targetPort Invalid"},
		{"spec.type", "'Odd'", "spec.type NotSupported"},
		{"spec.sessionAffinity", "'Odd'", "spec.sessionAffinity NotSupported"});
	CREATES("/v1/configmaps", "{" META "'data':{'k':'v'}}",
		{"data", "{'a/b':'c'}", "data[a/b] Invalid"},
		{"binaryData", "{'k':'eA=='}", "data[k] Invalid"});
	UPDATES("/v1/configmaps", "{" META "'data':{'k':'v'},'immutable':true}",
		{"data.k", "'w'", "data Forbidden"}, {"immutable", "false", "immutable Forbidden"});
	UPDATES("/v1/secrets", "{" META "'type':'Opaque'}", {"type", "'other'", "type Invalid"});
	CREATES("/v1/persistentvolumes",
		"{'metadata':{'name':'x'},'spec':{'capacity':{'storage':'1Gi'},"
		"'accessModes':['ReadWriteOnce'],'hostPath':{'path':'/x'}}}",
		{"spec.accessModes", "[]", "spec.accessModes Required"},
		{"spec.hostPath", NULL, "spec Required"},
		{"spec.hostPath.path", "'/a/../b'", "spec.hostPath.path Invalid"});
	CREATES("/v1/limitranges", "{" META "'spec':{'limits':[{'type':'Pod'}]}}",
		{"spec.limits[0].max", "{'cpu':'1'}", ""},
		{"spec.limits[0].default", "{'cpu':'1'}", "spec.limits[0].default Forbidden"});
}

static void apps_and_batch(void **state)
{
	static const char job[] =
		"{" META "'spec':{'manualSelector':true,'selector':{'matchLabels':"
		"{'a':'b'}},'template':{'metadata':{'labels':{'a':'b'}},'spec':{"
		"'containers':[{'name':'c','image':'i'}],'restartPolicy':'Never'"
		"}}}}";

	(void)state;
	CREATES("apps/v1/deployments", WORKLOAD, {"spec.replicas", "-1", "spec.replicas Invalid"},
		{"spec.selector", NULL,
		 "spec.selector Required; spec.template.metadata.labels Invalid"},
		{"spec.selector.matchLabels.a", "'c'", "spec.template.metadata.labels Invalid"},
		{"spec.strategy.type", "'Odd'", "spec.strategy NotSupported"},
		{"spec.template.spec.restartPolicy", "'Never'",
		 "spec.template.spec.restartPolicy NotSupported"});
	UPDATES("apps/v1/replicasets", WORKLOAD, {"spec.replicas", "3", ""});
	CREATES("apps/v1/daemonsets", WORKLOAD,
		{"spec.updateStrategy",
		 "{'type':'RollingUpdate','rollingUpdate':{"
		 "'maxUnavailable':0,'maxSurge':0}}",
		 "spec.updateStrategy.rollingUpdate.maxUnavailable Required"});
	CREATES("batch/v1/jobs", job, {"spec.completions", "-1", "spec.completions Invalid"},
		{"spec.parallelism", "-1", "spec.parallelism Invalid"},
		{"spec.template.spec.restartPolicy", "'Always'",
		 "spec.template.spec.restartPolicy Required"});
	UPDATES("batch/v1/jobs", job,
		{"spec.completionMode", "'Indexed'", "spec.completionMode Invalid"});
}

static void storage(void **state)
{
	static const char class[] = "{'metadata':{'name':'x'},'provisioner':'p.example.com'}";
	static const char attributes[] = "{'metadata':{'name':'x'},'driverName':'d','parameters':"
					 "{'a':'b'}}";

	(void)state;
	CREATES("storage.k8s.io/v1/storageclasses", class,
		{"provisioner", NULL, "provisioner Required"},
		{"provisioner", "'a b'", "provisioner Invalid"},
		{"reclaimPolicy", "'Odd'", "reclaimPolicy NotSupported"});
	UPDATES("storage.k8s.io/v1/storageclasses", class,
		{"provisioner", "'q.example.com'", "provisioner Invalid"},
		{"parameters", "{'a':'b'}", "parameters Invalid"});
	UPDATES("storage.k8s.io/v1/volumeattributesclasses", attributes,
		{"driverName", "'e'", "driverName Forbidden"},
		{"parameters.a", "'c'", "parameters Forbidden"});
	CREATES("storage.k8s.io/v1/csinodes",
		"{'metadata':{'name':'x'},'spec':{'drivers':[{'name':'d','nodeID':'n'}]}}",
		{"spec.drivers[0].name", "''", "spec.drivers[0].name Required"},
		{"spec.drivers[0].nodeID", "''", "spec.drivers[0].nodeID Required"});
}

static void networking_and_discovery(void **state)
{
	(void)state;
	CREATES("networking.k8s.io/v1/networkpolicies", "{" META "'spec':{'podSelector':{}}}",
		{"spec.policyTypes", "['Odd']", "spec.policyTypes[0] NotSupported"},
		{"spec.ingress", "[{'from':[{'ipBlock':{'cidr':'x'}}]}]",
		 "spec.ingress[0].from[0].ipBlock.cidr Invalid"},
		{"spec.ingress", "[{'from':[{'ipBlock':{}}]}]",
		 "spec.ingress[0].from[0].ipBlock.cidr Required"});
	CREATES("networking.k8s.io/v1/ipaddresses",
		"{'metadata':{'name':'192.0.2.1'},'spec':{'parentRef':{'resource':'services',"
		"'name':'s'}}}",
		{"metadata.name", "'192.0.2.01'", "metadata.name Invalid"},
		{"spec.parentRef", NULL, "spec.parentRef Required"},
		{"spec.parentRef.name", "''", "spec.parentRef.name Required"});
	CREATES("discovery.k8s.io/v1/endpointslices",
		"{" META "'addressType':'IPv4','endpoints':[{'addresses':['192.0.2.1']}]}",
		{"endpoints[0].addresses", "[]", "endpoints[0].addresses Required"},
		{"endpoints[0].addresses", "['x']", "endpoints[0].addresses[0] Invalid"});
}

#define REQUESTS "{'requests':[{'name':'r','exactly':{'deviceClassName':'c'}}]}"

static void devices(void **state)
{
	static const char claim[] = "{" META "'spec':{'devices':" REQUESTS "}}";
	static const char template[] = "{" META "'spec':{'spec':{'devices':" REQUESTS "}}}";
	static const char class[] = "{'metadata':{'name':'x'},'spec':{}}";

	(void)state;
	CREATES("resource.k8s.io/v1/resourceclaims", claim,
		{"spec.devices.requests[0].name", "'A'", "spec.devices.requests[0].name Invalid"},
		{"spec.devices.requests[0].exactly", NULL, "spec.devices.requests[0] Required"},
		{"spec.devices.requests[0].exactly.deviceClassName", "''",
		 "spec.devices.requests[0].exactly.deviceClassName Required"},
		{"spec.devices.requests[0].exactly.allocationMode", "'Odd'",
		 "spec.devices.requests[0].exactly.allocationMode NotSupported"},
		{"spec.devices.requests[0].exactly.count", "-1",
		 "spec.devices.requests[0].exactly.count Invalid"},
		{"spec.devices.requests[0].exactly.selectors", "[{}]",
		 "spec.devices.requests[0].exactly.selectors[0].cel Required"},
		{"spec.devices.requests[0].exactly.selectors",
		 "[{'cel':{'expression':'device.attributes[\\'d\\'].model == \\'m\\''}}]", ""},
		{"spec.devices.requests[0].exactly.selectors",
		 "[{'cel':{'expression':'device.driver'}}]",
		 "spec.devices.requests[0].exactly.selectors[0].cel.expression Invalid"},
		{"spec.devices.requests[0].exactly.selectors",
		 "[{'cel':{'expression':'device.nothing'}}]",
		 "spec.devices.requests[0].exactly.selectors[0].cel.expression Invalid"},
		{"spec.devices.config",
		 "[{'requests':['q'],'opaque':{'driver':'d','parameters':{}}}]",
		 "spec.devices.config[0].requests[0] Invalid"},
		{"spec.devices.config", "[{'opaque':{'driver':'','parameters':[]}}]",
		 "spec.devices.config[0].opaque.driver Required; "
		 "spec.devices.config[0].opaque.parameters Invalid"},
		{"spec.devices.constraints", "[{'matchAttribute':'model'}]",
		 "spec.devices.constraints[0].matchAttribute Invalid"});
	UPDATES("resource.k8s.io/v1/resourceclaims", claim,
		{"spec.devices.requests[0].exactly.deviceClassName", "'d'", "spec Invalid"});
	CREATES("resource.k8s.io/v1/resourceclaimtemplates", template,
		{"spec.metadata", "{'name':'x'}", "spec.metadata.name Forbidden"},
		{"spec.spec.devices.requests[0].exactly.allocationMode", "'All'", ""});
	CREATES("resource.k8s.io/v1/deviceclasses", class,
		{"spec.extendedResourceName", "'cpu'", "spec.extendedResourceName Invalid"},
		{"spec.selectors", "[{}]", "spec.selectors[0].cel Required"});
}

static void slices(void **state)
{
	static const char slice[] = "{'metadata':{'name':'x'},'spec':{'driver':'d','nodeName':'n',"
				    "'pool':{'name':'p','generation':1,'resourceSliceCount':1},"
				    "'devices':[{'name':'a','attributes':{'m':{'string':'s'}}}]}}";

	(void)state;
	CREATES("resource.k8s.io/v1/resourceslices", slice,
		{"spec.nodeName", NULL, "spec Required"}, {"spec.allNodes", "true", "spec Invalid"},
		{"spec.pool.name", "''", "spec.pool.name Required"},
		{"spec.pool.resourceSliceCount", "0", "spec.pool.resourceSliceCount Invalid"},
		{"spec.devices[0].name", "'A'", "spec.devices[0].name Invalid"},
		{"spec.devices", "[{'name':'a'},{'name':'a'}]", "spec.devices[1] Duplicate"},
		{"spec.devices[0].nodeName", "'n'", "spec.devices[0] Invalid"},
		{"spec.devices[0].attributes", "{'m':{}}", "spec.devices[0].attributes[m] Invalid"},
		{"spec.devices[0].attributes", "{'m':{'version':'1.0'}}",
		 "spec.devices[0].attributes[m].version Invalid"},
		{"spec.devices[0].attributes", "{'m':{'version':'1.0.0-rc.1+b.7'}}", ""},
		{"spec.devices[0].attributes", "{'d/':{'int':1}}",
		 "spec.devices[0].attributes Invalid"},
		{"spec.devices[0].capacity", "{'c':{'value':'1','requestPolicy':{}}}",
		 "spec.devices[0].capacity[c].requestPolicy Forbidden"},
		{"spec.devices[0].taints", "[{'key':'k','effect':'Odd'}]",
		 "spec.devices[0].taints[0].effect NotSupported"},
		{"spec.devices[0].bindingConditions", "['c']",
		 "spec.devices[0].bindingFailureConditions Invalid"});
	UPDATES("resource.k8s.io/v1/resourceslices", slice,
		{"spec.driver", "'e'", "spec.driver Invalid"},
		{"spec.pool.name", "'q'", "spec.pool.name Invalid"});
}

static void policies_and_classes(void **state)
{
	static const char class[] = "{'metadata':{'name':'x'},'handler':'h'}";

	(void)state;
	CREATES("policy/v1/poddisruptionbudgets", "{" META "'spec':{'minAvailable':1}}",
		{"spec.minAvailable", "-1", "spec.minAvailable Invalid"},
		{"spec.maxUnavailable", "1", "spec Invalid"});
	CREATES("scheduling.k8s.io/v1/priorityclasses", "{'metadata':{'name':'x'},'value':1}",
		{"value", "2000000000", "value Forbidden"},
		{"preemptionPolicy", "'Odd'", "preemptionPolicy NotSupported"});
	CREATES("node.k8s.io/v1/runtimeclasses", class, {"handler", "'A'", "handler Invalid"},
		{"handler", "''", "handler Required"});
	UPDATES("node.k8s.io/v1/runtimeclasses", class, {"handler", "'i'", "handler Invalid"});
	CREATES("autoscaling/v2/horizontalpodautoscalers",
		"{" META "'spec':{'maxReplicas':2,'scaleTargetRef':{'apiVersion':'apps/"
		"v1','kind':'K','name':'n'}}}",
		{"spec.maxReplicas", "0", "spec.maxReplicas Required; spec.maxReplicas Invalid"},
		{"spec.scaleTargetRef.name", "''", "spec.scaleTargetRef.name Required"});
	CREATES("apiextensions.k8s.io/v1/customresourcedefinitions",
		"{'metadata':{'name':'as.example.com'},'spec':{'group':'example.com','scope':"
		"'Cluster','names':{'plural':'as','singular':'a','kind':'A','listKind':'AList'},"
		"'versions':[{'name':'v1','served':true,'storage':true,'schema':{"
		"'openAPIV3Schema':{'type':'object'}}}]},'status':{'storedVersions':['v1']}}",
		{"spec.scope", "'Odd'", "spec.scope NotSupported"},
		{"spec.versions", "[]", "spec.versions Invalid; status.storedVersions[0] Invalid"});
}

/* What a server takes and does not keep, or keeps without saying so. */
static void decoding(void **state)
{
	static const struct {
		const char *what, *sent, *kept; /* NULL: it is refused */
	} rows[] = {
		{"/v1/pods", "{'spec':{'activeDeadlineSeconds':5.0}}", NULL},
		{"/v1/pods", "{'spec':{'priority':2147483648}}", NULL},
		{"policy/v1/poddisruptionbudgets", "{'spec':{'minAvailable':2147483648}}", NULL},
		{"policy/v1/poddisruptionbudgets", "{'spec':{'minAvailable':1.0}}", NULL},
		{"coordination.k8s.io/v1/leases", "{'spec':{'renewTime':'2026-11-23T20:30:00Z'}}",
		 NULL},
		{"/v1/pods", "{'spec':{'hostIPC':false,'nodeName':'','schedulingGroup':{}}}",
		 "{\"spec\":{}}"},
		{"/v1/pods", "{'spec':{'automountServiceAccountToken':false,'priority':0}}",
		 "{\"spec\":{\"automountServiceAccountToken\":false,\"priority\":0}}"},
		{"/v1/configmaps", "{'data':{},'immutable':null}", "{}"},
		{"/v1/configmaps", "{'data':{'a':null}}", "{\"data\":{\"a\":\"\"}}"},
		{"/v1/limitranges", "{'spec':{'limits':[{'type':'Pod','max':{'cpu':null}}]}}",
		 "{\"spec\":{\"limits\":[{\"max\":{\"cpu\":\"0\"},\"type\":\"Pod\"}]}}"},
		{"/v1/limitranges",
		 "{'spec':{'limits':[{'type':'Pod','max':{'cpu':0.1,'memory':1e3,'a':0.3}}]}}",
		 "{\"spec\":{\"limits\":[{\"max\":{\"a\":\"300m\",\"cpu\":\"100m\",\"memory\":"
		 "\"1k\"},\"type\":\"Pod\"}]}}"},
		{"coordination.k8s.io/v1/leases",
		 "{'spec':{'renewTime':'2026-11-23T20:30:00.500000+02:30'}}",
		 "{\"spec\":{\"renewTime\":\"2026-11-23T18:00:00.500000Z\"}}"},
		{"batch/v1/jobs", "{'status':{'startTime':'2026-11-23T20:30:00.5+02:30'}}",
		 "{\"status\":{\"startTime\":\"2026-11-23T18:00:00Z\"}}"},
		{"batch/v1/jobs", "{'status':{'startTime':'0001-01-01T00:00:00Z'}}",
		 "{\"status\":{}}"},
		{"storage.k8s.io/v1/csinodes", "{'spec':{'drivers':[]}}",
		 "{\"spec\":{\"drivers\":[]}}"},
	};
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *tree json_auto = rows_json(rows[i].sent);
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
		struct error *e CLEANUP(error_free_cleanup) = NULL;
		struct str got CLEANUP(str_release) = STR_INIT;

		assert_int_equal(
			object_check_schema(tree, rows_find(c, rows[i].what), NULL, errors, &e),
			rows[i].kept ? 0 : -1);
		if (!rows[i].kept)
			continue;
		json_write(tree, &got);
		assert_string_equal(got.s, rows[i].kept);
	}
}

/* What is right and warned of all the same. */
static void what_is_warned_of(void **state)
{
	static const struct {
		const char *what, *object;
		bool update;
		const char *want; /* NULL: nothing */
	} rows[] = {
		{"networking.k8s.io/v1/networkpolicies",
		 "{'spec':{'ingress':[{'from':[{'ipBlock':{'cidr':'2001:DB8::/32'}}]}]}}", true,
		 "spec.ingress[0].from[0].ipBlock.cidr: IPv6 CIDR value \"2001:DB8::/32\" should "
		 "be "
		 "in RFC 5952 canonical format (\"2001:db8::/32\")"},
		{"networking.k8s.io/v1/networkpolicies",
		 "{'spec':{'egress':[{'to':[{'ipBlock':{'cidr':'10.0.0.0/8'}}]}]}}", false, NULL},
		{"networking.k8s.io/v1/ingresses",
		 "{'metadata':{'annotations':{'kubernetes.io/ingress.class':'a'}},'spec':{}}",
		 false,
		 "annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
		 "'spec.ingressClassName' instead"},
		{"networking.k8s.io/v1/ingresses",
		 "{'metadata':{'annotations':{'kubernetes.io/ingress.class':'a'}},'spec':{"
		 "'ingressClassName':'a'}}",
		 false, NULL},
		{"discovery.k8s.io/v1/endpointslices",
		 "{'addressType':'IPv6','endpoints':[{'addresses':['::A']}]}", true,
		 "endpoints[0].addresses[0]: IPv6 address \"::A\" should be in RFC 5952 canonical "
		 "format (\"::a\")"},
		{"discovery.k8s.io/v1/endpointslices", "{'addressType':'FQDN'}", false,
		 "spec.addressType: FQDN endpoints are deprecated"},
		{"discovery.k8s.io/v1/endpointslices", "{'addressType':'FQDN'}", true, NULL},
		{"resource.k8s.io/v1/resourceslices", "{'spec':{'driver':'Gpu.example.com'}}", true,
		 "spec.driver: driver names should be lowercase; \"Gpu.example.com\" contains "
		 "uppercase characters"},
		{"storage.k8s.io/v1/csistoragecapacities",
		 "{'nodeTopology':{'matchLabels':{'beta.kubernetes.io/os':'linux'}}}", false,
		 "nodeTopology.matchLabels.beta.kubernetes.io/os: deprecated since v1.14; use "
		 "\"kubernetes.io/os\" instead"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct row row = {.want = rows[i].want ? rows[i].want : ""};

		rows_warn(rows[i].what, rows[i].object, &row, 1,
			  rows[i].update ? ROW_UPDATE : ROW_CREATE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata_of_any_type),
		cmocka_unit_test(how_often_an_update_is_checked),
		cmocka_unit_test(core),
		cmocka_unit_test(apps_and_batch),
		cmocka_unit_test(storage),
		cmocka_unit_test(networking_and_discovery),
		cmocka_unit_test(devices),
		cmocka_unit_test(slices),
		cmocka_unit_test(policies_and_classes),
		cmocka_unit_test(decoding),
		cmocka_unit_test(what_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
