/*
 * What the core types make of what is written: the rules of pods and their neighbours in detail,
 * what the server fills in and decides itself, and what it warns of.
 */
#include "rows.h"

#define POD(spec) "{" META "'spec':{'containers':[{'name':'c','image':'i'}]" spec "}}"
#define CLAIM "'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}"
#define VOLUME                                                                           \
	"{'metadata':{'name':'x'},'spec':{'capacity':{'storage':'1Gi'},'accessModes':['" \
	"ReadWriteOnce'],'hostPath':{'path':'/x'}}}"
#define SERVICE "{" META "'spec':{'ports':[{'port':80}],'selector':{'a':'b'}}}"

static void pod_resources(void **state)
{
	(void)state;
	CREATES("/v1/pods",
		"{" META "'spec':{'containers':[{'name':'c','image':'i','resources':{'requests':{"
		"'cpu':'1'},'limits':{'memory':'2Gi'}}}],'resources':{'limits':{'cpu':'2','memory':"
		"'4Gi'}}}}",
		{"spec.resources.requests", "{'cpu':'500m'}",
		 "spec.resources.requests[cpu] Invalid"},
		{"spec.resources.limits.memory", "'1Gi'",
		 "spec.resources.requests Invalid; "
		 "spec.resources.containers[0][memory].limits Invalid"},
		{"spec.resources.limits", "{'ephemeral-storage':'1'}",
		 "spec.resources.limits[ephemeral-storage] NotSupported"});
	MADE("/v1/pods",
	     "{" META "'spec':{'containers':[{'name':'c','image':'i','resources':{'requests':{"
	     "'cpu':'1'}}}],'resources':{'limits':{'cpu':'2','memory':'4Gi'}}}}",
	     "spec.resources.requests", {NULL, NULL, "{'cpu':'1','memory':'4Gi'}"},
	     {"spec.resources.requests", "{'cpu':'3'}", "{'cpu':'3','memory':'4Gi'}"},
	     {"spec.resources.limits", NULL, ""});
	MADE("/v1/pods",
	     "{" META "'spec':{'containers':[{'name':'c','image':'i','resources':{'limits':{"
	     "'cpu':'1','hugepages-2Mi':'4Mi'}}}],'resources':{'limits':{'cpu':'2'}}}}",
	     "spec.resources.limits", {NULL, NULL, "{'cpu':'2','hugepages-2Mi':'4Mi'}"});
	/* An amount finer than a thousandth is rounded up. */
	MADE("/v1/resourcequotas", "{" META "'spec':{'hard':{'cpu':'1'}}}", "spec.hard.cpu",
	     {"spec.hard.cpu", "'0.0001'", "'1m'"}, {"spec.hard.cpu", "'1.5001'", "'1501m'"},
	     {"spec.hard.cpu", "'2'", "'2'"});
	MADE("/v1/pods",
	     "{" META "'spec':{'containers':[{'name':'c','image':'i','resources':{'limits':{"
	     "'cpu':'1','memory':'1Ki'},'requests':{'memory':'1024'}}}]}}",
	     "status.qosClass", {NULL, NULL, "'Guaranteed'"},
	     {"spec.containers[0].resources.requests.memory", "'1000'", "'Burstable'"},
	     {"spec.containers[0].resources", "{}", "'BestEffort'"});
}

static void images_are_pulled(void **state)
{
#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const char always[] = "'Always'", once[] = "'IfNotPresent'";
	static const char image[] = "spec.containers[0].image";

	(void)state;
	MADE("/v1/pods", POD(""), "spec.containers[0].imagePullPolicy", {NULL, NULL, always},
	     {image, "'a-b/c__d.e/f:latest'", always}, {image, "'a:1'", once},
	     {image, "'a.example:5000/b'", always}, {image, "'a.example:5000/b:1'", once},
	     {image, "'LOCAL/b'", always}, {image, "'localhost/b'", always},
	     {image, "'[fd00::1]:80/b'", always}, {image, "'[fd00::1]x/b'", once},
	     {image, "'a.example:/b'", once}, {image, "'-a.example/b'", once},
	     {image, "'a..example/b'", once}, {image, "'A'", once}, {image, "'a/B'", once},
	     {image, "'a b'", once}, {image, "'a___b'", once}, {image, "'a:'", once},
	     {image, "'a:-x'", once}, {image, "'a" DIGEST "'", once},
	     {image, "'a:latest" DIGEST "'", always}, {image, "'a@sha256:0'", once},
	     {image, "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'", once});
	MADE("/v1/pods", POD(""), "spec.containers[0].env[0].valueFrom.fileKeyRef.optional",
	     {"spec.containers[0].env", "[{'name':'a','valueFrom':{'fileKeyRef':{'key':'k'}}}]",
	      "false"});
}

