/*
 * Cuts a body of JSON into its values while it arrives, so that no more than one of them is held:
 * the items of a LIST, or the events of a watch.
 *
 *	struct splitter s CLEANUP(splitter_release);
 *	splitter_init(&s, SPLIT_LIST);
 *	splitter_feed(&s, bytes, len, take_item, arg, &err);	// as often as bytes come
 *	splitter_finish(&s, &err);
 *	json_read(s.envelope.s, s.envelope.len, &err);		// the list with no items
 *
 * It finds where values begin and end and does not check what is between: whoever parses a value
 * does. Bounds: JSON_MAX_BYTES for a value, SPLIT_MAX_ENVELOPE for the rest, JSON_MAX_DEPTH.
 * Threads: one at a time.
 */
#ifndef CLUSTER_REMOTE_SPLIT_H
#define CLUSTER_REMOTE_SPLIT_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

#define SPLIT_MAX_ENVELOPE (1u << 20)

enum split_mode {
	SPLIT_SEQUENCE, /* objects, one after the other */
	SPLIT_LIST,	/* the elements of "items" of one object */
};

/* Which of the keys a value has at its top level: items of a list may lack both. */
enum split_keys { SPLIT_HAS_KIND = 1, SPLIT_HAS_API_VERSION = 2 };

struct splitter {
	struct str envelope; /* of a list: its text without the items */
	/* Private. */
	enum split_mode mode;
	struct str value;
	size_t depth;
	bool in_string, escaped, in_items, key_next, in_key, items_next;
	unsigned keys;
	char key[16];
	size_t key_len;
};

void splitter_init(struct splitter *s, enum split_mode mode);
void splitter_release(struct splitter *s);
/* VALUE is borrowed. Negative and *err to stop. */
typedef int split_sink(void *arg, const char *value, size_t len, unsigned keys, struct error **err);
/* 0, or negative and *err: the sink's, E_BAD_REQUEST, E_TOO_LARGE. */
int splitter_feed(struct splitter *s, const char *bytes, size_t len, split_sink *sink, void *arg,
		  struct error **err);
/* The body has ended: E_UNREACHABLE when that was in the middle. */
int splitter_finish(const struct splitter *s, struct error **err);

#endif
