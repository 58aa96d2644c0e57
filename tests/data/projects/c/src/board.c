#include "board.h"

#include "timetable.h"

#define ROWS 5

int board_write(FILE *out, sqlite3 *db, const char *stop, int now) {
    struct departure next[ROWS];
    int found = timetable_next(db, stop, now, next, ROWS);
    fprintf(out, "%s at %02d:%02d\n", stop, now / 60, now % 60);
    if (found <= 0) fprintf(out, "  no more departures today\n");
    for (int i = 0; i < found; i++) {
        const struct departure *d = &next[i];
        fprintf(out, "  %-4s %-20s %02d:%02d", d->line, d->headsign, d->scheduled / 60, d->scheduled % 60);
        if (d->delay) fprintf(out, "  %+d min", d->delay);
        int wait = d->scheduled + d->delay - now;
        fprintf(out, wait == 0 ? "  now\n" : "  in %d min\n", wait);
    }
    return found;
}

static void write_name(const char *stop, void *out) { fprintf(out, "%s\n", stop); }

void board_write_stops(FILE *out, sqlite3 *db) { timetable_stops(db, write_name, out); }
