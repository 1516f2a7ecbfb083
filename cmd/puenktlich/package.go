package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"puenktlich/internal/config"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/registry"
	"puenktlich/schemas"
)

// packageCommand is everything one does with model packages. What reads a
// package needs no server: a directory or an archive is enough.
func packageCommand(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "package", Short: "build, verify, test, read, sign and export model packages"}
	cmd.AddCommand(packageBuildCommand(p), packageVerifyCommand(p), packageTestCommand(p), packageCardCommand(p), packageSignCommand(p), packageKeyCommand(p), packageExportCommand(p))
	return cmd
}

// opened is a package on this machine.
type opened struct {
	dir string
	// around is what an archive was unpacked into; empty for a directory.
	around string
}

// data is where an archive with all data keeps it; empty where there is none.
func (o opened) data() string {
	if o.around == "" {
		return ""
	}
	dir := filepath.Join(o.around, modelpkg.DataDir)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

func (o opened) close() {
	if o.around != "" {
		_ = os.RemoveAll(o.around)
	}
}

// openPackage takes a directory as it is and unpacks an archive of at most
// maxBytes. The caller closes.
func openPackage(path string, maxBytes int64) (opened, error) {
	info, err := os.Stat(path)
	if err != nil {
		return opened{}, fmt.Errorf("open package: %w", err)
	}
	if info.IsDir() {
		return opened{dir: path}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return opened{}, fmt.Errorf("open package: %w", err)
	}
	defer file.Close()
	o := opened{}
	if o.around, err = os.MkdirTemp("", "puenktlich-package-*"); err != nil {
		return opened{}, fmt.Errorf("open package: %w", err)
	}
	if o.dir, err = modelpkg.Unpack(file, o.around, maxBytes); err != nil {
		o.close()
		return opened{}, err
	}
	return o, nil
}

// reading are the flags of commands that read a package.
type reading struct {
	keys     []string
	unsigned bool
	maxBytes int64
}

func (r *reading) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&r.keys, "key", nil, "PEM file of a public or private key that may have signed; defaults to the configured keys, or that of the stack in this directory")
	cmd.Flags().BoolVar(&r.unsigned, "unsigned", false, "do not look at the signature")
	cmd.Flags().Int64Var(&r.maxBytes, "max-bytes", modelpkg.MaxArchiveBytes, "what an archive may unpack to")
}

// trusted are the keys to check with; none where the signature is not looked at.
func (r reading) trusted(p program) ([]modelpkg.PublicKey, error) {
	if r.unsigned {
		return nil, nil
	}
	if len(r.keys) > 0 {
		return readKeys(r.keys)
	}
	c, err := config.Load(append(savedEnvironment(p.environ), p.environ...), nil)
	if err != nil {
		return nil, err
	}
	if _, inline := config.PEM(c.SigningKey); c.TrustedKeys == "" && !inline { // one that is made now has signed nothing
		if _, err := os.Stat(cmp.Or(c.SigningKey, filepath.Join(c.DataDir, "signing-key.pem"))); err != nil {
			return nil, errors.New("there is no key to check the signature with: give --key FILE, or --unsigned to look at everything else")
		}
	}
	_, trusted, err := packageKeys(c)
	return trusted, err
}

// readKeys reads PEM files of public or private keys.
func readKeys(paths []string) ([]modelpkg.PublicKey, error) {
	var all []modelpkg.PublicKey
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		if private, err := modelpkg.ParseKey(text); err == nil {
			all = append(all, private.Public())
			continue
		}
		public, err := modelpkg.ParsePublicKeys(text)
		if err != nil {
			return nil, fmt.Errorf("--key %s: %w", path, err)
		}
		all = append(all, public...)
	}
	return all, nil
}

// shelf is the object store and the registry in it: all that reading registered
// packages needs.
type shelf struct {
	config   config.Config
	objects  *objstore.Store
	registry registry.Registry
}

func (p program) shelf() (shelf, error) {
	c, err := config.Load(append(savedEnvironment(p.environ), p.environ...), nil)
	if err != nil {
		return shelf{}, err
	}
	if c.S3Endpoint == "" {
		return shelf{}, fmt.Errorf("registered packages and their data lie in the object store: set %sS3_ENDPOINT, or run this where `puenktlich up` runs", config.Prefix)
	}
	objects, err := openObjects(c)
	return shelf{c, objects, registry.Registry{Store: objects, NotFound: objstore.ErrNotFound}}, err
}

// version answers a registered version, the newest for 0.
func (s shelf) version(ctx context.Context, model string, version int) (schemas.PackageRef, error) {
	versions, err := s.registry.Versions(ctx, model)
	if err != nil {
		return schemas.PackageRef{}, err
	}
	for i := len(versions) - 1; i >= 0; i-- {
		if version == 0 || versions[i].Version == version {
			return versions[i], nil
		}
	}
	return schemas.PackageRef{}, fmt.Errorf("%s has no version %d among its %d: `puenktlich models list` shows them", model, version, len(versions))
}

// fetch brings a registered package into a new temporary directory.
func (s shelf) fetch(ctx context.Context, ref schemas.PackageRef) (opened, error) {
	around, err := os.MkdirTemp("", "puenktlich-package-*")
	if err != nil {
		return opened{}, fmt.Errorf("fetch package: %w", err)
	}
	o := opened{around: around}
	if o.dir, err = modelpkg.Download(ctx, s.objects, ref.Prefix, ref.Digest, around); err != nil {
		o.close()
		return opened{}, err
	}
	return o, nil
}
