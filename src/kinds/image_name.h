/*
 * Names of container images: [HOST[:PORT]/]PATH[:TAG][@DIGEST], as the distribution project
 * defines them. A name without a host is Docker Hub's.
 *
 * Threads: pure functions.
 */
#ifndef KINDS_IMAGE_NAME_H
#define KINDS_IMAGE_NAME_H

#include <stdbool.h>

/* Whether IMAGE asks for the tag "latest", by name or by no tag and no digest. What is no image's
 * name does not. */
bool image_is_latest(const char *image);

#endif
