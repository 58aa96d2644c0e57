#ifndef FEED_H
#define FEED_H

#include <sqlite3.h>
#include <stddef.h>

/* What a transfer brought; data ends with a NUL and is freed by the caller. */
struct buffer {
    char *data;
    size_t length;
};

/* Fetches a URL (http, https or file); 0, or -1 with a message. */
int feed_fetch(const char *url, struct buffer *into);

/* Reads "line,minutes" rows from the feed into the delays; how many, or -1 where the feed is away. */
int feed_refresh(sqlite3 *db, const char *url);

#endif
