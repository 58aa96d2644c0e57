#ifndef BOARD_H
#define BOARD_H

#include <sqlite3.h>
#include <stdio.h>

/* Writes the board of one stop at a minute of the day; departures written. */
int board_write(FILE *out, sqlite3 *db, const char *stop, int now);

/* Writes the names of all stops, one a line. */
void board_write_stops(FILE *out, sqlite3 *db);

#endif
