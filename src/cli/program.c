#include "cli/program.h"
#include "base/log.h"
#include "cache/informer.h"
#include "cli/kubelet.h"
#include "cluster/cluster.h"
#include "cluster/local.h"
#include "controllers/controllers.h"
#include "node/kubelets.h"
#include "node/nodes.h"
#include "scheduler/scheduler.h"
#include "serve/serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

int program_make_parents(const char *dir, struct error **err)
{
	char *path free_ptr = xstrdup(dir);

	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return error_set_errno(err, errno, "cannot make the directory %s", path);
		*p = '/';
	}
	return 0;
}

int program_open(struct program *p, const struct options *opt, struct error **err)
{
	const struct cluster_config config = {
		.kubeconfig = opt->kubeconfig,
		.context = opt->context,
		.store_size = opt->store_size,
		.token_auth_file = opt->token_auth_file,
		.enable_admission = opt->enable_admission,
		.disable_admission = opt->disable_admission,
	};
	char *spec free_ptr = NULL;

	if (opt->local) {
		char *dir free_ptr = options_local_directory(opt);

		if (program_make_parents(dir, err) < 0)
			return -1;
		spec = xasprintf("local:%s", dir);
	} else {
		spec = xstrdup("remote:");
	}
	p->local = opt->local;
	p->cluster = cluster_open(spec, &config, err);
	return p->cluster ? 0 : -1;
}

static void hangup_signal(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
}

