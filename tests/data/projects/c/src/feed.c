#include "feed.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timetable.h"

#define FEED_LIMIT (1 << 20)

static size_t collect(char *bytes, size_t size, size_t count, void *arg) {
    struct buffer *into = arg;
    size_t more = size * count;
    if (into->length + more > FEED_LIMIT) return 0;
    char *grown = realloc(into->data, into->length + more + 1);
    if (!grown) return 0;
    memcpy(grown + into->length, bytes, more);
    into->data = grown;
    into->length += more;
    grown[into->length] = '\0';
    return more;
}

int feed_fetch(const char *url, struct buffer *into) {
    char reason[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    if (!curl) return -1;
    into->data = NULL;
    into->length = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, into);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "departures/1.2");
    CURLcode result = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    if (result == CURLE_OK && into->data) return 0;
    fprintf(stderr, "departures: %s: %s\n", url, reason[0] ? reason : curl_easy_strerror(result));
    free(into->data);
    into->data = NULL;
    return -1;
}

int feed_refresh(sqlite3 *db, const char *url) {
    struct buffer feed;
    if (feed_fetch(url, &feed) != 0) return -1;
    int delays = 0;
    char *save = NULL;
    for (char *row = strtok_r(feed.data, "\r\n", &save); row; row = strtok_r(NULL, "\r\n", &save)) {
        char line[8];
        int minutes;
        if (row[0] == '#' || sscanf(row, "%7[^,],%d", line, &minutes) != 2) continue;
        if (timetable_set_delay(db, line, minutes) == 0) delays++;
    }
    free(feed.data);
    return delays;
}
