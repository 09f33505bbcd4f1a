/* Admission policies, through the local cluster. */
#include "local_fixture.h"

#include "base/str.h"
#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RULES(groups, resources, operations)                        \
	"'matchConstraints':{'resourceRules':[{'apiGroups':" groups \
	",'apiVersions':['*'],'operations':" operations ",'resources':" resources "}]}"
#define CONFIG_MAPS RULES("['']", "['configmaps']", "['CREATE','UPDATE','DELETE']")
#define POLICY(name, rest) "{'metadata':{'name':'" name "'},'spec':{" CONFIG_MAPS "," rest "}}"
#define BINDING(name, policy, rest) \
	"{'metadata':{'name':'" name "'},'spec':{'policyName':'" policy "'" rest "}}"
#define DENY ",'validationActions':['Deny']"
#define MAP(name, rest) "{'metadata':{'name':'" name "'}" rest "}"

static struct local_fixture f;

static int setup(void **state)
{
	fixture_open(&f, NULL);
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'n','labels':{'team':'a'}}}");
	return 0;
}

static int teardown(void **state)
{
	fixture_close(&f);
	return 0;
}

/* JSON with ' for ", in which expressions have ` for their own. */
static char *with_quotes(const char *text)
{
	struct str s = STR_INIT;

	for (; *text; text++)
		if (*text == '`')
			str_adds(&s, "\\u0022");
		else
			str_addc(&s, *text);
	return str_take(&s);
}

static void make(const char *type, const char *text)
{
	char *json free_ptr = with_quotes(text);

	fixture_make(&f, type, "", json);
}

static void policy(const char *text)
{
	make("validatingadmissionpolicies", text);
}

static void bind(const char *text)
{
	fixture_make(&f, "validatingadmissionpolicybindings", "", text);
}

static void accepted(const char *text)
{
	fixture_make(&f, "configmaps", "n", text);
}

static void refused(const char *text, const char *message)
{
	fixture_refused(&f, "configmaps", "n", text, message);
}

#define DENIED(name, why)                                                           \
	"configmaps \"" name "\" is forbidden: ValidatingAdmissionPolicy 'p' with " \
	"binding 'b' denied request: " why

/* One expression over a request to create CONFIG_MAP: what is said when it does not hold. */
static const struct {
	const char *expression; /* and what follows it in the validation */
	const char *config_map;
	const char *refusal; /* NULL: it holds */
} cases[] = {
	{"'has(object.data) && object.data.ok == `1`'", MAP("c", ",'data':{'ok':'1'}"), NULL},
	{"'has(object.data)'", MAP("c", ""), DENIED("c", "failed expression: has(object.data)")},
	{"'has(object.data)','message':'data, please'", MAP("c", ""), DENIED("c", "data, please")},
	{"'false','messageExpression':'object.metadata.name + ` is bad`'", MAP("c", ""),
	 DENIED("c", "c is bad")},
	{"'false','messageExpression':'`a\\\\nb`','message':'m'", MAP("c", ""), DENIED("c", "m")},
	{"'oldObject == null && request.operation == `CREATE`'", MAP("c", ""), NULL},
	{"'request.userInfo.username == `admin` && request.name == `c`'", MAP("c", ""), NULL},
	{"'request.namespace == `n` && request.resource.resource == `configmaps`'", MAP("c", ""),
	 NULL},
	{"'!has(request.subResource) && request.requestKind.kind == `ConfigMap`'", MAP("c", ""),
	 NULL},
	{"'request.options.kind == `CreateOptions` && !request.dryRun'", MAP("c", ""), NULL},
	{"'namespaceObject.metadata.labels.team == `a`'", MAP("c", ""), NULL},
	{"'authorizer.group(``).resource(`pods`).namespace(`n`).check(`get`)."
	 "allowed()'",
	 MAP("c", ""), NULL},
	{"'authorizer.requestResource.check(`create`).allowed()'", MAP("c", ""), NULL},
	{"'authorizer.serviceAccount(`n`, `robot`).path(`/x`).check(`get`)."
	 "allowed()'",
	 MAP("c", ""),
	 DENIED("c", "failed expression: authorizer.serviceAccount(\"n\", \"robot\").path(\"/x\")."
		     "check(\"get\").allowed()")},
	{"'has(oldObject.metadata) || oldObject.?metadata.hasValue()'", MAP("c", ""),
	 DENIED("c", "failed expression: has(oldObject.metadata) || "
		     "oldObject.?metadata.hasValue()")},
	{"'oldObject.metadata.name == `c`'", MAP("c", ""),
	 DENIED("c", "expression 'oldObject.metadata.name == \"c\"' resulted in error: no such "
		     "key: metadata")},
	{"'oldObject[`data`] == `c`'", MAP("c", ""),
	 DENIED("c", "expression 'oldObject[\"data\"] == \"c\"' resulted in error: no such key: "
		     "data")},
	{"'object.?data[`a`] == optional.of(`1`) && object.metadata.?labels[`x`] == "
	 "optional.none()'",
	 MAP("c", ",'data':{'a':'1'}"), NULL},
	{"'object.data.none == `1`'", MAP("c", ",'data':{'ok':'1'}"),
	 DENIED("c",
		"expression 'object.data.none == \"1\"' resulted in error: no such key: none")},
};

