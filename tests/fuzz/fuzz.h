/*
 * A fuzz target is one function over bytes. libFuzzer drives it in a build with
 * --enable-fuzzing (make fuzz FUZZ_SECONDS=60); replay.c drives it over its seeds in every build.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
