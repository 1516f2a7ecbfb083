package objstore

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"puenktlich/internal/testenv"
)

func TestContentThatIsNotThatOfItsDigestIsCorrupt(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options(testenv.S3(t)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.put(t.Context(), s.object("k", bytes.NewReader([]byte("abc")), strings.Repeat("0", 64))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get(t.Context(), "k"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Get: %v, want ErrCorrupt", err)
	}
	if _, err := s.GetFile(t.Context(), Ref{Key: "k"}, filepath.Join(t.TempDir(), "k")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("GetFile: %v, want ErrCorrupt", err)
	}
}