static void test_validations(void **state)
{
	bind(BINDING("b", "p", DENY));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text free_ptr = xasprintf(POLICY("p", "'validations':[{'expression':%s}]"),
						cases[i].expression);
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		json_t *made json_auto = NULL;

		policy(text);
		made = fixture_create(&f, "configmaps", "n", cases[i].config_map, &err);
		if (cases[i].refusal)
			assert_string_equal(error_message(err), cases[i].refusal);
		else if (err)
			fail_msg("%s: %s", cases[i].expression, error_message(err));
		assert_int_equal(cluster_delete(f.cluster, NULL,
						fixture_type(&f, "validatingadmissionpolicies"), "",
						"p", NULL, NULL, NULL, NULL),
				 0);
		if (made)
			cluster_delete(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", "c",
				       NULL, NULL, NULL, NULL);
	}
}

static void test_status(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct error *other CLEANUP(error_free_cleanup) = NULL;
	json_t *none json_auto = NULL;
	json_t *neither json_auto = NULL;

	policy(POLICY("p", "'validations':[{'expression':'has(object.data)'},{'expression':"
			   "'has(object.binaryData)','reason':'Forbidden'}]"));
	bind(BINDING("b", "p", DENY));
	none = fixture_create(&f, "configmaps", "n", MAP("c", ""), &err);
	assert_null(none);
	assert_int_equal(error_http_status(err), 422);
	assert_string_equal(error_reason(err), "Invalid");
	assert_int_equal(err->n_causes, 1);
	assert_string_equal(err->name, "c");
	neither = fixture_create(&f, "configmaps", "n", MAP("c", ",'data':{'a':'1'}"), &other);
	assert_null(neither);
	assert_int_equal(error_http_status(other), 403);
	assert_string_equal(error_reason(other), "Forbidden");
}

static void test_actions(void **state)
{
	policy(POLICY("p",
		      "'validations':[{'expression':'has(object.data)','message':'no data'}]"));
	bind(BINDING("b", "p", ",'validationActions':['Warn','Audit']"));
	accepted(MAP("c", ""));
	assert_int_equal(f.warnings.n, 1);
	assert_string_equal(f.warnings.v[0],
			    "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': "
			    "no data");
}

static void test_audit(void **state)
{
	policy(POLICY("p",
		      "'validations':[{'expression':'has(object.data)','message':'no data'}],"
		      "'auditAnnotations':[{'key':'who','valueExpression':"
		      "'string(object.metadata.name)'},{'key':'not','valueExpression':'null'}]"));
	bind(BINDING("b", "p", ",'validationActions':['Audit']"));
	accepted(MAP("c", ""));
	assert_int_equal(f.annotations.n, 2);
	assert_string_equal(f.annotations.v[0].key,
			    "validation.policy.admission.k8s.io/validation_failure");
	assert_string_equal(f.annotations.v[0].value,
			    "[{\"message\":\"no data\",\"policy\":\"p\",\"binding\":\"b\","
			    "\"expressionIndex\":0,\"validationActions\":[\"Audit\"]}]");
	assert_string_equal(f.annotations.v[1].key, "p/who");
	assert_string_equal(f.annotations.v[1].value, "c");
}