static void pod_containers(void **state)
{
	(void)state;
	CREATES("/v1/pods", POD(",'initContainers':[{'name':'d','image':'i'}]"),
		{"spec.initContainers[0].restartPolicyRules",
		 "[{'action':'Odd','exitCodes':{'operator':'In','values':[1]}}]",
		 "spec.initContainers[0].restartPolicy Required"},
		{"spec.containers[0].restartPolicyRules",
		 "[{'action':'Odd','exitCodes':{'operator':'In','values':[1]}}]",
		 "spec.containers[0].restartPolicy Required; "
		 "spec.containers[0].restartPolicyRules[0].action NotSupported"});
	CREATES("/v1/pods",
		"{'metadata':{'name':'x','namespace':'n','annotations':{'kubernetes.io/"
		"config.mirror':"
		"'m'}},'spec':{'nodeName':'n','containers':[{'name':'c','image':'i'}]}}",
		{"spec.resourceClaims", "[{'name':'r','resourceClaimName':'q'}]", " Forbidden"});
}

static void pod_volumes(void **state)
{
	(void)state;
	CREATES("/v1/pods",
		POD(",'volumes':[{'name':'v','quobyte':{'registry':'a:1','volume':'w'}}]"),
		{"spec.volumes[0].quobyte.registry", "'a:1,b'",
		 "spec.volumes[0].quobyte.registry Invalid"},
		{"spec.volumes[0].quobyte.registry", "'a:1,'",
		 "spec.volumes[0].quobyte.registry Invalid"});
	CREATES("/v1/persistentvolumes", VOLUME,
		{"spec.flexVolume", "{'driver':''}", "spec.flexVolume.driver Required"},
		{"spec.flexVolume", "{'driver':'example.com/d'}", ""},
		{"spec.nfs", "{'server':'s','path':'/p'}", "spec.nfs Forbidden"},
		{"spec.local", "{'path':'/p'}", "spec.local Forbidden"},
		{"spec.capacity.storage", "'-1'", "spec.capacity[storage] Invalid"},
		{"metadata.annotations", "{'volume.beta.kubernetes.io/mount-options':'ro'}",
		 "metadata.annotations.volume.beta.kubernetes.io/mount-options Forbidden"});
}

static void volumes_change(void **state)
{
	static const char volume[] =
		"{'metadata':{'name':'x'},'spec':{'capacity':{'storage':'1'},'accessModes':["
		"'ReadWriteOnce'],'hostPath':{'path':'/p'},'nodeAffinity':{'required':{"
		"'nodeSelectorTerms':[{'matchExpressions':[{'key':"
		"'failure-domain.beta.kubernetes.io/zone','operator':'In','values':['z']}]}]}}}}";

	(void)state;
	UPDATES("/v1/persistentvolumes", volume,
		{"spec.nodeAffinity", NULL, "nodeAffinity Invalid"},
		{"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key",
		 "'topology.kubernetes.io/zone'", ""},
		{"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key",
		 "'topology.kubernetes.io/region'", "nodeAffinity Invalid"});
}

