"""What runs inside both images to load every library: one JSON line for each, [name, where, loaded, what it said]."""

from __future__ import annotations

PYTHON = r"""
import json, os, re, signal, sys, time
until = time.time() + 120
def found():
    try:
        from importlib.metadata import distributions
    except ImportError:
        import pkg_resources
        for one in pkg_resources.working_set:
            names = one.get_metadata("top_level.txt").split() if one.has_metadata("top_level.txt") else []
            yield one.project_name, getattr(one, "egg_info", "") or "", names
        return
    for one in distributions():
        text = one.read_text("top_level.txt")
        names = text.split() if text else []
        if not names:
            for file in one.files or ():
                parts = str(file).split("/")
                if len(parts) == 2 and parts[1] == "__init__.py":
                    names.append(parts[0])
                elif len(parts) == 1 and re.match(r"[A-Za-z]\w*(\.py|\.[\w.-]*so)$", parts[0]):
                    names.append(parts[0].split(".")[0])
        yield one.metadata["Name"], str(getattr(one, "_path", "")), names
def load(name):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        signal.alarm(25)
        code, said = 0, b""
        try:
            __import__(name)
        except BaseException as error:
            import traceback
            code = 1
            said = (traceback.format_exc()[-1500:] + "\n%s: %s" % (type(error).__name__, error)).encode("utf-8", "replace")
        os.write(writer, said[-3000:])
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read(4000)
    status = os.waitpid(child, 0)[1]
    return status == 0, said.decode("utf-8", "replace") or ("ended with status %d" % status if status else "")
sys.path[:] = [part for part in sys.path if part]
done = set()
for project, where, names in sorted(found(), key=lambda one: str(one[0])):
    for name in names:
        if not re.match(r"[A-Za-z]\w*$", name) or name in done or name in ("tests", "test", "docs", "examples", "__pycache__"):
            continue
        done.add(name)
        if time.time() > until:
            print(json.dumps(["", "", False, "out of time"]), flush=True)
            sys.exit()
        loaded, said = load(name)
        print(json.dumps([name, where, loaded, said]), flush=True)
"""
NODE = r"""
const fs = require('fs'), path = require('path'), { spawnSync } = require('child_process');
const until = Date.now() + 120000;
const names = Object.keys(JSON.parse(fs.readFileSync('package.json', 'utf8')).dependencies || {});
for (const name of names) {
  if (Date.now() > until) { console.log(JSON.stringify(['', '', false, 'out of time'])); break; }
  const code = 'Promise.resolve().then(() => { try { require(' + JSON.stringify(name) + ') } catch (e) { ' +
    'if (["ERR_REQUIRE_ESM", "ERR_PACKAGE_PATH_NOT_EXPORTED", "ERR_REQUIRE_ASYNC_MODULE"].includes(e.code)) return import(' +
    JSON.stringify(name) + '); throw e } }).then(() => process.exit(0), e => { console.error(e); process.exit(1) })';
  const r = spawnSync(process.execPath, ['-e', code], { timeout: 25000, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  const said = (r.stderr || '').slice(-3000) || (r.error ? String(r.error) : '');
  console.log(JSON.stringify([name, path.join(process.cwd(), 'node_modules', name), r.status === 0, r.status === 0 ? '' : said]));
}
"""

RUBY = r"""
require 'json'
deadline = Time.now + 120
if File.file?('Gemfile')
  begin; require 'bundler/setup'; rescue LoadError, StandardError; end
end
specs = defined?(Bundler) && File.file?('Gemfile') ? Gem.loaded_specs.values : Gem::Specification.to_a
specs.uniq(&:name).sort_by(&:name).each do |spec|
  next if spec.default_gem?
  names = [spec.name, spec.name.tr('-', '/'), spec.name.tr('-', '_')].uniq
  names = names.select { |name| spec.full_require_paths.any? { |dir| Dir.glob(File.join(dir, name + '.{rb,so}')).any? } }
  next if names.empty?
  if Time.now > deadline
    puts JSON.generate(['', '', false, 'out of time']); break
  end
  reader, writer = IO.pipe
  child = fork do
    reader.close
    [STDIN, STDOUT, STDERR].each { |stream| stream.reopen(File::NULL, 'r+') }
    begin
      require names.first
      exit!(0)
    rescue Exception => error
      writer.write("#{error.class}: #{error.message}\n#{error.backtrace.first(5).join("\n")}"[0, 3000])
      writer.close
      exit!(1)
    end
  end
  writer.close
  said = reader.read
  _, status = Process.wait2(child)
  puts JSON.generate([spec.name, spec.full_gem_path, status.success? ? true : false, said.to_s.scrub]); $stdout.flush
end
"""

PHP = "foreach (get_loaded_extensions() as $name) { echo json_encode([$name, '', true, '']), \"\\n\"; }"
