package objstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"puenktlich/schemas"
)

// Ref names an object and its content. Rows is not known here and stays 0.
type Ref = schemas.ObjectRef

// Object is what a bucket says of an object.
type Object struct {
	Key       string
	SizeBytes int64
	// ETag is the version for PutIfMatch. It is opaque, and no digest.
	ETag string
	// SHA256 is the one written with the object, empty for an object of another
	// program's and in a List.
	SHA256     string
	ModifiedAt time.Time // the server's time
}

const shaMetadata = "sha256"

func sum(body []byte) string {
	digest := sha256.Sum256(body)
	return hex.EncodeToString(digest[:])
}

// verify compares a digest with the wanted one; an empty one is not wanted.
func verify(key, got, want string) error {
	if want != "" && got != want {
		return fmt.Errorf("read %s: %w: sha256 is %s, want %s", key, ErrCorrupt, got, want)
	}
	return nil
}
