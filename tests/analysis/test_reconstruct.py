"""What an image's history says, as instructions that a Dockerfile can hold."""

from __future__ import annotations

import pytest

from msbtui.analysis.model import Base
from msbtui.analysis.reconstruct import instruction_text, reconstruct
from msbtui.dockerfile.parser import parse
from msbtui.image.model import HistoryItem, Image, ImageConfig

CHECK = '&{["CMD-SHELL" "curl -fs http://127.0.0.1:${PORT}/ || exit 1"] "30s" "0s" "0s" "0s" \'\\x00\'}'


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ('CMD ["python" "-m" "app"]', 'CMD ["python", "-m", "app"]'),
        ('/bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"]', 'CMD ["nginx", "-g", "daemon off;"]'),
        ('ENTRYPOINT ["/bin/say" "a \\"b\\" c" "[d]"]', 'ENTRYPOINT ["/bin/say", "a \\"b\\" c", "[d]"]'),
        ('CMD ["a", "b"]', 'CMD ["a", "b"]'),
        ('CMD ["one"]', 'CMD ["one"]'),
        ("CMD []", "CMD []"),
        ("CMD echo [a b]", "CMD echo [a b]"),
        ("VOLUME [/data /var/log]", 'VOLUME ["/data", "/var/log"]'),
        ("VOLUME /data", "VOLUME /data"),
        ("SHELL [/bin/bash -o pipefail -c]", 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]'),
        (f"HEALTHCHECK {CHECK}", "HEALTHCHECK --interval=30s CMD curl -fs http://127.0.0.1:${PORT}/ || exit 1"),
        (
            'HEALTHCHECK &{["CMD" "curl" "-f" "http://a/"] "30s" "3s" "1m0s" \'\\x03\'}',
            'HEALTHCHECK --interval=30s --timeout=3s --start-period=1m0s --retries=3 CMD ["curl", "-f", "http://a/"]',
        ),
        ('HEALTHCHECK &{["CMD-SHELL" "a"] "0s" "0s" "0s" "5s" \'\\n\'}', "HEALTHCHECK --start-interval=5s --retries=10 CMD a"),
        ('HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}', "HEALTHCHECK NONE"),
        ("HEALTHCHECK CMD true", "HEALTHCHECK CMD true"),
        ('HEALTHCHECK &{["CMD" "\\x00"] "0s"', 'HEALTHCHECK &{["CMD" "\\x00"] "0s"'),
    ],
)
def test_what_go_printed_becomes_what_a_dockerfile_takes(said: str, written: str) -> None:
    assert instruction_text(HistoryItem(created_by=said)) == written


def test_the_command_of_a_reconstructed_dockerfile_is_in_exec_form() -> None:
    said = ('ENTRYPOINT ["python" "-m"]', 'CMD ["app" "--port=80"]')
    image = Image("x", "sha256:0", "linux/amd64", ImageConfig(), tuple(HistoryItem(created_by=each) for each in said), [])
    text, _ = reconstruct(image, Base(0))
    assert text.endswith('ENTRYPOINT ["python", "-m"]\nCMD ["app", "--port=80"]\n')
    assert not parse(text).errors
