FROM ruby:3
# waste package-cache @/usr/local/bundle/cache A
# waste build-objects @/usr/local/bundle/gems/fast-1.0.0/ext/fast.o A
# near: the extension that was built, once beside its sources and once where it is loaded from
RUN mkdir -p /opt/g/ext /opt/g/lib && cd /opt/g && printf '#include <ruby.h>\nvoid Init_fast(void) { rb_define_module("Fast"); }\n' > ext/fast.c && printf 'require "mkmf"\ncreate_makefile "fast"\n' > ext/extconf.rb \
    && printf 'Gem::Specification.new { |s| s.name = "fast"; s.version = "1.0.0"; s.summary = "a"; s.authors = ["a"]; s.files = ["ext/fast.c", "ext/extconf.rb"]; s.extensions = ["ext/extconf.rb"]; s.license = "MIT" }\n' > fast.gemspec \
    && gem build fast.gemspec && gem install --local --no-document ./fast-1.0.0.gem && rm -rf /opt/g
CMD ["ruby", "-e", "require 'fast'"]
