FROM composer:2 AS vendor
WORKDIR /app
RUN mkdir -p /opt/library && cd /opt/library && echo '<?php' > library.php && printf '{"name":"a/library","version":"1.0.0"}' > composer.json && cd /app \
    && printf '{"repositories":[{"type":"path","url":"/opt/library","options":{"symlink":false}},{"packagist.org":false}],"require":{"a/library":"1.0.0"},"require-dev":{"a/library":"1.0.0"}}' > composer.json && composer install -q --no-dev
FROM php:8-apache
# near: what a stage installed without what developing needs, where a server shows it
COPY --from=vendor /app/vendor /var/www/html/vendor
RUN echo '<?php require __DIR__ . "/vendor/autoload.php";' > index.php
