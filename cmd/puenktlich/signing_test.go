package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/config"
	"puenktlich/internal/modelpkg"
)

func TestKeysOfARole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, err := modelpkg.LoadOrCreateKey(filepath.Join(dir, "ours.pem"))
	require.NoError(t, err)
	theirs, err := modelpkg.LoadOrCreateKey(filepath.Join(dir, "theirs.pem"))
	require.NoError(t, err)
	public := filepath.Join(dir, "public.pem")
	require.NoError(t, os.WriteFile(public, append(ours.Public().PEM(), theirs.Public().PEM()...), 0o644))
	secret, err := os.ReadFile(filepath.Join(dir, "ours.pem"))
	require.NoError(t, err)

	fresh := filepath.Join(dir, "fresh")
	key, trusted, err := packageKeys(config.Config{DataDir: fresh})
	require.NoError(t, err)
	require.Equal(t, key.KeyID(), trusted[0].KeyID())
	require.FileExists(t, filepath.Join(fresh, "signing-key.pem"))

	none := filepath.Join(dir, "none")
	key, trusted, err = packageKeys(config.Config{DataDir: none, TrustedKeys: public})
	require.NoError(t, err)
	require.Nil(t, key, "public keys alone")
	require.Len(t, trusted, 2)
	require.NoDirExists(t, none, "no private key is made where one only verifies")

	key, trusted, err = packageKeys(config.Config{SigningKey: string(secret), TrustedKeys: string(ours.Public().PEM())})
	require.NoError(t, err)
	require.Equal(t, ours.KeyID(), key.KeyID())
	require.Len(t, trusted, 1)

	for name, wrong := range map[string]struct {
		c    config.Config
		want string
	}{
		"another key":     {config.Config{SigningKey: filepath.Join(dir, "theirs.pem"), TrustedKeys: string(ours.Public().PEM())}, "would be refused"},
		"a private one":   {config.Config{TrustedKeys: filepath.Join(dir, "ours.pem")}, "PUBLIC KEY is needed"},
		"no such file":    {config.Config{TrustedKeys: filepath.Join(dir, "gone.pem")}, "PUENKTLICH_TRUSTED_KEYS"},
		"nothing but ','": {config.Config{TrustedKeys: " , "}, "names no file"},
		"broken text":     {config.Config{SigningKey: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"}, "PUENKTLICH_SIGNING_KEY: parse signing key"},
	} {
		_, _, err := packageKeys(wrong.c)
		require.ErrorContains(t, err, wrong.want, name)
		require.NotContains(t, err.Error(), "AAAA", name)
	}
}
