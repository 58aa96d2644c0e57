FROM ruby:3
# waste package-cache @/usr/local/bundle/cache A
# waste docs @/usr/local/bundle/doc,!/usr/share,!/usr/lib/ruby B
# near: the fonts, hard-linked to those of the package
# near: the gem itself
RUN mkdir -p /opt/g/lib && cd /opt/g && seq 1 40000 | sed 's/^/# /' > lib/thing.rb && echo 'class Thing; end' >> lib/thing.rb && printf 'Gem::Specification.new { |s| s.name = "thing"; s.version = "1.0.0"; s.summary = "a"; s.authors = ["a"]; s.files = ["lib/thing.rb"]; s.license = "MIT" }\n' > thing.gemspec \
    && gem build thing.gemspec && gem install --local --document=ri,rdoc ./thing-1.0.0.gem && rm -rf /opt/g
CMD ["ruby", "-e", "require 'thing'"]