/* An empty text that is a pointer in Go is there. */
static void empty_is_not_unset(void **state)
{
	(void)state;
	CREATES("/v1/services", SERVICE,
		{"spec.internalTrafficPolicy", "''", "spec.internalTrafficPolicy NotSupported"});
	CREATES("/v1/persistentvolumeclaims", "{" META CLAIM "}",
		{"spec.volumeMode", "''", "spec.volumeMode NotSupported"});
	CREATES("networking.k8s.io/v1/ingressclasses",
		"{'metadata':{'name':'x'},'spec':{'controller':'a.b/c','parameters':{'kind':'K',"
		"'name':'n'}}}",
		{"spec.parameters.scope", "''", "spec.parameters.scope NotSupported"});
	CREATES("batch/v1/jobs",
		"{" META
		"'spec':{'manualSelector':true,'selector':{'matchLabels':{'a':'b'}},'template':{"
		"'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':'c','image':'i'}],"
		"'restartPolicy':'Never'}}}}",
		{"spec.completionMode", "''", "spec.completionMode NotSupported"},
		{"spec.podReplacementPolicy", "''", "spec.podReplacementPolicy NotSupported"});
	CREATES("autoscaling/v2/horizontalpodautoscalers",
		"{" META "'spec':{'maxReplicas':2,'scaleTargetRef':{'apiVersion':'apps/v1','kind':"
		"'Deployment','name':'d'},'behavior':{'scaleUp':{}}}}",
		{"spec.behavior.scaleUp.selectPolicy", "''",
		 "spec.behavior.scaleUp.selectPolicy NotSupported"});
	CREATES("apps/v1/deployments", WORKLOAD,
		{"spec.strategy.rollingUpdate", "{'maxSurge':''}",
		 "spec.strategy.rollingUpdate.maxSurge Invalid"});
}

static void profiles(void **state)
{
	static const char key[] = "metadata.annotations["
				  "container.seccomp.security.alpha.kubernetes.io/c]";
	static const char armor[] = "metadata.annotations["
				    "container.apparmor.security.beta.kubernetes.io/c]";
	static const struct row rows[] = {
		{key, "'runtime/default'", ""},
		{key, "'unconfined'",
		 "spec.containers[0].securityContext.seccompProfile.type Forbidden"},
	};
	static const struct row armors[] = {
		{armor, "'localhost/a'", "{'localhostProfile':'a','type':'Localhost'}"},
		{armor, "'unconfined'", "{'type':'Unconfined'}"},
		{armor, "'odd'", ""},
	};

	(void)state;
	rows_validate("/v1/pods",
		      "{" META "'spec':{'containers':[{'name':'c','image':'i','securityContext':{"
		      "'seccompProfile':{'type':'RuntimeDefault'}}}]}}",
		      rows, ARRAY_SIZE(rows), ROW_CREATE);
	rows_made("/v1/pods", "{" META POD_SPEC "}",
		  "spec.containers[0].securityContext.appArmorProfile", armors, ARRAY_SIZE(armors));
}

static void pod_changes(void **state)
{
	static const char gated[] = POD(
		",'schedulingGates':[{'name':'example.com/g'}],'nodeSelector':{'a':'b','c':'d'"
		"},'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':["
		"{'topologyKey':'t'}]}}");

	(void)state;
	UPDATES("/v1/pods",
		POD(",'activeDeadlineSeconds':10,'tolerations':[{'key':'k',"
		    "'operator':'Exists'},{'key':'l','operator':'Exists'}]"),
		{"spec.activeDeadlineSeconds", "20", "spec.activeDeadlineSeconds Invalid"},
		{"spec.activeDeadlineSeconds", "5", ""},
		{"spec.tolerations", "[]", "spec.tolerations Forbidden"},
		{"spec.containers[0].image", "'j'", ""},
		{"spec.containers[0].command", "['x']", "spec Forbidden"});
	UPDATES("/v1/pods", gated, {"spec.nodeSelector", "{}", "spec.nodeSelector Invalid"},
		{"spec.nodeSelector.e", "'f'", ""}, {"spec.affinity.nodeAffinity", "{}", ""},
		{"spec.affinity.podAffinity", NULL, "spec Forbidden"});
	MADE("/v1/pods", gated, "status.conditions[0].reason", {NULL, NULL, "'SchedulingGated'"},
	     {"spec.schedulingGates", NULL, ""});
	MADE("/v1/pods",
	     "{'metadata':{'name':'x','namespace':'n','labels':{'app':'a'}},'spec':{'containers':[{"
	     "'name':'c','image':'i'}],'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'t',"
	     "'whenUnsatisfiable':'DoNotSchedule','labelSelector':{},'matchLabelKeys':['app','b']}]"
	     "}"
	     "}",
	     "spec.topologySpreadConstraints[0].labelSelector.matchExpressions",
	     {NULL, NULL, "[{'key':'app','operator':'In','values':['a']}]"},
	     {"spec.topologySpreadConstraints[0].labelSelector", NULL, ""});
}

