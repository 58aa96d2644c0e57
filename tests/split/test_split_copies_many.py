"""However much is scattered, the copies stay far below the layers that an image can have."""

from __future__ import annotations

from split_world import MEGABYTE, F, World, elf, toolchain

from msbtui.image.model import ImageConfig

CONFIG = ImageConfig(env=("PATH=/usr/local/bin:/usr/bin:/bin",), cmd=("node", "/srv/app/main.js"), workdir="/srv/app")
TEXT = 'FROM debian:bookworm\nWORKDIR /srv/app\nRUN build\nCOPY . .\nCMD ["node", "/srv/app/main.js"]\n'


def test_scattered_files_come_with_their_directories():
    made: dict[str, F] = {"usr/local/bin/node": elf("libc.so.6", size=9 * MEGABYTE)}
    for number in range(200):
        made[f"srv/app/part{number}/x.js"] = F("x")
        made[f"srv/app/part{number}/y.js"] = F("y")
        made[f"srv/app/part{number}/.cache/pip/1"] = F(size=1000)
    made["srv/app/part0/.cache/pip/2"] = F(size=3 * MEGABYTE)
    layers = [
        ("RUN /bin/sh -c apt-get update && apt-get install -y gcc make # buildkit", toolchain()),
        ("RUN /bin/sh -c build # buildkit", made),
        ("COPY . . # buildkit", {"srv/app/main.js": F("require('x')")}),
    ]
    for rung in ("selective", "trees", "everything"):
        plan = World(TEXT, layers, config=CONFIG).plan(rung=rung)
        assert plan.dockerfile.count("COPY --from") <= 60, rung
        assert {"srv/app/part7/x.js", "srv/app/part199/y.js", "srv/app/main.js"} <= set(plan.kept)


def test_many_commands_come_with_their_directory_and_few_by_name():
    def copied(count: int, **more: F) -> str:
        made: dict[str, object] = {"usr/local/bin/served": elf("libc.so.6")}
        made |= {f"usr/local/bin/tool{number}": F("#!/bin/sh\n", mode=0o755) for number in range(count)}
        made |= {f"usr/local/bin/{name}": file for name, file in more.items()}
        layers = [
            ("RUN /bin/sh -c apt-get install -y gcc make # buildkit", toolchain()),
            ("RUN /bin/sh -c make install # buildkit", made),
        ]
        config = ImageConfig(env=CONFIG.env, cmd=("served",))
        text = 'FROM debian:bookworm\nRUN apt-get install -y gcc make\nRUN make install\nCMD ["served"]\n'
        return World(text, layers, config).runtime()

    assert "COPY --from=build /usr/local/bin /usr/local/bin\n" in copied(30)
    assert "/usr/local/bin/tool3 " in copied(5)
    assert "COPY --from=build /usr/local/bin /usr/local/bin\n" not in copied(5)
    # what must stay behind does not come along
    assert "COPY --from=build /usr/local/bin /usr/local/bin\n" not in copied(30, poetry=F("x", mode=0o755))