static void test_matching(void **state)
{
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'other'}}");
	policy(POLICY("p", "'validations':[{'expression':'false'}]"));
	accepted(MAP("unbound", ""));
	bind(BINDING("b", "p",
		     DENY
		     ",'matchResources':{'namespaceSelector':{'matchLabels':{'team':'a'}},"
		     "'objectSelector':{'matchLabels':{'strict':'yes'}},"
		     "'excludeResourceRules':[{'apiGroups':[''],'apiVersions':['v1'],"
		     "'operations':['*'],'resources':['configmaps'],'resourceNames':['free']}]}"));
	accepted(MAP("c", ""));
	fixture_make(&f, "configmaps", "other",
		     "{'metadata':{'name':'c','labels':{'strict':'yes'}}}");
	accepted("{'metadata':{'name':'free','labels':{'strict':'yes'}}}");
	refused("{'metadata':{'name':'d','labels':{'strict':'yes'}}}",
		DENIED("d", "failed expression: false"));
	fixture_make(&f, "secrets", "n", "{'metadata':{'name':'s','labels':{'strict':'yes'}}}");
}

static void test_conditions(void **state)
{
	policy(POLICY("p", "'matchConditions':[{'name':'one','expression':'object.metadata.name != "
			   "`c`'}],'validations':[{'expression':'false'}]"));
	bind(BINDING("b", "p", DENY));
	accepted(MAP("c", ""));
	refused(MAP("d", ""), DENIED("d", "failed expression: false"));
}

/* A false condition decides, whatever the others fail with; failures go by the policy. */
static void test_failing_conditions(void **state)
{
	policy(POLICY("p", "'matchConditions':[{'name':'a','expression':'object.data.x == `1`'},"
			   "{'name':'b','expression':'object.metadata.name != `skip`'}],"
			   "'validations':[{'expression':'false'}]"));
	bind(BINDING("b", "p", DENY));
	accepted(MAP("skip", ""));
	refused(MAP("d", ",'data':{'y':'1'}"),
		DENIED("d", "expression 'object.data.x == \"1\"' resulted in error: no such key: "
			    "x"));
	json_t *changed json_auto = fixture_patch(&f, "validatingadmissionpolicies", "", "p", NULL,
						  "{'spec':{'failurePolicy':'Ignore'}}", NULL);
	assert_non_null(changed);
	accepted(MAP("d", ",'data':{'y':'1'}"));
}

static void test_variables(void **state)
{
	policy(POLICY("p",
		      "'variables':[{'name':'size','expression':'has(object.data) ? "
		      "object.data.size() : 0'},{'name':'twice','expression':'variables.size * 2'},"
		      "{'name':'broken','expression':'object.none.none'}],"
		      "'validations':[{'expression':'variables.twice < 4 || variables.broken'}]"));
	bind(BINDING("b", "p", DENY));
	accepted(MAP("c", ",'data':{'a':'1'}"));
	refused(MAP("d", ",'data':{'a':'1','b':'2'}"),
		DENIED("d", "expression 'variables.twice < 4 || variables.broken' resulted in "
			    "error: composited variable \"broken\" fails to evaluate: no such key: "
			    "none"));
}

static void test_params(void **state)
{
	policy(POLICY("p", "'paramKind':{'apiVersion':'v1','kind':'ConfigMap'},"
			   "'matchConditions':[{'name':'a','expression':"
			   "'!has(object.metadata.labels)'}],"
			   "'validations':[{'expression':'object.metadata.name != "
			   "params.data.bad','messageExpression':'`not ` + params.data.bad'}]"));
	accepted("{'metadata':{'name':'one','labels':{'limit':'yes'}},'data':{'bad':'x'}}");
	accepted("{'metadata':{'name':'two','labels':{'limit':'yes'}},'data':{'bad':'y'}}");
	bind(BINDING("b", "p", DENY ",'paramRef':{'name':'one','parameterNotFoundAction':'Deny'}"));
	accepted(MAP("y", ""));
	refused(MAP("x", ""), DENIED("x", "not x"));
	bind(BINDING("c", "p",
		     DENY ",'paramRef':{'selector':{'matchLabels':{'limit':'yes'}},"
			  "'namespace':'n','parameterNotFoundAction':'Allow'}"));
	refused(MAP("y", ""), "configmaps \"y\" is forbidden: ValidatingAdmissionPolicy 'p' with "
			      "binding 'c' denied request: not y");
}

