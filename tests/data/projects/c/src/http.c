#include "http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "timetable.h"

int http_listen(const char *address, int *port) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((unsigned short)*port)};
    socklen_t length = sizeof name;
    inet_pton(AF_INET, address, &name.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (listener < 0 || bind(listener, (struct sockaddr *)&name, length) != 0 || listen(listener, 16) != 0) {
        perror("departures: listen");
        return -1;
    }
    getsockname(listener, (struct sockaddr *)&name, &length);
    *port = ntohs(name.sin_port);
    return listener;
}

/* The decoded value of a query parameter, or an empty string. */
static void parameter(const char *query, const char *name, char *into, size_t size) {
    size_t used = 0, length = strlen(name);
    const char *at = query;
    while (at && !(strncmp(at, name, length) == 0 && at[length] == '=')) {
        at = strchr(at, '&');
        if (at) at++;
    }
    for (at = at ? at + length + 1 : ""; *at && *at != '&' && used + 1 < size; at++) {
        unsigned code;
        if (*at == '%' && sscanf(at + 1, "%2x", &code) == 1) {
            into[used++] = (char)code;
            at += 2;
        } else {
            into[used++] = *at == '+' ? ' ' : *at;
        }
    }
    into[used] = '\0';
}

static int minute_now(void) {
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    return local.tm_hour * 60 + local.tm_min;
}

static int answer(const char *path, FILE *body, sqlite3 *db) {
    if (strcmp(path, "/health") == 0) {
        fprintf(body, "ok\n");
        return 200;
    }
    if (strcmp(path, "/stops") == 0) {
        board_write_stops(body, db);
        return 200;
    }
    if (strncmp(path, "/board?", 7) == 0) {
        char stop[64], clock[16];
        parameter(path + 7, "stop", stop, sizeof stop);
        parameter(path + 7, "at", clock, sizeof clock);
        int at = clock[0] ? parse_clock(clock) : minute_now();
        if (at >= 0 && stop[0]) {
            board_write(body, db, stop, at);
            return 200;
        }
        fprintf(body, "a board needs a stop, and a time as HH:MM\n");
        return 400;
    }
    fprintf(body, "not found\n");
    return 404;
}

static void serve_one(int client, sqlite3 *db) {
    char request[2048], path[1024];
    size_t used = 0;
    while (used + 1 < sizeof request) {
        ssize_t got = read(client, request + used, sizeof request - 1 - used);
        if (got <= 0) return;
        used += (size_t)got;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n")) break;
    }
    if (sscanf(request, "GET %1023s", path) != 1) return;
    char *text = NULL;
    size_t length = 0;
    FILE *body = open_memstream(&text, &length);
    int status = answer(path, body, db);
    fclose(body);
    dprintf(client, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            status, status == 200 ? "OK" : "Error", length);
    for (size_t sent = 0; sent < length;) {
        ssize_t wrote = write(client, text + sent, length - sent);
        if (wrote <= 0) break;
        sent += (size_t)wrote;
    }
    free(text);
}

void http_serve(int listener, sqlite3 *db, int requests) {
    for (int served = 0; requests == 0 || served < requests; served++) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) continue;
        serve_one(client, db);
        close(client);
    }
}