static void pod_status(void **state)
{
	static const char pod[] =
		"{" META "'spec':{'containers':[{'name':'c','image':'i','resources':{'requests':{"
		"'e.com/x':'1'},'limits':{'e.com/x':'1'},'claims':[{'name':'r'}]}},{'name':'d',"
		"'image':'i',"
		"'restartPolicy':'Always'}],'restartPolicy':'Never','resourceClaims':[{'name':'r',"
		"'resourceClaimName':'q'}]},'status':{'containerStatuses':[{'name':'c','state':{"
		"'terminated':{'exitCode':1}}},{'name':'d','state':{'terminated':{'exitCode':1}}}]}"
		"}";

	(void)state;
	STATUS_UPDATES("/v1/pods", pod,
		       {"status.containerStatuses[0].state", "{'running':{}}",
			"status.containerStatuses[0].state Forbidden"},
		       {"status.containerStatuses[1].state", "{'running':{}}", ""},
		       {"status.resourceClaimStatuses", "[{'name':'odd'}]",
			"status.resourceClaimStatuses[0].name Invalid"},
		       {"status.resourceClaimStatuses", "[{'name':'r'},{'name':'r'}]",
			"status.resourceClaimStatuses[1].name Duplicate"},
		       {"status.extendedResourceClaimStatus", "{'resourceClaimName':'q'}",
			"status.extendedResourceClaimStatus.requestMappings Required"},
		       {"status.extendedResourceClaimStatus",
			"{'resourceClaimName':'q','requestMappings':[{'containerName':'z',"
			"'resourceName':'e.com/x','requestName':'r'}]}",
			"status.extendedResourceClaimStatus.requestMappings[0].containerName "
			"Invalid"},
		       {"status.extendedResourceClaimStatus",
			"{'resourceClaimName':'q','requestMappings':[{'containerName':'c',"
			"'resourceName':'e.com/y','requestName':'r'}]}",
			"status.extendedResourceClaimStatus.requestMappings[0].resourceName "
			"Invalid"},
		       {"status.extendedResourceClaimStatus",
			"{'resourceClaimName':'','requestMappings':[{'containerName':'c',"
			"'resourceName':'e.com/x','requestName':'r'}]}",
			"status.extendedResourceClaimStatus.resourceClaimName Required"},
		       {"status.extendedResourceClaimStatus",
			"{'resourceClaimName':'q','requestMappings':[{'containerName':'c',"
			"'resourceName':'e.com/x','requestName':'r'}]}",
			""},
		       {"status.containerStatuses[0].allocatedResourcesStatus",
			"[{'name':'e.com/x','resources':[{'resourceID':'1','health':'Healthy'}]},{"
			"'name':'claim:r'}]",
			""},
		       {"status.containerStatuses[0].allocatedResourcesStatus",
			"[{'name':'claim:r/s'}]",
			"status.containerStatuses[0].allocatedResourcesStatus[0].name Invalid"},
		       {"status.containerStatuses[0].allocatedResourcesStatus",
			"[{'name':'e.com/x','resources':[{'resourceID':'1','health':'Ill'}]}]",
			"status.containerStatuses[0].allocatedResourcesStatus[0].resources[0]."
			"health NotSupported"},
		       {"status.containerStatuses[0].user", "{'linux':{'uid':-1,'gid':0}}",
			"status.containerStatuses[0].user.linux.uid Invalid"});
}

