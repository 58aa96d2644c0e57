FROM python:3.11-slim
RUN pip install --no-cache-dir --no-compile uv==0.4.30 && find / -xdev -name '*.pyc' -newer /usr/local/bin/uv -delete
WORKDIR /app
# also bytecode
# waste package-cache @/root/.cache/uv,!/app/.venv A
# near: the virtual environment, which uv tags as a cache
RUN uv venv /app/.venv && UV_LINK_MODE=hardlink uv pip install --python /app/.venv/bin/python idna==3.10 && printf 'Signature: 8a477f597d28d172789f06886806bc55\n' > /app/.venv/CACHEDIR.TAG
CMD ["uv", "run", "python", "-c", "import idna"]
