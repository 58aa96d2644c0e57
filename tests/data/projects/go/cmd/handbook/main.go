// Command handbook serves a folder of Markdown pages as a web site.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"example.org/handbook/internal/pages"
	"example.org/handbook/internal/site"
)

func main() {
	folder := flag.String("pages", "/usr/local/share/handbook", "folder of the pages")
	address := flag.String("listen", ":8080", "address to listen on")
	check := flag.Bool("check", false, "ask a server of our own for every page, print what it says, and leave")
	flag.Parse()

	path, err := filepath.Abs(*folder)
	if err != nil {
		log.Fatal(err)
	}
	all, err := pages.Read(os.DirFS(path))
	if err != nil {
		log.Fatalf("handbook: %s: %v", path, err)
	}
	handler, err := site.New(all)
	if err != nil {
		log.Fatalf("handbook: %v", err)
	}
	if *check {
		*address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatalf("handbook: %v", err)
	}
	if !*check {
		log.Printf("handbook: %d pages on %s", len(all), listener.Addr())
		log.Fatal(http.Serve(listener, handler))
	}
	go func() { log.Fatal(http.Serve(listener, handler)) }()
	if err := ask("http://"+listener.Addr().String(), all); err != nil {
		log.Fatalf("handbook: %v", err)
	}
}

// ask prints, for every page, its length and digest as a browser would get it.
func ask(base string, all []pages.Page) error {
	for _, page := range all {
		reply, err := http.Get(base + "/" + page.Name)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err != nil {
			return err
		}
		fmt.Printf("%-12s %-28s %4d words  %d  %5d bytes  %x\n",
			page.Name, page.Title, page.Words(), reply.StatusCode, len(body), sha256.Sum256(body))
	}
	return nil
}
