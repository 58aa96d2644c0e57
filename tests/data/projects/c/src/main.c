/* departures: a departure board for bus stops.
 *
 * Reads the timetable, keeps it with the delays of a feed in SQLite, and serves boards over HTTP.
 *
 *   departures                       serve on port 8080
 *   departures --once STOP           print one board and leave
 *   departures --check               serve on a free port, ask it for every board, print what it says
 *   ... --at HH:MM                   as if it were this late (default: now)
 *
 * DEPARTURES_FEED is the URL of the delay feed, DEPARTURES_PORT the port.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board.h"
#include "feed.h"
#include "http.h"
#include "timetable.h"

#define DATABASE STATEDIR "/departures.db"
#define TIMETABLE DATADIR "/timetable.csv"
#define DEFAULT_FEED "file://" DATADIR "/delays.csv"

static void remember(const char *stop, void *arg) {
    char **names = arg;
    size_t used = *names ? strlen(*names) : 0;
    *names = realloc(*names, used + strlen(stop) + 2);
    sprintf(*names + used, "%s\n", stop);
}

struct server {
    int listener, requests;
    sqlite3 *db;
};

static void *serve(void *arg) {
    struct server *server = arg;
    http_serve(server->listener, server->db, server->requests);
    return NULL;
}

/* Asks our own server, in a thread beside, for every board: the whole path of a request, without a network. */
static int check(sqlite3 *db, const char *clock) {
    int port = 0, failed = 0;
    char *names = NULL, *save = NULL;
    struct server server = {.db = db, .requests = timetable_stops(db, remember, &names)};
    pthread_t thread;
    server.listener = http_listen("127.0.0.1", &port);
    if (server.listener < 0 || server.requests <= 0 || pthread_create(&thread, NULL, serve, &server) != 0) return 1;
    for (char *name = strtok_r(names, "\n", &save); name && !failed; name = strtok_r(NULL, "\n", &save)) {
        char url[512], *escaped = curl_easy_escape(NULL, name, 0);
        struct buffer reply;
        snprintf(url, sizeof url, "http://127.0.0.1:%d/board?stop=%s&at=%s", port, escaped, clock);
        curl_free(escaped);
        failed = feed_fetch(url, &reply) != 0;
        if (failed) break;
        fputs(reply.data, stdout);
        free(reply.data);
    }
    if (!failed) pthread_join(thread, NULL);
    free(names);
    return failed;
}

int main(int argc, char **argv) {
    const char *once = NULL, *feed = getenv("DEPARTURES_FEED"), *port_text = getenv("DEPARTURES_PORT");
    char clock[6] = "";
    int checking = 0, port = port_text ? atoi(port_text) : 8080;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0) {
            checking = 1;
        } else if (strcmp(argv[i], "--once") == 0 && i + 1 < argc) {
            once = argv[++i];
        } else if (strcmp(argv[i], "--at") == 0 && i + 1 < argc && parse_clock(argv[i + 1]) >= 0) {
            snprintf(clock, sizeof clock, "%s", argv[++i]);
        } else {
            fprintf(stderr, "usage: departures [--once STOP | --check] [--at HH:MM]\n");
            return 2;
        }
    }
    if (!clock[0]) {
        time_t now = time(NULL);
        struct tm local;
        strftime(clock, sizeof clock, "%H:%M", localtime_r(&now, &local));
    }

    curl_global_init(CURL_GLOBAL_DEFAULT);
    sqlite3 *db = timetable_open(DATABASE);
    if (!db) return 1;
    int rows = timetable_load(db, TIMETABLE);
    if (rows < 0) return 1;
    int delays = feed_refresh(db, feed ? feed : DEFAULT_FEED);
    printf("departures: %d in the timetable, %d lines delayed\n", rows, delays < 0 ? 0 : delays);

    int status = 0;
    if (checking) {
        status = check(db, clock);
    } else if (once) {
        status = board_write(stdout, db, once, parse_clock(clock)) > 0 ? 0 : 1;
    } else {
        signal(SIGPIPE, SIG_IGN);
        int listener = http_listen("0.0.0.0", &port);
        if (listener < 0) return 1;
        printf("departures: serving on port %d\n", port);
        fflush(stdout);
        http_serve(listener, db, 0);
    }
    sqlite3_close(db);
    curl_global_cleanup();
    return status;
}