static void pod_resizes(void **state)
{
	static const char pod[] =
		"{" META "'spec':{'containers':[{'name':'c','image':'i','resources':{'requests':{"
		"'cpu':'1'}},'resizePolicy':[{'resourceName':'cpu','restartPolicy':'NotRequired'}]}"
		","
		"{'name':'d','image':'i'}],'initContainers':[{'name':'e','image':'i'}]}}";
	static const struct row resizes[] = {
		{"spec.containers[0].resources.requests.cpu", "'2'", ""},
		{"spec.initContainers[0].resources", "{'requests':{'cpu':'1'}}", ""},
		/* Nothing else is taken. */
		{"spec.containers[0].image", "'j'", ""},
		{"spec.nodeName", "'n'", ""},
		{"metadata.labels", "{'a b':'c'}", ""},
		{"spec.containers[0].resources.requests", NULL,
		 "spec Invalid; spec.containers[0].resources.requests Forbidden"},
		{"spec.containers[0].resizePolicy[0].restartPolicy", "'RestartContainer'",
		 "spec Forbidden"},
		{"spec.containers[0].resources.requests.ephemeral-storage", "'1'",
		 "spec Forbidden"},
		{"spec.initContainers[0].resources", "{'requests':{'ephemeral-storage':'1'}}",
		 "spec.initContainers[0] Forbidden"},
		{"spec.containers[1].name", "'x'", "spec.containers[1].name Forbidden"},
		{"spec.containers[1]", NULL, "spec.containers Forbidden"},
		{"spec.initContainers", NULL, "spec.initContainers Forbidden"},
		{"spec.resources", "{'requests':{'cpu':'2'}}", ""},
	};
	static const struct row own[] = {
		{"spec.resources.requests.cpu", "'3'", ""},
		{"spec.resources", NULL, "spec Invalid; spec.resources Forbidden"},
		{"spec.resources.requests", "{'memory':'1'}", "spec.resources.requests Forbidden"},
	};
	static const struct row running[] = {
		{"spec.containers[0].resources", "{'requests':{'cpu':'2'}}",
		 "spec Invalid; spec Forbidden"},
	};
	static const struct row ephemeral[] = {
		{"spec.ephemeralContainers", "[{'name':'f','image':'i'}]", ""},
		{"spec.containers[0].image", "'j'", ""},
		{"spec.ephemeralContainers", "[{'name':'c','image':'i'}]",
		 "spec.ephemeralContainers[0].name Duplicate"},
	};

	(void)state;
	rows_validate("/v1/pods", pod, resizes, ARRAY_SIZE(resizes), ROW_RESIZE);
	rows_validate("/v1/pods", POD(",'resources':{'requests':{'cpu':'2'}}"), own,
		      ARRAY_SIZE(own), ROW_RESIZE);
	rows_validate("/v1/pods",
		      "{" META POD_SPEC ",'status':{'qosClass':'BestEffort','containerStatuses':[{"
		      "'name':'c','state':{'running':{}}}]}}",
		      running, ARRAY_SIZE(running), ROW_RESIZE);
	rows_validate("/v1/pods", pod, ephemeral, ARRAY_SIZE(ephemeral), ROW_EPHEMERAL);
}

static void services(void **state)
{
	(void)state;
	CREATES("/v1/services", SERVICE,
		{"spec.ipFamilyPolicy", "'RequireDualStack'", "spec.ipFamilyPolicy Invalid"},
		{"spec.ipFamilies", "['IPv6']", "spec.ipFamilies[0] Invalid"},
		{"spec.ipFamilies", "['IPv4','IPv6']", "spec.ipFamilies[1] Invalid"},
		{"metadata.annotations",
		 "{'service.kubernetes.io/topology-mode':'Auto',"
		 "'service.kubernetes.io/topology-aware-hints':'Off'}",
		 "metadata.annotations[service.kubernetes.io/topology-mode] Invalid"},
		{"metadata.annotations",
		 "{'service.beta.kubernetes.io/load-balancer-source-ranges':' 10.0.0.0/8 , x'}",
		 "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges] "
		 "Forbidden; "
		 "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges] "
		 "Invalid"},
		/* An address that is none is all that is told. */
		{"spec", "{'clusterIP':'x','clusterIPs':['x']}", "spec.clusterIPs[0] Invalid"});
	MADE("/v1/services", SERVICE, "spec.ipFamilies", {NULL, NULL, "['IPv4']"},
	     {"spec", "{'clusterIP':'None'}", "['IPv4','IPv6']"},
	     {"spec", "{'clusterIP':'None','ipFamilyPolicy':'SingleStack'}", "['IPv4']"});
	MADE("/v1/services", SERVICE, "spec.internalTrafficPolicy", {NULL, NULL, "'Cluster'"},
	     {"spec", "{'type':'ExternalName','internalTrafficPolicy':'Cluster'}", ""});
}

