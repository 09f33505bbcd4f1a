/*
 * Functions that no source of kubefs may call: each has a bounded or safer twin. The build
 * includes this file before every source, so a slip is a compile error, not a review comment.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets strncpy strncat asctime ctime

#endif
