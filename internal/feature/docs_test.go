package feature

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write docs/features.md instead of comparing it")

func TestDocumentIsUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "features.md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(MarkdownTable()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != MarkdownTable() {
		t.Errorf("%s differs from the catalogue; run: go test ./internal/feature -run TestDocument -update", path)
	}
}