static void claims(void **state)
{
	(void)state;
	UPDATES("/v1/persistentvolumeclaims",
		"{'metadata':{'name':'x','namespace':'n','annotations':{"
		"'volume.beta.kubernetes.io/storage-class':'a'}}," CLAIM "}",
		{"spec.storageClassName", "'a'", ""},
		{"spec.storageClassName", "'b'", "spec Forbidden"},
		{"metadata.annotations", "{}",
		 "metadata.annotations.volume.beta.kubernetes.io/storage-class Invalid"});
	STATUS_UPDATES("/v1/persistentvolumeclaims", "{" META CLAIM "}",
		       {"status.capacity", "{'storage':'-1'}", "status.capacity[storage] Invalid"},
		       {"status.allocatedResources", "{'cpu':'1'}",
			"status.allocatedResources NotSupported"},
		       {"status.allocatedResourceStatuses", "{'storage':'Odd'}",
			"status.allocatedResourceStatuses NotSupported"});
	MADE("/v1/persistentvolumeclaims", "{" META CLAIM "}", "spec.dataSource",
	     {"spec.dataSourceRef", "{'kind':'PersistentVolumeClaim','name':'y'}",
	      "{'apiGroup':null,'kind':'PersistentVolumeClaim','name':'y'}"},
	     {"spec.dataSourceRef", "{'kind':'PersistentVolumeClaim','name':'y','namespace':'m'}",
	      ""});
}

