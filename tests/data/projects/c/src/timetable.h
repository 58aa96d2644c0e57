#ifndef TIMETABLE_H
#define TIMETABLE_H

#include <sqlite3.h>

/* One departure as the board shows it. Times are minutes after midnight. */
struct departure {
    char line[8];
    char headsign[48];
    int scheduled;
    int delay;
};

/* Opens (and creates) the database at path and prepares its tables; NULL and a message on failure. */
sqlite3 *timetable_open(const char *path);

/* Replaces the timetable by the rows of a CSV file "line,headsign,stop,HH:MM"; rows read, or -1. */
int timetable_load(sqlite3 *db, const char *csv_path);

/* Sets the delay in minutes of every departure of a line. */
int timetable_set_delay(sqlite3 *db, const char *line, int minutes);

/* The next departures of a stop after a minute of the day; how many were found, or -1. */
int timetable_next(sqlite3 *db, const char *stop, int after, struct departure *out, int limit);

/* Calls visit with each stop's name, in alphabetical order. */
int timetable_stops(sqlite3 *db, void (*visit)(const char *stop, void *arg), void *arg);

/* "HH:MM" to minutes after midnight, or -1. */
int parse_clock(const char *text);

#endif
