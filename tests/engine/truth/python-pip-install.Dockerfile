FROM python:3.11-slim
# waste package-cache @/root/.cache/pip A
# waste bytecode @/usr/local/lib/python3.11,=*.pyc B
# near: the package
RUN pip install idna==3.10
CMD ["python", "-c", "import idna"]
