FROM composer:2
WORKDIR /app
# waste dev-dependencies @/app/vendor/a/checker,!/app/vendor/a/checker/.git A
# waste vcs @/app/vendor/a/library/.git A
# waste vcs @/app/vendor/a/checker/.git A
# waste package-cache @/root/.composer/cache A
# near: vendor is the program
RUN for n in library checker; do mkdir -p /opt/$n && cd /opt/$n && git init -q -b main && seq 1 20000 | sed 's/^/# /' | sed '1i <?php' > $n.php && printf '{"name":"a/%s","version":"1.0.0"}' $n > composer.json && git add . && git -c user.name=a -c user.email=a@a commit -q -m a; done \
    && cd /app && printf '{"repositories":[{"type":"vcs","url":"file:///opt/library"},{"type":"vcs","url":"file:///opt/checker"},{"packagist.org":false}],"require":{"a/library":"dev-main"},"require-dev":{"a/checker":"dev-main"},"minimum-stability":"dev"}' > composer.json && composer install -q && rm -rf /opt/library /opt/checker
CMD ["php", "-r", "require '/app/vendor/autoload.php';"]
