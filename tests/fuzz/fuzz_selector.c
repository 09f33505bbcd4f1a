/* Selectors and quantities: what is read is written, and reads back as the same. */
#include "fuzz/fuzz.h"
#include "base/mem.h"
#include "base/str.h"
#include "object/quantity.h"
#include "object/selector.h"

#include <assert.h>
#include <string.h>

static void check_selector(const char *text)
{
	struct selector *s CLEANUP(selector_free_cleanup) = selector_parse(text, NULL);
	struct selector *again CLEANUP(selector_free_cleanup) = NULL;
	struct str first CLEANUP(str_release) = STR_INIT, second CLEANUP(str_release) = STR_INIT;

	if (!s)
		return;
	selector_format(s, &first);
	selector_matches_span(s, (struct span){text, strlen(text)});
	again = selector_parse(first.s, NULL);
	/* "a in (,)" is written "a in ()", as Kubernetes does, which does not read back. */
	if (!again)
		return;
	selector_format(again, &second);
	assert(!strcmp(first.s, second.s));
}

static void check_quantity(const char *text)
{
	struct quantity q, again;
	char first[QUANTITY_TEXT], second[QUANTITY_TEXT];

	if (quantity_parse(text, &q, NULL) < 0)
		return;
	quantity_value(&q);
	quantity_milli_value(&q);
	quantity_format(&q, first);
	assert(quantity_parse(first, &again, NULL) == 0);
	/* A number that Kubernetes writes with more than 18 digits is capped when it is read back,
	 * there as here: "6162666666666666.5G" becomes "6162666666666666500M", and that 2^63 - 1.
	 */
	if (strspn(first, "-0123456789") <= 18)
		assert(!strcmp(first, quantity_format(&again, second)));
	quantity_add(&q, &again);
	quantity_sub(&q, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text free_ptr = xstrndup((const char *)data, size);

	check_selector(text);
	check_quantity(text);
	field_selector_free(field_selector_parse(text, NULL));
	return 0;
}
