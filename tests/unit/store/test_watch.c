/* Watches: order, catching up, handing over, progress, stopping, and finding them by prefix. */
#include "store/internal.h"
#include "tests/unit/store/util.h"

struct fixture {
	char *dir;
	struct clock *clock;
	struct store *s;
	struct store_options opt;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->dir = tmp_new();
	f->clock = clock_fake_new(1000 * NS_PER_S);
	f->opt.clock = f->clock;
	f->s = open_with(f->dir, &f->opt);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	clock_fake_free(f->clock);
	tmp_remove(f->dir);
	free(f);
	return 0;
}

/* Writes down what a watch is told. */
struct seen {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct str text;
	VEC(uint64_t) revisions;
	uint64_t progress;
	struct store_watch *stop; /* by the handler, at the first event */
};

static void seen_init(struct seen *n)
{
	*n = (struct seen){.text = STR_INIT};
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->more, NULL);
}

static void seen_release(struct seen *n)
{
	str_release(&n->text);
	vec_release(&n->revisions);
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->more);
}

static void see(void *arg, const struct store_event *e, uint64_t revision)
{
	struct seen *n = arg;

	pthread_mutex_lock(&n->lock);
	if (e) {
		assert_int_equal(e->revision, revision);
		str_addf(&n->text, "%llu:%.*s%s%.*s", (unsigned long long)revision, (int)e->key_len,
			 (const char *)e->key, e->deleted ? "-" : "=", (int)e->len, e->value);
		if (e->old_value)
			str_addf(&n->text, "(%.*s)", (int)e->old_len, e->old_value);
		str_addf(&n->text, "#%u ", e->tag);
		vec_push(&n->revisions, revision);
	} else {
		n->progress = revision;
	}
	pthread_cond_broadcast(&n->more);
	if (n->stop && e) {
		store_watch_stop(n->stop);
		n->stop = NULL;
	}
	pthread_mutex_unlock(&n->lock);
}

static void await_events(struct seen *n, size_t count)
{
	pthread_mutex_lock(&n->lock);
	while (n->revisions.n < count)
		pthread_cond_wait(&n->more, &n->lock);
	pthread_mutex_unlock(&n->lock);
}

static void await_progress(struct seen *n, uint64_t revision)
{
	pthread_mutex_lock(&n->lock);
	while (n->progress < revision)
		pthread_cond_wait(&n->more, &n->lock);
	pthread_mutex_unlock(&n->lock);
}

static uint64_t progress_of(struct seen *n)
{
	uint64_t progress;

	pthread_mutex_lock(&n->lock);
	progress = n->progress;
	pthread_mutex_unlock(&n->lock);
	return progress;
}

static struct store_watch *watch(struct store *s, const char *prefix, uint64_t from, struct seen *n)
{
	struct store_watch *w = store_watch(s, prefix, strlen(prefix), from, see, n, NULL);

	assert_non_null(w);
	return w;
}

static void tells_what_changed(void **state)
{
	struct fixture *f = *state;
	struct store_op ops[] = {op_put("p/c", "1", STORE_ANY), op_put("q", "1", STORE_ANY),
				 op_put("p/d", "1", STORE_ANY)};
	struct store_op last_state = op_delete("p/c", STORE_ANY);
	struct store_watch *w;
	struct seen n;

	seen_init(&n);
	w = watch(f->s, "p/", store_revision(f->s), &n);
	put(f->s, "p/a", "1");
	put(f->s, "o", "1");
	put(f->s, "p/a", "2");
	ops[0].tag = 7;
	assert_int_equal(store_commit(f->s, ops, 3, NULL, NULL, NULL), 0);
	del(f->s, "p/a");
	put(f->s, "p/a", "3");
	last_state.head = "at ";
	last_state.head_len = 3;
	last_state.with_revision = true;
	must(f->s, last_state);
	await_events(&n, 7);
	store_watch_stop(w);
	assert_string_equal(n.text.s, "2:p/a=1#0 4:p/a=2(1)#0 5:p/c=1#7 5:p/d=1#0 "
				      "6:p/a-2(2)#0 7:p/a=3#0 8:p/c-at 8(1)#0 ");
	seen_release(&n);
}

