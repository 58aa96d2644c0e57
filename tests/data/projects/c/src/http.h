#ifndef HTTP_H
#define HTTP_H

#include <sqlite3.h>

/* Listens on an address ("127.0.0.1" or "0.0.0.0"); port 0 takes a free one, written back. The socket, or -1. */
int http_listen(const char *address, int *port);

/* Answers so many requests (0: for ever): GET /stops, GET /board?stop=NAME&at=HH:MM, GET /health. */
void http_serve(int listener, sqlite3 *db, int requests);

#endif