static void workloads(void **state)
{
	static const char job[] =
		"{" META "'spec':{'completionMode':'Indexed','completions':2,'template':{'spec':{"
		"'containers':[{'name':'c','image':'i'}],'restartPolicy':'Never'}}},'status':{"
		"'succeeded':1}}";

	(void)state;
	CREATES("/v1/replicationcontrollers", "{" META "'spec':{" TEMPLATE "}}",
		{"spec.template", NULL, "spec.selector Required; spec.template Required"});
	CREATES("autoscaling/v2/horizontalpodautoscalers",
		"{" META "'spec':{'maxReplicas':2,'scaleTargetRef':{'apiVersion':'apps/v1','kind':"
		"'Deployment','name':'d'}}}",
		{"spec.scaleTargetRef.apiVersion", "'v1'",
		 "spec.scaleTargetRef.apiVersion Invalid"},
		{"spec.scaleTargetRef", "{'kind':'ReplicationController','name':'r'}", ""},
		{"spec.metrics",
		 "[{'type':'External','external':{'metric':{'name':'m','selector':{'matchLabels':{"
		 "'a b':'c'}}},'target':{'type':'Value','value':'1'}}}]",
		 ""});
	CREATES("autoscaling/v2/horizontalpodautoscalers",
		"{" META "'spec':{'maxReplicas':2,'scaleTargetRef':{'apiVersion':'apps/v1','kind':"
		"'Deployment','name':'d'}}}",
		{"spec.behavior", "{'scaleUp':{'policies':[]},'scaleDown':{}}",
		 "spec.behavior.scaleUp.policies Required"});
	MADE("apps/v1/statefulsets", WORKLOAD, "spec.updateStrategy",
	     {NULL, NULL, "{'rollingUpdate':{'partition':0},'type':'RollingUpdate'}"},
	     {"spec.updateStrategy", "{'type':'RollingUpdate'}", "{'type':'RollingUpdate'}"},
	     {"spec.updateStrategy", "{'rollingUpdate':{}}",
	      "{'rollingUpdate':{'partition':0},'type':'RollingUpdate'}"},
	     {"spec.updateStrategy", "{'type':'OnDelete'}", "{'type':'OnDelete'}"});
	UPDATES("autoscaling/v2/horizontalpodautoscalers",
		"{" META "'spec':{'maxReplicas':2,'scaleTargetRef':{'apiVersion':'v1','kind':"
		"'Pod','name':'d'}}}",
		{"spec.scaleTargetRef.name", "'e'", ""},
		{"spec.scaleTargetRef.kind", "'E'", "spec.scaleTargetRef.apiVersion Invalid"});
	STATUS_UPDATES("batch/v1/jobs", job, {"status.succeeded", "0", "status.succeeded Invalid"},
		       {"status.uncountedTerminatedPods", "{'succeeded':['u'],'failed':['u','']}",
			"status.uncountedTerminatedPods.failed[0] Duplicate; "
			"status.uncountedTerminatedPods.failed[1] Invalid"});
	STATUS_UPDATES("batch/v1/jobs",
		       "{" META "'spec':{'completionMode':'Indexed','completions':9,"
		       "'backoffLimitPerIndex':1}}",
		       {"status", "{'completedIndexes':'0,2-4','failedIndexes':'1,5-8'}", ""},
		       {"status", "{'completedIndexes':'0,2-4','failedIndexes':'1,4-8'}",
			"status.failedIndexes Invalid"},
		       {"status", "{'completedIndexes':'0,2-9','failedIndexes':'1,4-8'}",
			"status.completedIndexes Invalid"});
	CREATES("batch/v1/cronjobs",
		"{" META
		"'spec':{'schedule':'* * * * *','jobTemplate':{'spec':{'template':{'spec':{"
		"'containers':[{'name':'c','image':'i'}],'restartPolicy':'Never'}}}}}}",
		{"spec.timeZone", "'Local'", "spec.timeZone Invalid"},
		{"spec.timeZone", "'Europe'", "spec.timeZone Invalid"},
		{"spec.schedule", "',1,,2, * * * 1,'", ""},
		{"spec.schedule", "'1;2 * * * *'", "spec.schedule Invalid"},
		{"spec.jobTemplate.spec.manualSelector", "true",
		 "spec.jobTemplate.spec.manualSelector NotSupported"});
	CREATES("/v1/nodes", "{'metadata':{'name':'x'},'spec':{}}",
		{"spec.podCIDRs", "['10.0.0.0/24','fd00::/64']", ""},
		{"spec.podCIDRs", "['10.0.0.0/24','x']",
		 "spec.podCIDRs[1] Invalid; spec.podCIDRs InternalError; spec.podCIDRs Invalid"},
		{"status.nodeInfo.swap.capacity", "0", "metadata.nodeSwapStatus.capacity Invalid"});
	UPDATES("/v1/nodes",
		"{'metadata':{'name':'x'},'spec':{'podCIDRs':['10.0.0.0/24','fd00::/64']}}",
		{"spec.podCIDRs", "['10.0.0.0/24']", "spec.podCIDRs Forbidden"},
		{"spec.podCIDRs", "['10.0.0.0/24','fd01::/64']", "spec.podCIDRs Forbidden"});
	CREATES("/v1/pods",
		POD(",'initContainers':[{'name':'d','image':'i'},{'name':'e',"
		    "'image':'i'}]"),
		{"spec.initContainers[1].ports",
		 "[{'containerPort':1,'hostPort':9},{'containerPort':2,'hostPort':9}]",
		 "spec.initContainers[0].ports[1].hostPort Duplicate"});
	MADE("/v1/nodes", "{'metadata':{'name':'x'},'spec':{'configSource':{}}}",
	     "spec.configSource", {NULL, NULL, ""});
}