static void starts_in_the_past_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct store_watch *w, *later;
	struct seen n, m;

	put(f->s, "a", "1");
	put(f->s, "b", "1");
	put(f->s, "a", "2");
	store_close(f->s);
	f->s = open_with(f->dir, &f->opt);
	seen_init(&n);
	seen_init(&m);
	w = watch(f->s, "a", 2, &n);
	later = watch(f->s, "a", 5, &m);
	put(f->s, "a", "3");
	put(f->s, "a", "4");
	await_events(&n, 3);
	await_events(&m, 1);
	store_watch_stop(w);
	store_watch_stop(later);
	assert_string_equal(n.text.s, "4:a=2(1)#0 5:a=3(2)#0 6:a=4(3)#0 ");
	assert_string_equal(m.text.s, "6:a=4(3)#0 ");
	seen_release(&n);
	seen_release(&m);
}

#define WRITES 3000

static void *write_many(void *arg)
{
	struct store_op op = op_put("k", "v", STORE_ANY);

	for (int i = 0; i < WRITES; i++)
		if (store_commit(arg, &op, 1, NULL, NULL, NULL))
			return arg;
	return NULL;
}

/* Watches join from all kinds of past while two threads write: none misses or repeats. */
static void hands_over_without_gap_or_repetition(void **state)
{
	struct fixture *f = *state;
	struct store_watch *w[40];
	struct seen n[40];
	uint64_t from[40];
	pthread_t writers[2];
	void *failed;

	for (int i = 0; i < 2; i++)
		pthread_create(&writers[i], NULL, write_many, f->s);
	for (unsigned i = 0; i < 40; i++) {
		uint64_t now = store_revision(f->s), back = i * i * 3;

		seen_init(&n[i]);
		from[i] = i % 4 == 3 ? now + i : now > back ? now - back : 1;
		w[i] = watch(f->s, i % 2 ? "" : "k", from[i], &n[i]);
		usleep(500);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(writers[i], &failed);
		assert_null(failed);
	}
	for (int i = 0; i < 40; i++) {
		if (from[i] < 1 + 2 * WRITES)
			await_events(&n[i], 1 + 2 * WRITES - from[i]);
		store_watch_stop(w[i]);
		for (size_t j = 0; j < n[i].revisions.n; j++)
			assert_int_equal(n[i].revisions.v[j], from[i] + 1 + j);
		seen_release(&n[i]);
	}
}

static void tells_progress_a_second_after_other_keys_changed(void **state)
{
	struct fixture *f = *state;
	struct store_watch *w, *busy;
	struct seen n, m;
	uint64_t r;

	seen_init(&n);
	seen_init(&m);
	w = watch(f->s, "quiet", 1, &n);
	busy = watch(f->s, "busy", 1, &m);
	r = put(f->s, "busy", "1");
	await_events(&m, 1);
	assert_int_equal(progress_of(&n), 0);
	/* The timer is set right after the handlers have run: until then time stands still. */
	while (progress_of(&n) < r) {
		clock_fake_advance(f->clock, NS_PER_S);
		usleep(1000);
	}
	await_progress(&n, r);
	assert_int_equal(progress_of(&n), r);
	assert_int_equal(progress_of(&m), 0);
	store_watch_stop(w);
	store_watch_stop(busy);
	seen_release(&n);
	seen_release(&m);
}

static void a_handler_stops_its_own_watch(void **state)
{
	struct fixture *f = *state;
	struct store_watch *w;
	struct seen n, m;

	seen_init(&n);
	seen_init(&m);
	w = watch(f->s, "", 1, &m);
	pthread_mutex_lock(&n.lock);
	n.stop = watch(f->s, "", 1, &n);
	pthread_mutex_unlock(&n.lock);
	put(f->s, "a", "1");
	put(f->s, "a", "2");
	await_events(&m, 2);
	assert_string_equal(n.text.s, "2:a=1#0 ");
	store_watch_stop(w);
	seen_release(&n);
	seen_release(&m);
}