static void test_missing_params(void **state)
{
	policy(POLICY("p", "'paramKind':{'apiVersion':'v1','kind':'ConfigMap'},"
			   "'validations':[{'expression':'false'}]"));
	bind(BINDING("b", "p",
		     DENY ",'paramRef':{'name':'none','parameterNotFoundAction':"
			  "'Allow'}"));
	accepted(MAP("c", ""));
	bind(BINDING("c", "p",
		     DENY ",'paramRef':{'name':'none','parameterNotFoundAction':"
			  "'Deny'}"));
	refused(MAP("d", ""),
		"configmaps \"d\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'c' "
		"denied request: failed to configure binding: no params found for policy binding "
		"with `Deny` parameterNotFoundAction");
}

static void test_unknown_params(void **state)
{
	policy(POLICY("p", "'paramKind':{'apiVersion':'example.com/v1','kind':'Limit'},"
			   "'validations':[{'expression':'params.max > 1'}]"));
	bind(BINDING("b", "p", DENY ",'paramRef':{'name':'l','parameterNotFoundAction':'Deny'}"));
	refused(MAP("c", ""),
		"configmaps \"c\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: "
		"failed to configure policy: failed to find resource referenced by paramKind: "
		"'example.com/v1, Kind=Limit'");
}

static void test_deletion(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	policy(POLICY("p", "'validations':[{'expression':'request.operation != `DELETE` || "
			   "(object == null && oldObject.metadata.name != `keep`)'}]"));
	bind(BINDING("b", "p", DENY));
	accepted(MAP("keep", ""));
	accepted(MAP("go", ""));
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", "go",
					NULL, NULL, NULL, NULL),
			 0);
	assert_true(cluster_delete(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", "keep",
				   NULL, NULL, NULL, &err) < 0);
	assert_int_equal(error_code(err), E_INVALID);
}

/* What the rule names decides of the version in which the policy sees the object. */
static void test_equivalent(void **state)
{
	policy("{'metadata':{'name':'p'},'spec':{'matchConstraints':{'resourceRules':[{"
	       "'apiGroups':['autoscaling'],'apiVersions':['v1'],'operations':['CREATE'],"
	       "'resources':['horizontalpodautoscalers']}]},'validations':[{'expression':"
	       "'object.apiVersion != `autoscaling/v1` || request.resource.version != `v1` || "
	       "request.requestResource.version != `v2` || "
	       "object.spec.targetCPUUtilizationPercentage < 50'}]}}");
	bind(BINDING("b", "p", DENY));
	fixture_refused(&f, "horizontalpodautoscalers", "n",
			"{'metadata':{'name':'h'},'spec':{'maxReplicas':3,'scaleTargetRef':{"
			"'kind':'Deployment','name':'d','apiVersion':'apps/v1'},'metrics':[{"
			"'type':'Resource','resource':{'name':'cpu','target':{'type':"
			"'Utilization','averageUtilization':60}}}]}}",
			"horizontalpodautoscalers.autoscaling \"h\" is forbidden: "
			"ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed "
			"expression: object.apiVersion != \"autoscaling/v1\" || "
			"request.resource.version != \"v1\" || request.requestResource.version != "
			"\"v2\" || object.spec.targetCPUUtilizationPercentage < 50");
}

/* Policies decide of everything but of policies. */
static void test_exempt(void **state)
{
	policy("{'metadata':{'name':'p'},'spec':{" RULES(
		"['*']", "['*']", "['*']") ",'validations':[{'expression':'false'}]}}");
	bind(BINDING("b", "p", DENY));
	refused(MAP("c", ""), DENIED("c", "failed expression: false"));
	fixture_make(&f, "selfsubjectreviews", "", "{}");
	fixture_refused(&f, "validatingwebhookconfigurations", "", "{'metadata':{'name':'w'}}",
			"validatingwebhookconfigurations.admissionregistration.k8s.io \"w\" is "
			"forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
			"failed expression: false");
	assert_int_equal(cluster_delete(f.cluster, NULL,
					fixture_type(&f, "validatingadmissionpolicybindings"), "",
					"b", NULL, NULL, NULL, NULL),
			 0);
	accepted(MAP("c", ""));
}

static void test_budget(void **state)
{
	policy(POLICY("p", "'variables':[{'name':'l','expression':"
			   "'[1,2,3,4,5,6,7,8,9,10]'}],'validations':[{'expression':"
			   "'variables.l.all(a, variables.l.all(b, variables.l.all(c, "
			   "variables.l.all(d, variables.l.all(e, variables.l.all(f, "
			   "a + b + c + d + e + f > 0))))))'}]"));
	bind(BINDING("b", "p", DENY));
	refused(MAP("c", ""),
		DENIED("c", "expression 'variables.l.all(a, variables.l.all(b, variables.l.all(c, "
			    "variables.l.all(d, variables.l.all(e, variables.l.all(f, a + b + c + "
			    "d + e + f > 0))))))' resulted in error: operation cancelled: actual "
			    "cost limit exceeded"));
}

