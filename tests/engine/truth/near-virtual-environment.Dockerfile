FROM python:3.11-slim
# near: a virtual environment that the container runs in is no junk
RUN export PYTHONDONTWRITEBYTECODE=1 && python -m venv --without-pip /app/.venv && mkdir /app/.venv/lib/python3.11/site-packages/big && seq 1 40000 | sed 's/^/# /' > /app/.venv/lib/python3.11/site-packages/big/__init__.py
ENV PATH=/app/.venv/bin:/usr/local/bin:/usr/bin:/bin
CMD ["python", "-c", "import big"]