static void thousands_of_watches(void **state)
{
	enum { WATCHES = 3000 };
	struct fixture *f = *state;
	struct store_watch **w free_ptr = xcalloc(WATCHES, sizeof(*w));
	struct seen n, all;
	char key[32];

	seen_init(&n);
	seen_init(&all);
	for (int i = 0; i < WATCHES; i++) {
		snprintf(key, sizeof(key), "ns%d/", i % 1000);
		w[i] = watch(f->s, key, 1, i % 1000 == 77 ? &n : &all);
	}
	put(f->s, "ns77/a", "1");
	put(f->s, "ns7/a", "1");
	put(f->s, "ns1000/a", "1");
	await_events(&n, 3);
	await_events(&all, 3);
	assert_string_equal(n.text.s, "2:ns77/a=1#0 2:ns77/a=1#0 2:ns77/a=1#0 ");
	assert_string_equal(all.text.s, "3:ns7/a=1#0 3:ns7/a=1#0 3:ns7/a=1#0 ");
	for (int i = 0; i < WATCHES; i++)
		store_watch_stop(w[i]);
	seen_release(&n);
	seen_release(&all);
}

static void random_word(unsigned *seed, char *word)
{
	int len = rand_r(seed) % 6;

	for (int i = 0; i < len; i++)
		word[i] = (char)('a' + rand_r(seed) % 2);
	word[len] = '\0';
}

static size_t count_matches(const struct prefixes *p, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += !strncmp(p->v[i]->prefix, key, p->v[i]->len);
	return n;
}

/* Against trying all, over random sets that grow and shrink. */
static void prefixes_find_all_that_match(void **state)
{
	struct prefixes p = {0};
	unsigned seed = 1;
	char word[8];

	for (int round = 0; round < 20000; round++) {
		size_t found = 0;
		struct group *g;

		random_word(&seed, word);
		g = prefixes_find(&p, word, strlen(word));
		if (!g && rand_r(&seed) % 3 == 0)
			prefixes_add(&p, word, strlen(word));
		else if (g && rand_r(&seed) % 2 == 0)
			prefixes_remove(&p, g);
		random_word(&seed, word);
		for (g = prefixes_match(&p, word, strlen(word)); g; g = g->parent) {
			assert_int_equal(strncmp(g->prefix, word, g->len), 0);
			found++;
		}
		assert_int_equal(found, count_matches(&p, word));
	}
	while (p.n)
		prefixes_remove(&p, p.v[p.n / 2]);
	vec_release(&p);
}

/* A history shorter than what a slow watch still has to read is no reason to lose events. */
static void compaction_waits_for_watches(void **state)
{
	struct fixture *f = *state;
	struct store_watch *w;
	struct seen n;

	seen_init(&n);
	w = watch(f->s, "", 1, &n);
	pthread_mutex_lock(&n.lock); /* the handler blocks at its first event */
	for (int i = 0; i < 30; i++)
		put(f->s, "a", "1");
	for (int i = 0; i < 5; i++) {
		clock_fake_advance(f->clock, 400 * NS_PER_S);
		put(f->s, "b", "1");
	}
	pthread_mutex_unlock(&n.lock);
	await_events(&n, 35);
	store_watch_stop(w);
	for (size_t i = 0; i < 35; i++)
		assert_int_equal(n.revisions.v[i], i + 2);
	seen_release(&n);
	assert_sound(f->s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(tells_what_changed),
		TEST(starts_in_the_past_after_a_restart),
		TEST(hands_over_without_gap_or_repetition),
		TEST(tells_progress_a_second_after_other_keys_changed),
		TEST(a_handler_stops_its_own_watch),
		TEST(thousands_of_watches),
		TEST(compaction_waits_for_watches),
		cmocka_unit_test(prefixes_find_all_that_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
