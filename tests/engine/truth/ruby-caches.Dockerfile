FROM debian:bookworm-slim
# waste package-cache 25003 A
# near: installed gems
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/local/bundle/cache/rack-3.gem 25001; \
    mk /usr/local/lib/ruby/gems/3.3.0/cache/rake-13.gem 2; \
    mk /usr/local/bundle/gems/rack-3/lib/rack.rb 5000
