package modelpkg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
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

// Key signs packages: ECDSA on the curve P-256, or Ed25519.
type Key struct {
	private crypto.Signer
	public  PublicKey
}

// PublicKey verifies what its Key signed.
type PublicKey struct {
	public crypto.PublicKey // *ecdsa.PublicKey on P-256 or ed25519.PublicKey
	text   []byte           // PEM
}

// Public is the half that may be given away.
func (k *Key) Public() PublicKey { return k.public }

// KeyID names the key: that of its public half.
func (k *Key) KeyID() string { return k.public.KeyID() }

// sign gives the signature of a text as DSSE has it: ECDSA over its SHA-256 in
// ASN.1 DER, or Ed25519 over the text itself.
func (k *Key) sign(text []byte) ([]byte, error) {
	if _, pure := k.private.(ed25519.PrivateKey); pure {
		return k.private.Sign(rand.Reader, text, crypto.Hash(0))
	}
	hash := sha256.Sum256(text)
	return k.private.Sign(rand.Reader, hash[:], crypto.SHA256)
}

// verifies says whether sig is this key's over the text.
func (p PublicKey) verifies(text, sig []byte) bool {
	switch public := p.public.(type) {
	case *ecdsa.PublicKey:
		hash := sha256.Sum256(text)
		return ecdsa.VerifyASN1(public, hash[:], sig)
	case ed25519.PublicKey:
		return ed25519.Verify(public, text, sig)
	}
	return false // the zero PublicKey trusts nothing
}

// KeyID is the SHA-256 of the public key's PEM text in hexadecimal, as OpenSSF
// Model Signing names keys.
func (p PublicKey) KeyID() string {
	sum := sha256.Sum256(p.text)
	return hex.EncodeToString(sum[:])
}

// PEM is the public key as a SubjectPublicKeyInfo.
func (p PublicKey) PEM() []byte { return append([]byte(nil), p.text...) }

func newPublicKey(public crypto.PublicKey) (PublicKey, error) {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return PublicKey{}, fmt.Errorf("key is on the curve %s: P-256 is needed", key.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return PublicKey{}, fmt.Errorf("it is a %T: a key of ECDSA on P-256 or of Ed25519 is needed", public)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return PublicKey{}, err
	}
	return PublicKey{public, pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der})}, nil
}

// publicBlock is the PEM type of public keys.
const publicBlock = "PUBLIC KEY"

// ParseKey reads a private key in PEM: ECDSA on P-256 as PKCS #8 or SEC 1, or
// Ed25519 as PKCS #8. Errors never quote the text.
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
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("parse signing key: it is a %T: a key of ECDSA on P-256 or of Ed25519 is needed", parsed)
	}
	public, err := newPublicKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("parse signing key: %w", err)
	}
	return &Key{private, public}, nil
}

// ParsePublicKey reads a public key in PEM, of ECDSA on P-256 or of Ed25519.
func ParsePublicKey(text []byte) (PublicKey, error) {
	keys, err := ParsePublicKeys(text)
	if err == nil && len(keys) > 1 {
		err = fmt.Errorf("parse public key: there are %d, one is needed", len(keys))
	}
	if err != nil {
		return PublicKey{}, err
	}
	return keys[0], nil
}

// ParsePublicKeys reads one public key or more, one PEM block each. A private
// key among them is an error: it does not belong where one only verifies.
func ParsePublicKeys(text []byte) ([]PublicKey, error) {
	var keys []PublicKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != publicBlock {
			return nil, fmt.Errorf("parse public key: PEM block %q: %s is needed", block.Type, publicBlock)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse public key: %w", err)
		}
		key, err := newPublicKey(parsed)
		if err != nil {
			return nil, fmt.Errorf("parse public key: %w", err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("parse public key: no PEM block %s", publicBlock)
	}
	return keys, nil
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