void program_block_hangup(void)
{
	sigset_t set;

	hangup_signal(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *wait_for_hangup(void *arg)
{
	struct program *p = arg;
	sigset_t set;
	int signal;

	hangup_signal(&set);
	/* stop_hangup sends the last one. */
	while (!sigwait(&set, &signal) && !atomic_load(&p->stopping))
		serve_reopen_audit(p->serve);
	return NULL;
}

static int start_hangup(struct program *p, struct error **err)
{
	int failed = pthread_create(&p->hangup, NULL, wait_for_hangup, p);

	if (failed)
		return error_set_errno(err, failed, "starting a thread");
	p->waits_for_hangup = true;
	return 0;
}

static void stop_hangup(struct program *p)
{
	if (!p->waits_for_hangup)
		return;
	atomic_store(&p->stopping, true);
	pthread_kill(p->hangup, SIGHUP);
	pthread_join(p->hangup, NULL);
	p->waits_for_hangup = false;
}

static int start_serve(struct program *p, const struct options *opt, struct error **err)
{
	char *dir free_ptr = options_local_directory(opt);
	const struct serve_options options = {
		.listen = opt->listen ? opt->listen : "127.0.0.1:6443",
		.allow_remote = opt->allow_remote,
		.dir = dir,
		.audit_log = opt->audit_log,
		.audit_policy = opt->audit_policy,
		.announce = p->local,
	};

	if (opt->audit_policy && !opt->audit_log)
		return error_set(err, E_BAD_REQUEST, "--audit-policy-file goes with --audit-log");
	p->serve = serve_start(p->cluster, &options, err);
	if (!p->serve)
		return -1;
	return opt->audit_log ? start_hangup(p, err) : 0;
}

/* Nodes that are programs of their own may join; they know the endpoint's authority. */
static int ask_kubelets(struct program *p, const struct options *opt, struct error **err)
{
	char *dir free_ptr = options_local_directory(opt);
	char *cert free_ptr = xasprintf("%s/pki/kubelet-client.crt", dir);
	char *key free_ptr = xasprintf("%s/pki/kubelet-client.key", dir);

	p->kubelets = kubelets_new(p->cluster, cert, key, err);
	if (!p->kubelets)
		return -1;
	local_set_streamer(p->cluster, kubelets_streamer(), p->kubelets);
	return 0;
}

static int start_controllers(struct program *p, const struct options *opt, struct error **err)
{
	char *dir free_ptr = options_local_directory(opt);
	char *ca_cert free_ptr = xasprintf("%s/pki/ca.crt", dir);
	char *ca_key free_ptr = xasprintf("%s/pki/ca.key", dir);
	char *token_key free_ptr = xasprintf("%s/pki/sa.key", dir);
	/* Certificates are for the endpoint; a cluster of somebody else's has its own keys. */
	const struct controllers_options options = {
		.ca_cert = p->serve ? ca_cert : NULL,
		.ca_key = p->serve ? ca_key : NULL,
		.token_key = p->local ? token_key : NULL,
	};

	p->controllers = controllers_start(p->informers, &options, NULL, err);
	return p->controllers ? 0 : -1;
}

static int start_scheduler(struct program *p, const struct options *opt, struct error **err)
{
	p->scheduler = scheduler_start(p->informers, NULL, err);
	return p->scheduler ? 0 : -1;
}

/* Their pods' logs can be had only where the API server knows how to ask for them. */
static void start_kubelet(struct program *p, struct nodes_options *options)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	p->kubelet = kubelet_start(p->cluster, &err);
	if (!p->kubelet) {
		log_warn("the logs of these nodes cannot be read: %s", error_message(err));
		return;
	}
	options->address = kubelet_address(p->kubelet);
	options->port = kubelet_port(p->kubelet);
}

static int start_nodes(struct program *p, const struct options *opt, struct error **err)
{
	struct nodes_options options = {.count = (unsigned)opt->nodes};

	if (!opt->nodes)
		return 0;
	if (!p->local)
		start_kubelet(p, &options);
	p->nodes = nodes_start(p->informers, &options, NULL, err);
	if (!p->nodes)
		return -1;
	if (p->local)
		local_set_streamer(p->cluster, nodes_streamer(), p->nodes);
	else if (p->kubelet)
		kubelet_set_nodes(p->kubelet, p->nodes);
	return 0;
}

static const struct {
	enum program_part part;
	int (*start)(struct program *p, const struct options *opt, struct error **err);
} parts_in_order[] = {
	{PART_SERVE, start_serve},
	{PART_NODES, start_nodes},
	{PART_SCHEDULER, start_scheduler},
	{PART_CONTROLLERS, start_controllers},
};

int program_start_parts(struct program *p, const struct options *opt, unsigned parts,
			struct error **err)
{
	if (parts & PART_INFORMERS)
		p->informers = informers_new(p->cluster, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(parts_in_order); i++)
		if ((parts & parts_in_order[i].part) && parts_in_order[i].start(p, opt, err) < 0)
			return -1;
	return p->local && p->serve && !p->nodes ? ask_kubelets(p, opt, err) : 0;
}

int program_start(struct program *p, const struct options *opt, unsigned parts, struct error **err)
{
	if (program_open(p, opt, err) < 0)
		return -1;
	return program_start_parts(p, opt, parts, err);
}

void program_stop_parts(struct program *p)
{
	stop_hangup(p);
	p->serve = serve_stop(p->serve);
	controllers_stop(steal(&p->controllers));
	scheduler_stop(steal(&p->scheduler));
	p->kubelet = kubelet_stop(p->kubelet);
	if (p->local && p->cluster)
		local_set_streamer(p->cluster, NULL, NULL);
	nodes_stop(steal(&p->nodes));
	kubelets_free(steal(&p->kubelets));
	informers_free(steal(&p->informers));
}

void program_stop(struct program *p)
{
	program_stop_parts(p);
	p->cluster = cluster_close(p->cluster);
}

static void ending_signals(sigset_t *set, bool hangup)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	if (hangup)
		sigaddset(set, SIGHUP);
}

void program_block_signals(void)
{
	sigset_t set;

	ending_signals(&set, true);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void program_keep_secrets(void)
{
	struct rlimit none;

	if (getrlimit(RLIMIT_CORE, &none) < 0)
		return;
	none.rlim_cur = 0;
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		log_warn("a crash may leave an image of the memory: %m");
}

bool program_wait_signal(const struct program *p, int timeout_ms)
{
	const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * NS_PER_MS};
	sigset_t set;

	ending_signals(&set, !p->waits_for_hangup);
	while (sigtimedwait(&set, NULL, timeout_ms < 0 ? NULL : &timeout) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

int program_fail(const struct error *err)
{
	log_error("%s", error_message(err));
	return 1;
}
