/*
 * Small files read, made and replaced whole. Threads: any.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"
#include "base/str.h"

/* At most MAX bytes, else E_TOO_LARGE; E_NOT_FOUND when there is none. Appends to OUT. */
int file_read(const char *path, size_t max, struct str *out, struct error **err);
/* Mode 0600; PATH holds the old or the new bytes at any instant. */
int file_replace(const char *path, const char *bytes, size_t len, struct error **err);
/* Likewise where nothing is there yet, else E_EXISTS. */
int file_create(const char *path, const char *bytes, size_t len, struct error **err);

#endif