/* What is no expression, or results in something else, is refused where it stands. */
static const struct {
	const char *spec, *field, *says;
} broken[] = {
	{"'validations':[{'expression':'object.'}]", "spec.validations[0].expression",
	 "compilation failed: ERROR"},
	{"'validations':[{'expression':'1'}]", "spec.validations[0].expression",
	 "must evaluate to bool but got int"},
	{"'validations':[{'expression':'params.x == 1'}]", "spec.validations[0].expression",
	 "undeclared reference to 'params'"},
	{"'validations':[{'expression':'variables.x == 1'}]", "spec.validations[0].expression",
	 "undeclared reference to 'variables'"},
	{"'validations':[{'expression':'Object{} == object'}]", "spec.validations[0].expression",
	 "undeclared reference to 'Object'"},
	{"'validations':[{'expression':'true','messageExpression':'authorizer.path(`/`)."
	 "check(`get`).reason()'}]",
	 "spec.validations[0].messageExpression", "undeclared reference to 'authorizer'"},
	{"'variables':[{'name':'a','expression':'variables.b'}],'validations':[{'expression':"
	 "'true'}]",
	 "spec.variables[0].expression", "undefined field 'b'"},
	{"'matchConditions':[{'name':'a','expression':'request.none == 1'}],'validations':[{"
	 "'expression':'true'}]",
	 "spec.matchConditions[0].expression", "undefined field 'none'"},
	{"'auditAnnotations':[{'key':'k','valueExpression':'1'}]",
	 "spec.auditAnnotations[0].valueExpression",
	 "must evaluate to one of [string null_type] but got int"},
};

static void test_refused_policies(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		char *text free_ptr = xasprintf(POLICY("p", "%s"), broken[i].spec);
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		char *json free_ptr = with_quotes(text);
		json_t *made json_auto =
			fixture_create(&f, "validatingadmissionpolicies", "", json, &err);

		assert_null(made);
		assert_int_equal(err->n_causes, 1);
		assert_string_equal(err->causes[0].field, broken[i].field);
		if (!strstr(err->causes[0].message, broken[i].says))
			fail_msg("%s", err->causes[0].message);
	}
}

#define MUTATION(type, member, text) \
	"'mutations':[{'patchType':'" type "','" member "':{'expression':'" text "'}}]"
#define APPLY(text) MUTATION("ApplyConfiguration", "applyConfiguration", text)
#define PATCH(text) MUTATION("JSONPatch", "jsonPatch", text)
#define MUTATING(name, mutable, rest)                                                            \
	"{'metadata':{'name':'" name "'},'spec':{'reinvocationPolicy':'Never'," mutable "," rest \
											"}}"
#define MUTABLE_MAPS RULES("['']", "['configmaps']", "['CREATE','UPDATE']")

static void mutating(const char *text, const char *name)
{
	char *binding free_ptr = xasprintf(BINDING("%s", "%s", ""), name, name);

	make("mutatingadmissionpolicies", text);
	fixture_make(&f, "mutatingadmissionpolicybindings", "", binding);
}

static json_t *made(const char *type, const char *text)
{
	struct error *err = NULL;
	json_t *tree = fixture_create(&f, type, "n", text, &err);

	if (!tree)
		fail_msg("%s", error_message(err));
	return tree;
}

static void test_apply(void **state)
{
	mutating(MUTATING("m", RULES("['apps']", "['deployments']", "['CREATE']"),
			  APPLY("Object{spec: Object.spec{replicas: 3, template: "
				"Object.spec.template{spec: Object.spec.template.spec{containers: "
				"[Object.spec.template.spec.containers{name: `side`, image: "
				"`s`}]}}}}")),
		 "m");
	json_t *d json_auto =
		made("deployments", "{'metadata':{'name':'d'},'spec':{'selector':{'matchLabels':{"
				    "'a':'b'}},'template':{'metadata':{'labels':{'a':'b'}},'spec':{"
				    "'containers':[{'name':'c','image':'i'}]}}}}");

	assert_int_equal(json_path_int(d, "spec.replicas", 0), 3);
	assert_int_equal(json_array_size(json_path(d, "spec.template.spec.containers")), 2);
	assert_text(d, "spec.template.spec.containers[0].name", "c");
	assert_text(d, "spec.template.spec.containers[1].name", "side");
	assert_text(d, "spec.template.spec.containers[1].imagePullPolicy", "Always");
}