static void warnings(void **state)
{
	(void)state;
#define APP_ARMOR "container.apparmor.security.beta.kubernetes.io/c"
#define APP_ARMOR_OLD                                                                   \
	"metadata.annotations[" APP_ARMOR "]: deprecated since v1.30; use the \"appArm" \
	"orProfile\" field instead"
	WARNS("/v1/pods", POD(""),
	      {"metadata.annotations", "{'" APP_ARMOR "':'runtime/default'}", APP_ARMOR_OLD},
	      {"metadata.annotations", "{'" APP_ARMOR "':'odd'}", APP_ARMOR_OLD});
	WARNS("/v1/pods", POD(",'securityContext':{'appArmorProfile':{'type':'RuntimeDefault'}}"),
	      {"metadata.annotations", "{'" APP_ARMOR "':'runtime/default'}", ""},
	      {"metadata.annotations", "{'" APP_ARMOR "':'unconfined'}", APP_ARMOR_OLD});
	WARNS("apps/v1/deployments", WORKLOAD,
	      {"spec.template.spec.terminationGracePeriodSeconds", "-1",
	       "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values "
	       "are invalid and will be treated as 1"});
	WARNS("/v1/pods", POD(""),
	      {"spec.volumes",
	       "[{'name':'v','configMap':{'name':'m','items':[{'key':'a','path':'p'},{'key':'b',"
	       "'path':'p/q'}]}}]",
	       "volume \"v\" (ConfigMap \"m\"): overlapping paths: \"p/q\" with \"p\""},
	      {"spec.volumes", "[{'name':'v','projected':{'sources':[{}]}}]",
	       "volume \"v\" (Projected) has no sources provided"},
	      {"spec.volumes",
	       "[{'name':'v','projected':{'sources':[{'secret':{'name':'s','items':[{'key':'a',"
	       "'path':'p'}]}},{'serviceAccountToken':{'path':'p'}}]}}]",
	       "volume \"v\" (Projected): overlapping paths: \"p\" (ServiceAccountToken) with "
	       "\"p\" (Secret \"s\")"},
	      {"spec.containers[0].ports", "[{'containerPort':1,'hostIP':'192.0.2.1'}]",
	       "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 "
	       "ContainerPort:1 Protocol:TCP HostIP:192.0.2.1}"},
	      {"metadata.annotations", "{'container.seccomp.security.alpha.kubernetes.io/c':'x'}",
	       "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: "
	       "non-functional in v1.27+; use the \"seccompProfile\" field instead"});
	UPDATE_WARNS("/v1/pods", POD(""),
		     {"spec.nodeSelector", "{'beta.kubernetes.io/os':'x'}", ""});
	WARNS("/v1/resourcequotas", "{" META "'spec':{'hard':{}}}",
	      {"spec.hard", "{'cpu':'2','limits.cpu':'1'}",
	       "ResourceQuota cpu (2) should be less than limits.cpu (1)"},
	      {"spec.hard", "{'requests.storage':'2','limits.storage':'3'}", ""});
	WARNS("/v1/endpoints", "{" META "'subsets':[{'addresses':[{'ip':'192.0.2.1'}]}]}",
	      {"subsets[0].addresses[0].ip", "'2001:DB8::1'",
	       "subsets[0].addresses[0].ip: IPv6 address \"2001:DB8::1\" should be in RFC 5952 "
	       "canonical format (\"2001:db8::1\")"});
	WARNS("/v1/serviceaccounts", "{'metadata':{'name':'x','namespace':'n'}}",
	      {"metadata.annotations", "{'kubernetes.io/enforce-mountable-secrets':'true'}",
	       "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in "
	       "v1.32+; prefer separate namespaces to isolate access to mounted secrets"});
	WARNS("/v1/nodes", "{'metadata':{'name':'x'},'spec':{}}",
	      {"spec.podCIDRs", "['2001:DB8::/64']",
	       "spec.podCIDRs[0]: IPv6 CIDR value \"2001:DB8::/64\" should be in RFC 5952 "
	       "canonical format (\"2001:db8::/64\")"});
	WARNS("apps/v1/statefulsets", WORKLOAD,
	      {"spec.volumeClaimTemplates",
	       "[{'spec':{'resources':{'requests':{'storage':'1500m'}}}}]",
	       "spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "
	       "\"1500m\" is invalid, must be an integer"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pod_resources),  cmocka_unit_test(images_are_pulled),
		cmocka_unit_test(pod_containers), cmocka_unit_test(pod_volumes),
		cmocka_unit_test(volumes_change), cmocka_unit_test(empty_is_not_unset),
		cmocka_unit_test(profiles),	  cmocka_unit_test(pod_changes),
		cmocka_unit_test(pod_status),	  cmocka_unit_test(pod_resizes),
		cmocka_unit_test(services),	  cmocka_unit_test(claims),
		cmocka_unit_test(workloads),	  cmocka_unit_test(warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
