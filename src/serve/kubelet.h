/*
 * The part of kubelet's API that leads to the logs of containers, as kube-apiserver asks for them:
 *
 *	GET /containerLogs/NAMESPACE/POD/CONTAINER?follow=true&tailLines=10
 *
 * The query is that of pods/log. What is refused is told as kubelet tells it: in plain text.
 *
 * Threads: any; of one request its worker.
 */
#ifndef SERVE_KUBELET_H
#define SERVE_KUBELET_H

#include "serve/request.h"

void kubelet_logs(struct request *r);

#endif