static void test_patch(void **state)
{
	mutating(MUTATING("m", MUTABLE_MAPS,
			  PATCH("has(object.metadata.labels) ? [] : [JSONPatch{op: `add`, path: "
				"`/metadata/labels`, value: {}}, JSONPatch{op: `add`, path: "
				"`/metadata/labels/` + jsonpatch.escapeKey(`a/b`), value: "
				"object.metadata.name}]")),
		 "m");
	json_t *c json_auto = made("configmaps", MAP("c", ""));
	json_t *d json_auto = made("configmaps", "{'metadata':{'name':'d','labels':{'x':'y'}}}");

	assert_text(c, "metadata.labels[a/b]", "c");
	assert_int_equal(json_object_size(json_path(d, "metadata.labels")), 1);
}

static void test_patch_test(void **state)
{
	mutating(MUTATING("m", MUTABLE_MAPS,
			  PATCH("[JSONPatch{op: `test`, path: `/data/a`, value: `1`}, "
				"JSONPatch{op: `replace`, path: `/data/a`, value: `2`}]")),
		 "m");
	json_t *c json_auto = made("configmaps", MAP("c", ",'data':{'a':'1'}"));
	json_t *d json_auto = made("configmaps", MAP("d", ",'data':{'a':'3'}"));

	assert_text(c, "data.a", "2");
	assert_text(d, "data.a", "3");
}

static const struct {
	const char *mutation, *says;
} failing[] = {
	{APPLY("Object{data: Object.wrong{a: `1`}}"),
	 "type mismatch: unexpected type name \"Object.wrong\", expected \"Object.data\", which "
	 "matches field name path from root Object type"},
	{APPLY("Object{none: 1}"),
	 "error applying patch: failed to convert patch object to typed object: .none: field not "
	 "declared in schema"},
	{PATCH("[JSONPatch{op: `remove`, path: `/data/none`}]"), "JSON Patch: "},
	{PATCH("object.none.x ? [JSONPatch{op: `remove`, path: `/data`}] : []"),
	 "resulted in error: no such key: none"},
};

static void test_failing_mutations(void **state)
{
	static const char prefix[] = "policy 'm' with binding 'm' denied request: ";

	for (size_t i = 0; i < ARRAY_SIZE(failing); i++) {
		char *text free_ptr =
			xasprintf(MUTATING("m", MUTABLE_MAPS, "%s"), failing[i].mutation);
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		json_t *none json_auto = NULL;

		mutating(text, "m");
		none = fixture_create(&f, "configmaps", "n", MAP("c", ",'data':{'a':'1'}"), &err);
		assert_null(none);
		assert_int_equal(error_http_status(err), 403);
		assert_string_equal(error_reason(err), "Invalid");
		assert_memory_equal(error_message(err), prefix, strlen(prefix));
		if (!strstr(error_message(err), failing[i].says))
			fail_msg("%s", error_message(err));
		cluster_delete(f.cluster, NULL, fixture_type(&f, "mutatingadmissionpolicies"), "",
			       "m", NULL, NULL, NULL, NULL);
		cluster_delete(f.cluster, NULL, fixture_type(&f, "mutatingadmissionpolicybindings"),
			       "", "m", NULL, NULL, NULL, NULL);
	}
}

#define COUNTED(name, policy, sees, sets)                                                         \
	"{'metadata':{'name':'" name "'},'spec':{'reinvocationPolicy':'" policy "'," MUTABLE_MAPS \
	"," PATCH("[JSONPatch{op: `add`, path: `/data/" sets "`, value: has(object.data." sees    \
		  ") ? `seen` : `not`}]") "}}"

/* In order of their names; one that is to be reinvoked sees what came after it. */
static void test_reinvocation(void **state)
{
	mutating(COUNTED("a", "IfNeeded", "c", "a"), "a");
	mutating(COUNTED("b", "Never", "c", "b"), "b");
	mutating(COUNTED("c", "Never", "a", "c"), "c");
	json_t *c json_auto = made("configmaps", MAP("x", ",'data':{'q':'1'}"));

	assert_text(c, "data.a", "seen");
	assert_text(c, "data.b", "not");
	assert_text(c, "data.c", "seen");
}

