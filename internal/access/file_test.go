package access_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/access"
)

// TestKeysInAFile: the document of keys as a file of this machine. Of those who make
// keys at once none is lost, the file is its owner's alone, and holds no secret.
func TestKeysInAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	book := access.Book{Store: access.File{Path: path}, NotFound: fs.ErrNotExist}
	keys, err := book.Keys(t.Context())
	require.NoError(t, err)
	require.Empty(t, keys, "no file is no key")
	var making sync.WaitGroup
	secrets := make([]string, 4)
	for i := range secrets {
		making.Go(func() {
			_, secret, err := book.Create(context.Background(), want(fmt.Sprint("caller ", i), access.RolePredict), noon)
			if err != nil {
				t.Error(err)
			}
			secrets[i] = secret
		})
	}
	making.Wait()
	keys, err = book.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, len(secrets))
	_, err = book.Revoke(t.Context(), "caller 2", "anna", noon)
	require.NoError(t, err)
	g := access.NewGate(access.GateOptions{Ring: ring(t, book), Now: (&hand{noon}).now})
	for i, secret := range secrets {
		require.Equal(t, i == 2, outcome(g, secret, access.RolePredict) != 0, "caller %d", i)
	}
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, secret := range secrets {
		require.False(t, strings.Contains(string(body), secret[len(secret)-20:]))
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	_, etag, err := access.File{Path: path}.Get(t.Context(), "")
	require.NoError(t, err)
	_, err = access.File{Path: path}.PutIfMatch(t.Context(), "", body, etag+"0")
	require.ErrorContains(t, err, "changed in between")
	require.Error(t, access.File{Path: path}.PutIfAbsent(t.Context(), "", body))
}
