package localstack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"puenktlich/internal/atomicfile"
)

// secrets are the credentials of the servers of one data directory, made at its
// first start.
type secrets struct {
	S3AccessKey        string `json:"s3_access_key"`
	S3SecretKey        string `json:"s3_secret_key"`
	ClickHousePassword string `json:"clickhouse_password"`
}

func loadSecrets(dir string) (secrets, error) {
	path := filepath.Join(dir, "secrets.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeSecrets(path)
	}
	if err != nil {
		return secrets{}, fmt.Errorf("secrets: %w", err)
	}
	var s secrets
	if err := json.Unmarshal(raw, &s); err != nil || s.S3AccessKey == "" || s.S3SecretKey == "" || s.ClickHousePassword == "" {
		return secrets{}, fmt.Errorf("secrets: %s is damaged: remove it, new ones are made at the next start", path)
	}
	return s, os.Chmod(path, 0o600)
}

func makeSecrets(path string) (secrets, error) {
	s := secrets{S3AccessKey: rand.Text(), S3SecretKey: rand.Text(), ClickHousePassword: rand.Text()}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return secrets{}, fmt.Errorf("secrets: %w", err)
	}
	if err := atomicfile.Write(path, 0o600, append(raw, '\n')); err != nil {
		return secrets{}, fmt.Errorf("secrets: %w", err)
	}
	return s, nil
}
