FROM python:3.11-slim
RUN pip install --no-cache-dir --no-compile uv==0.4.30 && rm -rf /usr/local/lib/python3.11/__pycache__
# waste package-cache @/root/.cache/uv,!/usr/local/lib A
# near: files of the cache that are hard-linked into site-packages cost nothing a second time
RUN UV_LINK_MODE=hardlink uv pip install --system idna==3.10
CMD ["python", "-c", "import idna"]
