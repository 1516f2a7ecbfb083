package objstore

import (
	"fmt"
	"strings"
)

const maxKeyBytes = 1024 // S3's limit

// checkKey refuses keys that some gateway would read as another one, or as a
// path out of its directory.
func checkKey(key string) error {
	if key == "" || len(key) > maxKeyBytes {
		return fmt.Errorf("%w %q: want 1 to %d bytes", ErrBadKey, key, maxKeyBytes)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("%w %q: want names joined by single slashes, none of them . or ..", ErrBadKey, key)
		}
	}
	for _, r := range key {
		if r < ' ' || r == 0x7f || r == '\\' || r == '\uFFFD' {
			return fmt.Errorf("%w %q: character %q", ErrBadKey, key, r)
		}
	}
	return nil
}