/* What a policy sets is validated as if the client had; what it is charged for, too. */
static void test_mutated_is_validated(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *none json_auto = NULL;

	mutating(MUTATING("m", MUTABLE_MAPS,
			  PATCH("[JSONPatch{op: `add`, path: `/data`, value: {`a b`: "
				"`1`}}]")),
		 "m");
	none = fixture_create(&f, "configmaps", "n", MAP("c", ""), &err);
	assert_null(none);
	assert_int_equal(error_code(err), E_INVALID);
	assert_string_equal(err->causes[0].field, "data[a b]");
}

/* The other plugins see what a policy added: they run once more. */
static void test_mutated_pod(void **state)
{
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'default'}}");
	fixture_make(&f, "limitranges", "n",
		     "{'metadata':{'name':'l'},'spec':{'limits':[{'type':'Container',"
		     "'defaultRequest':{'cpu':'1'},'default':{'cpu':'2'}}]}}");
	mutating(MUTATING("m", RULES("['']", "['pods']", "['CREATE']"),
			  APPLY("Object{spec: Object.spec{containers: [Object.spec.containers{"
				"name: `side`, image: `s`}]}}")),
		 "m");
	json_t *pod json_auto =
		made("pods", "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':"
			     "'i'}]}}");

	assert_int_equal(json_array_size(json_path(pod, "spec.volumes")), 1);
	assert_int_equal(json_array_size(json_path(pod, "spec.tolerations")), 2);
	assert_int_equal(json_array_size(json_path(pod, "spec.containers")), 2);
	assert_text(pod, "spec.containers[1].name", "side");
	assert_text(pod, "spec.containers[1].resources.requests.cpu", "1");
	assert_text(pod, "spec.containers[1].volumeMounts[0].mountPath",
		    "/var/run/secrets/kubernetes.io/serviceaccount");
	assert_int_equal(json_array_size(json_path(pod, "spec.containers[0].volumeMounts")), 1);
}

/* A Scale is what a policy sees of scaling, and what it changes. */
static void test_scale(void **state)
{
	static const char body[] = "{\"kind\":\"Scale\",\"apiVersion\":\"autoscaling/v1\","
				   "\"metadata\":{\"name\":\"d\",\"namespace\":\"n\"},"
				   "\"spec\":{\"replicas\":7}}";
	static const struct write_options options;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct object *out CLEANUP(object_unref_cleanup) = NULL;

	fixture_make(&f, "deployments", "n",
		     "{'metadata':{'name':'d'},'spec':{'selector':{'matchLabels':{'a':'b'}},"
		     "'template':{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':"
		     "'c','image':'i'}]}}}}");
	mutating(MUTATING("m", RULES("['apps']", "['*/scale']", "['UPDATE']"),
			  APPLY("Object{spec: Object.spec{replicas: object.kind == `Scale` && "
				"oldObject.spec.replicas == 1 && request.kind.group == "
				"`autoscaling` ? object.spec.replicas - 2 : 0}}")),
		 "m");
	if (cluster_update(f.cluster, NULL, fixture_type(&f, "deployments"), "n", "d", "scale",
			   body, strlen(body), &options, &out, &err) < 0)
		fail_msg("%s", error_message(err));
	assert_int_equal(object_int(out, "spec.replicas", 0), 5);
}

/* Types of a definition: what they may be, and what policies make of them. */
static void test_custom(void **state)
{
	fixture_make(&f, "customresourcedefinitions", "",
		     "{'metadata':{'name':'things.example.com'},'spec':{'group':'example.com',"
		     "'scope':'Namespaced','names':{'plural':'things','singular':'thing','kind':"
		     "'Thing','listKind':'ThingList'},'versions':[{'name':'v1','served':true,"
		     "'storage':true,'schema':{'openAPIV3Schema':{'type':'object','properties':{"
		     "'size':{'type':'integer','default':3},'list':{'type':'array','items':{"
		     "'type':'string'}}}}}}]}}");
	catalog_unref(f.catalog);
	f.catalog = cluster_catalog(f.cluster, NULL, NULL);
	mutating(MUTATING("m", RULES("['example.com']", "['things']", "['CREATE']"),
			  APPLY("Object{size: object.size + 1}")),
		 "m");
	json_t *thing json_auto = made("things", "{'apiVersion':'example.com/v1','kind':'Thing',"
						 "'metadata':{'name':'t'}}");
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *none json_auto = NULL;

	assert_int_equal(json_path_int(thing, "size", 0), 4);
	mutating(MUTATING("x", RULES("['example.com']", "['things']", "['CREATE']"),
			  APPLY("Object{list: [`a`]}")),
		 "x");
	none = fixture_create(&f, "things", "n",
			      "{'apiVersion':'example.com/v1','kind':'Thing','metadata':{'name':"
			      "'u'}}",
			      &err);
	assert_null(none);
	assert_string_equal(error_message(err),
			    "policy 'x' with binding 'x' denied request: error applying patch: "
			    "invalid ApplyConfiguration: may not mutate atomic arrays, maps or "
			    "structs: .list");
}

