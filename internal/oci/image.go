package oci

import (
	"fmt"
	"path"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"puenktlich/internal/modelpkg"
)

// Places inside the image.
const (
	programPath = "/usr/local/bin/puenktlich"
	packagePath = "/package"
	keysPath    = "/keys/trusted.pem"
	dataPath    = "/data"
)

// user runs the program: neither root nor anybody the host knows.
const user = 10001

// port answers requests.
const port = 8080

// Labels of images beside those of the OCI specification.
const (
	LabelPackageDigest  = "puenktlich.package.digest"
	LabelFeatureVersion = "puenktlich.feature.version"
)

// ImageOptions are what an image is made of. All but Keys are required.
type ImageOptions struct {
	Program Program
	// Dir is a package that holds.
	Dir string
	// Keys are trusted by the program in the image; without any it serves the
	// package without a look at its signature.
	Keys []modelpkg.PublicKey
	// CodeVersion of the program.
	CodeVersion string
}

// Image makes an image whose program serves the package in it.
func Image(o ImageOptions) (v1.Image, error) {
	m, entries, err := modelpkg.Entries(o.Dir)
	if err != nil {
		return nil, err
	}
	config, err := o.config(m)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return nil, fmt.Errorf("image of %s: %w", m, err)
	}
	for _, part := range []struct {
		says  string
		nodes []node
	}{
		{"C library, user, writable directories", surroundings(o.Program)},
		{"program", []node{{path: programPath, mode: 0o755, body: o.Program.Body}}},
		{"package " + m.String(), o.contents(entries)},
	} {
		made, err := layer(part.nodes, m.Created)
		if err != nil {
			return nil, fmt.Errorf("image of %s: %s: %w", m, part.says, err)
		}
		history := v1.History{Created: v1.Time{Time: m.Created.UTC()}, CreatedBy: "puenktlich package export", Comment: part.says}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: made, History: history, MediaType: types.OCILayer}); err != nil {
			return nil, fmt.Errorf("image of %s: %w", m, err)
		}
	}
	return mutate.Annotations(image, config.Config.Labels).(v1.Image), nil
}

// surroundings are what a program finds in its file system.
func surroundings(p Program) []node {
	id := strconv.Itoa(user)
	nodes := []node{
		{path: "/etc/passwd", mode: 0o644, body: []byte("root:x:0:0:root:/:/sbin/nologin\npuenktlich:x:" + id + ":" + id + "::" + dataPath + ":/sbin/nologin\n")},
		{path: "/etc/group", mode: 0o644, body: []byte("root:x:0:\npuenktlich:x:" + id + ":\n")},
		{path: "/tmp", mode: 0o1777, dir: true},
		{path: dataPath, mode: 0o750, owner: user, dir: true},
	}
	for at, body := range p.Libraries {
		nodes = append(nodes, node{path: at, mode: 0o755, body: body})
	}
	return nodes
}

// contents are the package and the keys it is trusted by.
func (o ImageOptions) contents(entries []modelpkg.Entry) []node {
	var nodes []node
	for _, e := range entries {
		nodes = append(nodes, node{path: path.Join(packagePath, e.Path), mode: 0o644, body: e.Body})
	}
	var keys []byte
	for _, k := range o.Keys {
		keys = append(keys, k.PEM()...)
	}
	if len(keys) > 0 {
		nodes = append(nodes, node{path: keysPath, mode: 0o644, body: keys})
	}
	return nodes
}

func (o ImageOptions) config(m modelpkg.Manifest) (*v1.ConfigFile, error) {
	digest, err := modelpkg.Digest(o.Dir)
	if err != nil {
		return nil, err
	}
	command := []string{programPath, "serve", "--package", packagePath}
	environment := []string{"PUENKTLICH_DATA_DIR=" + dataPath, fmt.Sprintf("PUENKTLICH_LISTEN=0.0.0.0:%d", port)}
	if len(o.Keys) > 0 {
		environment = append(environment, "PUENKTLICH_TRUSTED_KEYS="+keysPath)
	} else {
		command = append(command, "--unsigned")
	}
	return &v1.ConfigFile{
		Architecture: o.Program.Architecture, OS: "linux", Created: v1.Time{Time: m.Created.UTC()},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: fmt.Sprintf("%d:%d", user, user), Entrypoint: command, Env: environment, WorkingDir: dataPath,
			ExposedPorts: map[string]struct{}{fmt.Sprintf("%d/tcp", port): {}}, Volumes: map[string]struct{}{dataPath: {}},
			Labels: labels(m, digest, o.CodeVersion),
		},
	}, nil
}

func labels(m modelpkg.Manifest, digest, codeVersion string) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       m.String(),
		"org.opencontainers.image.description": "Forecasts whether trains are on time: the model package " + m.String() + " and the program that serves it",
		"org.opencontainers.image.version":     strconv.Itoa(m.Version),
		"org.opencontainers.image.revision":    codeVersion,
		"org.opencontainers.image.created":     m.Created.UTC().Format("2006-01-02T15:04:05Z07:00"),
		LabelPackageDigest:                     digest,
		LabelFeatureVersion:                    m.FeatureVersion,
	}
}
