FROM golang:1
WORKDIR /src
# waste package-cache @/root/.cache/go-build A
# waste package-cache @/go/pkg/mod A
# waste package-cache @/go/pkg/sumdb A
# waste sources @/src B
# also debug-symbols log-temp
RUN printf 'module example.com/m\ngo 1.21\nrequire github.com/pkg/errors v0.9.1\n' > go.mod && printf 'package main\nimport "github.com/pkg/errors"\nfunc main() { println(errors.New("x").Error()) }\n' > main.go && go mod tidy && CGO_ENABLED=0 go build -o /usr/local/bin/app .
CMD ["/usr/local/bin/app"]
