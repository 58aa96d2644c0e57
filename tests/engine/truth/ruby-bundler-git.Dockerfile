FROM ruby:3
# waste vcs @/opt/g/.git A
RUN mkdir -p /opt/g/lib && cd /opt/g && git init -q -b master && echo 'class Thing; end' > lib/thing.rb && printf 'Gem::Specification.new { |s| s.name = "thing"; s.version = "1.0.0"; s.summary = "a"; s.authors = ["a"]; s.files = ["lib/thing.rb"] }\n' > thing.gemspec && git add . && git -c user.name=a -c user.email=a@a commit -q -m a
WORKDIR /app
# waste vcs @/usr/local/bundle/bundler/gems/g-*/.git A
# waste package-cache @/usr/local/bundle/cache/bundler,!/usr/local/bundle/bundler A
# near: the gem that was checked out
RUN printf 'gem "thing", git: "/opt/g", branch: "master"\n' > Gemfile && bundle install
CMD ["bundle", "exec", "ruby", "-e", "require 'thing'"]
