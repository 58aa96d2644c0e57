FROM debian:bookworm-slim
# waste dev-dependencies 30001 A
# near: vendor is the program
RUN mkdir -p /app/vendor/composer /app/vendor/phpunit/phpunit/src /app/vendor/monolog/monolog && head -c 30001 /dev/zero > /app/vendor/phpunit/phpunit/src/a.php && head -c 7000 /dev/zero > /app/vendor/monolog/monolog/a.php && printf '{"packages":[],"dev":true,"dev-package-names":["phpunit/phpunit"]}' > /app/vendor/composer/installed.json
