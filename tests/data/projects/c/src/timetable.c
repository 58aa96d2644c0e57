#include "timetable.h"

#include <stdio.h>
#include <string.h>

static const char schema[] =
    "DROP TABLE IF EXISTS departure;"
    "DROP TABLE IF EXISTS delay;"
    "CREATE TABLE departure (line TEXT, headsign TEXT, stop TEXT, minute INTEGER);"
    "CREATE INDEX departure_by_stop ON departure (stop, minute);"
    "CREATE TABLE delay (line TEXT PRIMARY KEY, minutes INTEGER);";

sqlite3 *timetable_open(const char *path) {
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "departures: %s: %s\n", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

int parse_clock(const char *text) {
    int hour, minute;
    if (sscanf(text, "%2d:%2d", &hour, &minute) != 2) return -1;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1;
    return hour * 60 + minute;
}

int timetable_load(sqlite3 *db, const char *csv_path) {
    FILE *file = fopen(csv_path, "r");
    if (!file) {
        perror(csv_path);
        return -1;
    }
    sqlite3_stmt *insert = NULL;
    if (sqlite3_prepare_v2(db, "INSERT INTO departure VALUES (?, ?, ?, ?)", -1, &insert, NULL) != SQLITE_OK) {
        fclose(file);
        return -1;
    }
    sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    char row[256];
    int rows = 0;
    while (fgets(row, sizeof row, file)) {
        row[strcspn(row, "\r\n")] = '\0';
        char *save = NULL;
        char *line = strtok_r(row, ",", &save);
        char *headsign = strtok_r(NULL, ",", &save);
        char *stop = strtok_r(NULL, ",", &save);
        char *clock = strtok_r(NULL, ",", &save);
        int minute = clock ? parse_clock(clock) : -1;
        if (!line || line[0] == '#' || minute < 0) continue;
        sqlite3_bind_text(insert, 1, line, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(insert, 2, headsign, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(insert, 3, stop, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(insert, 4, minute);
        if (sqlite3_step(insert) == SQLITE_DONE) rows++;
        sqlite3_reset(insert);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_finalize(insert);
    fclose(file);
    return rows;
}

int timetable_set_delay(sqlite3 *db, const char *line, int minutes) {
    sqlite3_stmt *upsert = NULL;
    if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO delay VALUES (?, ?)", -1, &upsert, NULL) != SQLITE_OK) return -1;
    sqlite3_bind_text(upsert, 1, line, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(upsert, 2, minutes);
    int done = sqlite3_step(upsert) == SQLITE_DONE;
    sqlite3_finalize(upsert);
    return done ? 0 : -1;
}

int timetable_next(sqlite3 *db, const char *stop, int after, struct departure *out, int limit) {
    static const char query[] =
        "SELECT d.line, d.headsign, d.minute, COALESCE(l.minutes, 0) AS late FROM departure d"
        " LEFT JOIN delay l ON l.line = d.line"
        " WHERE d.stop = ?1 AND d.minute + late >= ?2 ORDER BY d.minute + late, d.line LIMIT ?3";
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(db, query, -1, &select, NULL) != SQLITE_OK) return -1;
    sqlite3_bind_text(select, 1, stop, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(select, 2, after);
    sqlite3_bind_int(select, 3, limit);
    int found = 0;
    while (found < limit && sqlite3_step(select) == SQLITE_ROW) {
        struct departure *next = &out[found++];
        snprintf(next->line, sizeof next->line, "%s", (const char *)sqlite3_column_text(select, 0));
        snprintf(next->headsign, sizeof next->headsign, "%s", (const char *)sqlite3_column_text(select, 1));
        next->scheduled = sqlite3_column_int(select, 2);
        next->delay = sqlite3_column_int(select, 3);
    }
    sqlite3_finalize(select);
    return found;
}

int timetable_stops(sqlite3 *db, void (*visit)(const char *stop, void *arg), void *arg) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(db, "SELECT DISTINCT stop FROM departure ORDER BY stop", -1, &select, NULL) != SQLITE_OK) return -1;
    int stops = 0;
    for (; sqlite3_step(select) == SQLITE_ROW; stops++) visit((const char *)sqlite3_column_text(select, 0), arg);
    sqlite3_finalize(select);
    return stops;
}
