package oci

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Pushed says under which address something can be pulled.
type Pushed struct {
	Address string // host/repository:tag
	Digest  string // of its manifest, sha256:...
}

// Push sends an image or artefact to HOST/REPOSITORY:TAG, all three required:
// nothing is sent anywhere by default. Where the registry asks for credentials,
// those that `docker login` keeps are used. plainHTTP is for a registry without
// TLS; one on loopback is asked without in any case.
func Push(ctx context.Context, address string, image v1.Image, plainHTTP bool) (Pushed, error) {
	options := []name.Option{name.StrictValidation}
	if plainHTTP {
		options = append(options, name.Insecure)
	}
	tag, err := name.NewTag(address, options...)
	if err != nil {
		return Pushed{}, fmt.Errorf("push to %q: want HOST/REPOSITORY:TAG: %w", address, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return Pushed{}, fmt.Errorf("push to %s: %w", tag, err)
	}
	if err := remote.Write(tag, image, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return Pushed{}, fmt.Errorf("push to %s: %w", tag, err)
	}
	return Pushed{tag.String(), digest.String()}, nil
}
