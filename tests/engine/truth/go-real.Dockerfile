FROM golang:1
WORKDIR /src
# waste package-cache @/root/.cache/go-build A
# also sources overwritten-later debug-symbols
RUN printf 'module example.com/m\ngo 1.21\n' > go.mod && printf 'package main\nfunc main() { println(1) }\n' > main.go && GOTOOLCHAIN=local CGO_ENABLED=0 go build -o /usr/local/bin/app .
CMD ["/usr/local/bin/app"]
