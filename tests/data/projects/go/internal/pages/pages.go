// Package pages reads a folder of Markdown pages.
package pages

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
)

// Page is one Markdown file.
type Page struct {
	Name  string // the file's name without its suffix
	Title string // its first heading, or its name
	Text  []byte
}

// Words counts the words of the page as written.
func (p Page) Words() int { return len(bytes.Fields(p.Text)) }

// Read gives the pages of a folder in the order of their names.
func Read(folder fs.FS) ([]Page, error) {
	files, err := fs.Glob(folder, "*.md")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no pages (*.md) there")
	}
	sort.Strings(files)
	var pages []Page
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(path.Base(file), ".md")
		pages = append(pages, Page{Name: name, Title: title(text, name), Text: text})
	}
	return pages, nil
}

func title(text []byte, otherwise string) string {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if heading, ok := strings.CutPrefix(lines.Text(), "# "); ok {
			return strings.TrimSpace(heading)
		}
	}
	return otherwise
}
