package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"puenktlich/internal/config"
	"puenktlich/internal/modelpkg"
)

// packageKeys are the key that signs, nil where only public keys are configured, and
// those that are trusted.
func packageKeys(c config.Config) (*modelpkg.Key, []modelpkg.PublicKey, error) {
	trusted, err := trustedKeys(c.TrustedKeys)
	if err != nil {
		return nil, nil, err
	}
	if c.SigningKey == "" && len(trusted) > 0 {
		return nil, trusted, nil
	}
	key, err := signingKey(c)
	if err != nil {
		return nil, nil, err
	}
	if len(trusted) == 0 {
		return key, []modelpkg.PublicKey{key.Public()}, nil
	}
	if !slices.ContainsFunc(trusted, func(k modelpkg.PublicKey) bool { return k.KeyID() == key.KeyID() }) {
		return nil, nil, fmt.Errorf("%[1]sSIGNING_KEY is the key %[2].12s, which is not among %[1]sTRUSTED_KEYS: what is packaged here would be refused", config.Prefix, key.KeyID())
	}
	return key, trusted, nil
}

// signingKey is the configured key, or one of this data directory, made at its
// first use.
func signingKey(c config.Config) (*modelpkg.Key, error) {
	if text, inline := config.PEM(c.SigningKey); inline {
		key, err := modelpkg.ParseKey([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("%sSIGNING_KEY: %w", config.Prefix, err)
		}
		return key, nil
	}
	if c.SigningKey != "" {
		return modelpkg.LoadOrCreateKey(c.SigningKey)
	}
	return modelpkg.LoadOrCreateKey(filepath.Join(c.DataDir, "signing-key.pem"))
}

// trustedKeys reads public keys out of files, or of the setting itself.
func trustedKeys(setting string) ([]modelpkg.PublicKey, error) {
	if text, inline := config.PEM(setting); inline {
		found, err := modelpkg.ParsePublicKeys([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("%sTRUSTED_KEYS: %w", config.Prefix, err)
		}
		return found, nil
	}
	var all []modelpkg.PublicKey
	for path := range strings.SplitSeq(setting, ",") {
		if path = strings.TrimSpace(path); path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%sTRUSTED_KEYS: %w", config.Prefix, err)
		}
		found, err := modelpkg.ParsePublicKeys(text)
		if err != nil {
			return nil, fmt.Errorf("%sTRUSTED_KEYS: %s: %w", config.Prefix, path, err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 && strings.TrimSpace(setting) != "" {
		return nil, errors.New(config.Prefix + "TRUSTED_KEYS names no file")
	}
	return all, nil
}