/* Who writes while a policy changes is told what one or the other of its versions says. */

#define WRITERS 4
#define WRITES 60

static void *write_many(void *arg)
{
	static const char body[] = "{\"metadata\":{\"name\":\"w\"}}";
	static const struct write_options dry = {.dry_run = true};
	size_t *wrong = arg;

	for (int i = 0; i < WRITES; i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		if (cluster_create(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", NULL, NULL,
				   body, strlen(body), &dry, NULL, &err) == 0 ||
		    strcmp(error_message(err), DENIED("w", "one")))
			*wrong += strcmp(error_message(err), DENIED("w", "two")) != 0;
	}
	return NULL;
}

static void test_changes_while_asked(void **state)
{
	static const char *const messages[] = {"two", "one"};
	pthread_t threads[WRITERS];
	size_t wrong[WRITERS] = {0};

	policy(POLICY("p", "'validations':[{'expression':'false','message':'one'}]"));
	bind(BINDING("b", "p", DENY));
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &wrong[i]), 0);
	for (size_t i = 0; i < 40; i++) {
		char *text free_ptr = xasprintf(
			"{'spec':{'validations':[{'expression':'false','message':'%s'}]}}",
			messages[i % 2]);
		json_t *changed json_auto =
			fixture_patch(&f, "validatingadmissionpolicies", "", "p", NULL, text, NULL);

		assert_non_null(changed);
	}
	for (size_t i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

struct maker {
	pthread_t thread;
	unsigned id, wrong;
};

static void make_later(struct maker *m, const char *type, const char *namespace, char *text)
{
	struct fixture_creation c;

	m->wrong +=
		fixture_create_later(&f, &c, type, namespace, text) != CLUSTER_LATER || !c.object;
	object_unref(c.object);
	free(text);
}

static void *make_all(void *arg)
{
	struct maker *m = arg;

	for (unsigned i = 0; i < 60; i++) {
		make_later(m, "validatingadmissionpolicies", NULL,
			   xasprintf(POLICY("p%u-%u", "'validations':[{'expression':'true'}]"),
				     m->id, i));
		make_later(m, "validatingadmissionpolicybindings", NULL,
			   xasprintf(BINDING("b%u-%u", "p", DENY), m->id, i));
		make_later(m, "configmaps", "n", xasprintf(MAP("c%u-%u", ""), m->id, i));
	}
	return NULL;
}

/* Whoever asks reads what has just been written, while the store says that more is. */
static void test_made_while_asked(void **state)
{
	struct maker makers[16];

	alarm(200);
	for (unsigned i = 0; i < 16; i++) {
		makers[i] = (struct maker){.id = i};
		assert_int_equal(pthread_create(&makers[i].thread, NULL, make_all, &makers[i]), 0);
	}
	for (unsigned i = 0; i < 16; i++) {
		pthread_join(makers[i].thread, NULL);
		assert_int_equal(makers[i].wrong, 0);
	}
	alarm(0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_validations),
		CASE(test_status),
		CASE(test_actions),
		CASE(test_audit),
		CASE(test_matching),
		CASE(test_conditions),
		CASE(test_failing_conditions),
		CASE(test_variables),
		CASE(test_params),
		CASE(test_missing_params),
		CASE(test_unknown_params),
		CASE(test_deletion),
		CASE(test_equivalent),
		CASE(test_exempt),
		CASE(test_budget),
		CASE(test_refused_policies),
		CASE(test_apply),
		CASE(test_patch),
		CASE(test_patch_test),
		CASE(test_failing_mutations),
		CASE(test_reinvocation),
		CASE(test_mutated_is_validated),
		CASE(test_changes_while_asked),
		CASE(test_made_while_asked),
		CASE(test_mutated_pod),
		CASE(test_scale),
		CASE(test_custom),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
