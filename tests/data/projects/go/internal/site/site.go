// Package site turns pages into HTML and serves them.
package site

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"example.org/handbook/internal/pages"
)

//go:embed layout.html
var layoutText string

var (
	layout   = template.Must(template.New("layout").Parse(layoutText))
	markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.TaskList))
)

// Site holds every page, ready to be sent.
type Site struct {
	names []string
	html  map[string][]byte
}

// New renders the pages.
func New(all []pages.Page) (*Site, error) {
	site := &Site{html: map[string][]byte{}}
	for _, page := range all {
		var body, out bytes.Buffer
		if err := markdown.Convert(page.Text, &body); err != nil {
			return nil, fmt.Errorf("%s: %w", page.Name, err)
		}
		data := struct {
			Title string
			Pages []pages.Page
			Body  template.HTML
		}{page.Title, all, template.HTML(body.String())}
		if err := layout.Execute(&out, data); err != nil {
			return nil, fmt.Errorf("%s: %w", page.Name, err)
		}
		site.names = append(site.names, page.Name)
		site.html[page.Name] = out.Bytes()
	}
	return site, nil
}

// ServeHTTP answers GET /NAME; / is the first page.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(r.URL.Path, "/")
	if name == "" {
		name = s.names[0]
	}
	html, found := s.html[name]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(html)
}
