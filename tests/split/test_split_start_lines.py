"""Outputs of two starts, line by line: what differs by itself in the logs of frameworks, and what is never overlooked."""

# ruff: noqa: E501 - log lines are as long as they are

from __future__ import annotations

import pytest

from msbtui.split.masking import mask
from msbtui.split.start import Answer, _differs, stream_differs

# (framework, one start, another start of the same program)
ALIKE = [
    (
        "uvicorn",
        "INFO:     Started server process [1]\nINFO:     Waiting for application startup.\n"
        "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)\n"
        'INFO:     127.0.0.1:41822 - "GET / HTTP/1.1" 200 OK\n',
        "INFO:     Started server process [9]\nINFO:     Waiting for application startup.\n"
        "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)\n"
        'INFO:     127.0.0.1:50012 - "GET / HTTP/1.1" 200 OK\n',
    ),
    (
        "gunicorn",
        "[2024-05-02 12:30:41 +0000] [1] [INFO] Starting gunicorn 21.2.0\n"
        "[2024-05-02 12:30:41 +0000] [1] [INFO] Listening at: http://0.0.0.0:8000 (1)\n"
        "[2024-05-02 12:30:41 +0000] [7] [INFO] Booting worker with pid: 7\n",
        "[2025-11-12 02:03:04 +0000] [1] [INFO] Starting gunicorn 21.2.0\n"
        "[2025-11-12 02:03:04 +0000] [1] [INFO] Listening at: http://0.0.0.0:8000 (1)\n"
        "[2025-11-12 02:03:04 +0000] [12] [INFO] Booting worker with pid: 12\n",
    ),
    (
        "spring boot",
        "2024-05-02T12:30:41.123Z  INFO 1 --- [           main] c.e.demo.DemoApplication : Starting DemoApplication v0.0.1 using"
        " Java 17.0.11 with PID 1 (/app/app.jar started by root in /app)\n"
        "2024-05-02T12:30:44.001Z  INFO 1 --- [           main] o.s.b.w.embedded.tomcat.TomcatWebServer : Tomcat initialized with port 8080 (http)\n"
        "2024-05-02T12:30:44.201Z  INFO 1 --- [           main] w.s.c.ServletWebServerApplicationContext : initialization completed in 1234 ms\n"
        "2024-05-02T12:30:45.001Z  INFO 1 --- [           main] c.e.demo.DemoApplication : Started DemoApplication in 3.456 seconds"
        " (process running for 4.012)\nUsing generated security password: 78fa095d-3f4c-48b1-ad50-e24c31d5cf35\n",
        "2024-05-03T02:00:41.9Z  INFO 7 --- [           main] c.e.demo.DemoApplication : Starting DemoApplication v0.0.1 using"
        " Java 17.0.11 with PID 7 (/app/app.jar started by root in /app)\n"
        "2024-05-03T02:00:44.001Z  INFO 7 --- [           main] o.s.b.w.embedded.tomcat.TomcatWebServer : Tomcat initialized with port 8080 (http)\n"
        "2024-05-03T02:00:44.201Z  INFO 7 --- [           main] w.s.c.ServletWebServerApplicationContext : initialization completed in 987 ms\n"
        "2024-05-03T02:00:45.001Z  INFO 7 --- [           main] c.e.demo.DemoApplication : Started DemoApplication in 2.1 seconds"
        " (process running for 2.9)\nUsing generated security password: 00000000-3f4c-48b1-ad50-e24c31d5cf35\n",
    ),
    (
        "express and morgan",
        'GET / 200 3.456 ms - 12\n::ffff:127.0.0.1 - - [02/May/2024:12:30:41 +0000] "GET / HTTP/1.1" 200 12 "-" "msbtui"\n',
        'GET / 200 0.9 ms - 12\n::ffff:127.0.0.1 - - [31/Dec/2025:01:02:03 +0000] "GET / HTTP/1.1" 200 12 "-" "msbtui"\n',
    ),
    (
        "pino",
        '{"level":30,"time":1714653041123,"pid":1,"hostname":"container","msg":"Server listening at http://127.0.0.1:3000"}\n',
        '{"level":30,"time":1799653041999,"pid":18,"hostname":"container","msg":"Server listening at http://127.0.0.1:3000"}\n',
    ),
    (
        "winston",
        '{"level":"info","message":"ready","requestId":"a81f0c22","timestamp":"2024-05-02T12:30:41.123Z"}\n',
        '{"level":"info","message":"ready","requestId":"0c1de900","timestamp":"2024-05-12T22:30:41.009Z"}\n',
    ),
    (
        "nginx",
        '2024/05/02 12:30:41 [notice] 1#1: using the "epoll" event method\n2024/05/02 12:30:41 [notice] 1#1: start worker process 29\n'
        '127.0.0.1 - - [02/May/2024:12:30:41 +0000] "GET / HTTP/1.0" 200 615 "-" "msbtui" "-"\n',
        '2024/05/02 13:00:00 [notice] 7#7: using the "epoll" event method\n2024/05/02 13:00:00 [notice] 7#7: start worker process 31\n'
        '127.0.0.1 - - [02/May/2024:13:00:01 +0000] "GET / HTTP/1.0" 200 615 "-" "msbtui" "-"\n',
    ),
    (
        "apache",
        "[Thu May 02 12:30:41.123456 2024] [mpm_event:notice] [pid 1:tid 140123456789] AH00489: Apache/2.4.59 (Unix) configured\n",
        "[Fri Jun 13 02:03:04.000001 2025] [mpm_event:notice] [pid 9:tid 139999999999] AH00489: Apache/2.4.59 (Unix) configured\n",
    ),
    (
        "rails and puma",
        "=> Booting Puma\n[1] - Worker 0 (PID: 12) booted in 0.01s, phase: 0\n"
        'Started GET "/" for 127.0.0.1 at 2024-05-02 12:30:41 +0000\n'
        "I, [2024-05-02T12:30:41.123456 #1]  INFO -- : [4f1c1d7e-1111-2222-3333-444455556666] Completed 200 OK in 12ms (Views: 3.2ms"
        " | ActiveRecord: 0.0ms | Allocations: 1234)\n",
        "=> Booting Puma\n[1] - Worker 0 (PID: 15) booted in 0.20s, phase: 0\n"
        'Started GET "/" for 127.0.0.1 at 2024-06-02 02:30:41 +0000\n'
        "I, [2024-06-02T02:30:41.999456 #8]  INFO -- : [00000000-1111-2222-3333-444455556666] Completed 200 OK in 9ms (Views: 1.2ms"
        " | ActiveRecord: 0.1ms | Allocations: 1301)\n",
    ),
    ("go log", "2024/05/02 12:30:41 main.go:23: listening on :8080\n", "2025/01/02 02:30:41 main.go:23: listening on :8080\n"),
    (
        "zap",
        '{"level":"info","ts":1714653041.1234567,"caller":"app/main.go:12","msg":"started"}\n{"level":"info","ts":1.714653041123e9,"msg":"x"}\n',
        '{"level":"info","ts":1714999999.7,"caller":"app/main.go:12","msg":"started"}\n{"level":"info","ts":1.7999653041e+09,"msg":"x"}\n',
    ),
    ("zap for people", "2024-05-02T12:30:41.123Z\tINFO\tapp/main.go:12\tstarted\n", "2024-05-02T12:30:59.5Z\tINFO\tapp/main.go:12\tstarted\n"),
    (
        "logrus",
        'time="2024-05-02T12:30:41Z" level=info msg="up" addr="0.0.0.0:80"\nINFO[0000] starting\n',
        'time="2024-05-02T12:31:00+02:00" level=info msg="up" addr="0.0.0.0:80"\nINFO[0001] starting\n',
    ),
    (
        "klog",
        "I0502 12:30:41.123456       1 server.go:123] Serving on [::]:8443\n",
        "I0613 02:30:41.999999       7 server.go:123] Serving on [::]:8443\n",
    ),
    (
        "env_logger and tracing",
        "[2024-05-02T12:30:41Z INFO  app] listening\n\x1b[2m2024-05-02T12:30:41.123456Z\x1b[0m \x1b[32m INFO\x1b[0m app: up addr=0.0.0.0:3000\n",
        "[2024-09-02T02:30:41Z INFO  app] listening\n\x1b[2m2024-09-02T02:30:41.9Z\x1b[0m \x1b[32m INFO\x1b[0m app: up addr=0.0.0.0:3000\n",
    ),
    (
        "postgres",
        "2024-05-02 12:30:41.123 UTC [1] LOG:  starting PostgreSQL 15.6 on x86_64-pc-linux-gnu\n"
        "2024-05-02 12:30:41.130 UTC [27] LOG:  database system was shut down at 2024-05-02 12:30:40 UTC\n",
        "2024-05-03 02:30:41.123 UTC [9] LOG:  starting PostgreSQL 15.6 on x86_64-pc-linux-gnu\n"
        "2024-05-03 02:30:41.130 UTC [33] LOG:  database system was shut down at 2024-05-03 02:30:40 UTC\n",
    ),
    (
        "redis",
        "1:C 02 May 2024 12:30:41.123 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n1:M 02 May 2024 12:30:41.130 * Ready to accept\n",
        "7:C 12 Jun 2025 02:30:41.999 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n7:M 12 Jun 2025 02:30:41.1 * Ready to accept\n",
    ),
    (
        "mysql",
        "2024-05-02T12:30:41.123456Z 0 [System] [MY-010116] [Server] mysqld 8.0.36 starting as process 1\n",
        "2024-05-12T02:30:41.999999Z 0 [System] [MY-010116] [Server] mysqld 8.0.36 starting as process 44\n",
    ),
    (
        "django and flask",
        "Performing system checks...\n\nMay 02, 2024 - 12:30:41\nDjango version 4.2, using settings 'x.settings'\n"
        ' * Debugger PIN: 123-456-789\n127.0.0.1 - - [02/May/2024 12:30:41] "GET / HTTP/1.1" 200 -\n',
        "Performing system checks...\n\nJune 12, 2025 - 02:30:41\nDjango version 4.2, using settings 'x.settings'\n"
        ' * Debugger PIN: 987-654-321\n127.0.0.1 - - [12/Jun/2025 02:30:41] "GET / HTTP/1.1" 200 -\n',
    ),
    (
        "jupyter",
        "[I 2024-05-02 12:30:41.123 ServerApp] http://127.0.0.1:8888/tree?token=9b1c0d9b1c0d9b1c0d9b1c0d9b1c0d9b1c0d9b1c0d9b1c0d\n",
        "[I 2024-05-12 02:30:41.999 ServerApp] http://127.0.0.1:8888/tree?token=00000d9b1c0d9b1c0d9b1c0d9b1c0d9b1c0d9b1c0d9b1c0d\n",
    ),
    ("celery", "[2024-05-02 12:30:41,123: INFO/MainProcess] celery@container ready.\n", "[2024-05-02 12:59:41,9: INFO/MainProcess] celery@container ready.\n"),
    ("php-fpm", "[02-May-2024 12:30:41] NOTICE: fpm is running, pid 1\n", "[12-Jun-2025 02:30:41] NOTICE: fpm is running, pid 9\n"),
    ("haproxy", "[NOTICE]   (1) : New worker (8) forked\n", "[NOTICE]   (7) : New worker (11) forked\n"),
    ("supervisord", "2024-05-02 12:30:41,123 INFO spawned: 'app' with pid 7\n", "2024-05-02 12:31:41,9 INFO spawned: 'app' with pid 9\n"),
    ("syslog", "May  2 12:30:41 container app[12]: up\n", "Jun 12 02:30:41 container app[99]: up\n"),
    ("elixir", "12:30:41.123 [info] Running AppWeb.Endpoint with cowboy 2.9.0 at :::4000 (http)\n", "02:00:41.9 [info] Running AppWeb.Endpoint with cowboy 2.9.0 at :::4000 (http)\n"),
    ("java", "org.example.Server@1b2c3d4e started\nexample.Lambda$14@0a1b2c3d\n", "org.example.Server@77ffee00 started\nexample.Lambda$14@99999999\n"),
    ("python", "<app.Thing object at 0x7f0011223344>\n", "<app.Thing object at 0x7faabbccddee>\n"),
    (
        "memory",
        "heap used: 34.5 MB of 128 MB\nGC (Allocation Failure) 512K->128K(19456K), 0.01 secs\nAlloc = 5 MiB TotalAlloc = 9 MiB\n",
        "heap used: 31.0 MB of 128 MB\nGC (Allocation Failure) 500K->130K(19456K), 0.02 secs\nAlloc = 6 MiB TotalAlloc = 8 MiB\n",
    ),
    ("a port of the system's choice", "metrics on port 43211\n", "metrics on port 50999\n"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [item[1:] for item in ALIKE], ids=[item[0] for item in ALIKE])
def test_two_starts_of_one_program_look_alike(one, other):
    assert mask(one.encode()) == mask(other.encode())
    assert stream_differs(one.encode(), one.encode(), other.encode()) == ""


# (what the original prints each time, what the new image prints)
DIFFERENT = [
    ("ready\n", "ready\nERROR: cannot open database\n"),
    ("ready\n", "UserWarning: ImportError: libgomp.so.1: cannot open shared object file\nready\n"),
    ("ready\n", "bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)\nready\n"),
    ("ready\n", "perl: warning: Setting locale failed.\nready\n"),
    ("ready\n", "Fontconfig error: Cannot load default config file\nready\n"),
    ("loaded 12 plugins\nready\n", "loaded 11 plugins\nready\n"),
    ("loaded plugin 1\nloaded plugin 2\n", "loaded plugin 1\n"),
    ("3 passed, 0 failed\n", "2 passed, 1 failed\n"),
    ("read 4096 bytes of rules\n", "read 0 bytes of rules\n"),
    ("index of 34 MB\n", "index of 0 MB\n"),
    ("OpenSSL 3.0.11\n", "OpenSSL 1.1.1\n"),
    ("Listening on port 8080\n", "Listening on port 3000\n"),
    ("level=info msg=up\n", "level=error msg=up\n"),
    ('{"level":30,"time":1714653041123,"pid":1,"msg":"up"}\n', '{"level":50,"time":1714653041123,"pid":1,"msg":"up"}\n'),
    (
        '127.0.0.1 - - [02/May/2024 12:30:41] "GET / HTTP/1.1" 200 -\n',
        '127.0.0.1 - - [02/May/2024 12:30:41] "GET / HTTP/1.1" 500 -\n',
    ),
    ('"GET / HTTP/1.0" 200 615\n', '"GET / HTTP/1.0" 200 153\n'),
    ("running as user app\n", "running as user root\n"),
    ("using /usr/share/app/data\n", "using /tmp/fallback\n"),
    ("cache: redis\n", "cache: none\n"),
    ("TLS: 140 certificates\n", "TLS: 0 certificates\n"),
    ("time zone Europe/Berlin\n", "time zone UTC\n"),
    ("token accepted\n", "token refused\n"),
    ("session store: redis\n", "session store: memory\n"),
    ("request: GET\n", "request: POST\n"),
    ("sha256 5d41402abc4b2a76b9719d911017c592\n", "sha256 7d793037a0760186574b0282f2f435e7\n"),
    ("worker started\n", "worker failed\n"),
    ("a\nb\n", "a\n"),
    ("ready\n", ""),
    ("", "Segmentation fault\n"),
    ("[41]\n", "[42]\n"),
]


@pytest.mark.parametrize(("usual", "new"), DIFFERENT)
def test_what_must_never_be_overlooked(usual, new):
    assert mask(usual.encode()) != mask(new.encode())
    assert stream_differs(usual.encode(), usual.encode(), new.encode())
    # also among much that differs by itself
    noise = "2024-05-02 12:30:41 INFO spawned with pid 7\nqueue holds {} jobs\n"
    first, second, other = ((noise.format(number) + text).encode() for number, text in ((1, usual), (2, usual), (3, new)))
    assert stream_differs(first, second, other)


def test_numbers_count_unless_they_differ_from_start_to_start():
    assert stream_differs(b"seed 17\n", b"seed 4\n", b"seed 99\n") == ""
    assert "has 'seed 99'" in stream_differs(b"seed 17\n", b"seed 17\n", b"seed 99\n")
    # a series of lines of one form may be longer, and a part of it that always comes must come
    assert stream_differs(b"try 1\ntry 2\n", b"try 1\ntry 2\n", b"try 1\ntry 2\ntry 3\n") == ""
    assert "lacks 'try 2'" in stream_differs(b"try 1\ntry 2\n", b"try 1\ntry 2\n", b"try 1\n")
    # nobody could start the original again: what it alone printed may be chance, what the new image alone prints is not
    assert stream_differs(b"a 1\nb\n", None, b"a 1\n") == ""
    assert "has 'c'" in stream_differs(b"a 1\n", None, b"a 2\nc\n")


def test_the_order_of_lines_may_be_another_but_no_line_another():
    assert stream_differs(b"a\nb\nc\n", b"a\nb\nc\n", b"c\na\nb\n") == ""
    assert "has 'ab'" in stream_differs(b"a\nb\n", b"a\nb\n", b"ab\n")


@pytest.mark.parametrize(
    ("other", "wrong"),
    [
        (Answer("200", "text/html", b"at 2025-01-01 00:00:00"), ""),
        (Answer("500", "text/html", b"at 2025-01-01 00:00:00"), "500 text/html, was 200 text/html"),
        (Answer("200", "application/json", b"at 2025-01-01 00:00:00"), "200 application/json, was 200 text/html"),
        (Answer("200", "text/html", b"nothing"), "the body differs"),
        (Answer("302 to /login", "text/html", b"at 2025-01-01 00:00:00"), "302 to /login text/html, was 200"),
        (Answer("", "", b"at 2025-01-01 00:00:00"), "no HTTP, was 200 text/html"),
        (None, "no answer, the original answers"),
    ],
)
def test_answers_of_a_port_are_compared_by_status_type_and_masked_body(other, wrong):
    found = _differs(Answer("200", "text/html", b"at 2024-05-02 12:30:41"), other)
    assert found.startswith(wrong)
    assert bool(found) is bool(wrong)
