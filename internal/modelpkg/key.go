package modelpkg

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key signs packages: ECDSA on the curve P-256.
type Key struct{ private *ecdsa.PrivateKey }

// PublicKey verifies what its Key signed.
type PublicKey struct {
	public *ecdsa.PublicKey
	text   []byte // PEM
}

// Public is the half that may be given away.
func (k *Key) Public() PublicKey {
	p, _ := newPublicKey(&k.private.PublicKey) // encodes since its curve was checked
	return p
}

// KeyID names the key: that of its public half.
func (k *Key) KeyID() string { return k.Public().KeyID() }

// KeyID is the SHA-256 of the public key's PEM text in hexadecimal, as OpenSSF
// Model Signing names keys.
func (p PublicKey) KeyID() string {
	sum := sha256.Sum256(p.text)
	return hex.EncodeToString(sum[:])
}

// PEM is the public key as a SubjectPublicKeyInfo.
func (p PublicKey) PEM() []byte { return append([]byte(nil), p.text...) }

func newPublicKey(public *ecdsa.PublicKey) (PublicKey, error) {
	if public.Curve != elliptic.P256() {
		return PublicKey{}, fmt.Errorf("key is on the curve %s: P-256 is needed", public.Curve.Params().Name)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return PublicKey{}, err
	}
	return PublicKey{public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, nil
}

// ParseKey reads a private key in PEM, as PKCS #8 or SEC 1, on P-256. Errors
// never quote the text.
func ParseKey(text []byte) (*Key, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("parse signing key: no PEM block")
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("parse signing key: PEM block %q: PRIVATE KEY is needed, not encrypted", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("parse signing key: %w", err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("parse signing key: it is a %T: an ECDSA key on P-256 is needed", parsed)
	}
	if _, err := newPublicKey(&private.PublicKey); err != nil {
		return nil, fmt.Errorf("parse signing key: %w", err)
	}
	return &Key{private}, nil
}

// ParsePublicKey reads a public key in PEM, on P-256.
func ParsePublicKey(text []byte) (PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return PublicKey{}, errors.New("parse public key: no PEM block PUBLIC KEY")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("parse public key: %w", err)
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return PublicKey{}, fmt.Errorf("parse public key: it is a %T: an ECDSA key on P-256 is needed", parsed)
	}
	p, err := newPublicKey(public)
	if err != nil {
		return PublicKey{}, fmt.Errorf("parse public key: %w", err)
	}
	return p, nil
}

// LoadOrCreateKey reads the private key at path, and makes one there, readable
// by its owner alone, where there is none. Of several processes that make one
// at the same time all get the same.
func LoadOrCreateKey(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createKey(path); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	key, err := ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	return key, nil
}

// createKey links a whole file into place, which fails where one is already:
// nobody sees half a key and nobody's key is overwritten.
func createKey(path string) error {
	text, err := newKeyText()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func newKeyText() ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
