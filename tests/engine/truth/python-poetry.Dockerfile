FROM python:3.11-slim
RUN pip install --no-cache-dir --no-compile poetry==1.8.4 && rm -rf /tmp/*
WORKDIR /app
# waste package-cache @/root/.cache/pypoetry A
# near: what poetry installed
# also bytecode
RUN export REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt && printf '[tool.poetry]\nname = "app"\nversion = "1.0.0"\ndescription = ""\nauthors = []\npackage-mode = false\n[tool.poetry.dependencies]\npython = "^3.11"\nidna = "3.10"\n' > pyproject.toml && poetry config virtualenvs.create false && poetry install
CMD ["python", "-c", "import idna"]
