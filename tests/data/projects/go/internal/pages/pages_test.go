package pages

import (
	"testing"
	"testing/fstest"
)

func TestTitleIsTheFirstHeading(t *testing.T) {
	got, err := Read(fstest.MapFS{
		"b.md": {Data: []byte("no heading\n")},
		"a.md": {Data: []byte("intro\n# The title\n# another\n")},
	})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if got[0].Title != "The title" || got[1].Title != "b" {
		t.Errorf("titles: %q, %q", got[0].Title, got[1].Title)
	}
}

func TestAnEmptyFolderIsAnError(t *testing.T) {
	if _, err := Read(fstest.MapFS{}); err == nil {
		t.Error("no error")
	}
}
