package modelpkg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"puenktlich/schemas"
)

// Content reads an object by reference and verifies it.
type Content interface {
	GetContent(ctx context.Context, ref schemas.ObjectRef) ([]byte, error)
}

// Datasets are the data sets a package was trained, calibrated and tested on.
func (p *Package) Datasets() []schemas.DatasetRef {
	all := []schemas.DatasetRef{p.Trained.Dataset}
	if r := p.Trained.Recalibrated; r != nil && r.TrainedOn.ID != p.Trained.Dataset.ID {
		all = append(all, r.TrainedOn)
	}
	return all
}

// Data are all files of these data sets, for Pack: manifests, parts, profiles.
// Parts are read when they are packed, one at a time.
func Data(ctx context.Context, store Content, datasets []schemas.DatasetRef) ([]Attachment, error) {
	var all []Attachment
	add := func(ref schemas.ObjectRef) {
		all = append(all, Attachment{Path: dataPath(ref), Read: func() ([]byte, error) { return store.GetContent(ctx, ref) }})
	}
	for _, set := range datasets {
		body, err := store.GetContent(ctx, set.Manifest)
		if err != nil {
			return nil, fmt.Errorf("data set %s: %w", set.ID, err)
		}
		refs, err := objectsOf(body)
		if err != nil {
			return nil, fmt.Errorf("data set %s: %w", set.ID, err)
		}
		add(set.Manifest)
		for _, ref := range refs {
			add(ref)
		}
	}
	return all, nil
}

// dataPath is where an object of a data set lies below DataDir.
func dataPath(ref schemas.ObjectRef) string {
	return strings.TrimPrefix(ref.Key, schemas.DatasetPrefix)
}

// objectsOf are the parts and profiles that a data set's manifest names.
func objectsOf(manifest []byte) ([]schemas.ObjectRef, error) {
	var m schemas.DatasetManifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	var all []schemas.ObjectRef
	for _, part := range m.Parts {
		all = append(all, part.Object)
		if part.Profile.Key != "" {
			all = append(all, part.Profile)
		}
	}
	return all, nil
}

// VerifyData checks that below dir lie all files of these data sets, with the
// hashes that lead from the package to them, and answers how many.
func VerifyData(dir string, datasets []schemas.DatasetRef) (files int, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, fmt.Errorf("verify data: %w", err)
	}
	defer root.Close()
	for _, set := range datasets {
		manifest, err := verifyObject(root, set.Manifest)
		if err != nil {
			return files, err
		}
		refs, err := objectsOf(manifest)
		if err != nil {
			return files, &IntegrityError{path.Join(DataDir, dataPath(set.Manifest)), err.Error()}
		}
		files++
		for _, ref := range refs {
			if _, err := verifyObject(root, ref); err != nil {
				return files, err
			}
			files++
		}
	}
	return files, nil
}

func verifyObject(root *os.Root, ref schemas.ObjectRef) ([]byte, error) {
	name := path.Join(DataDir, dataPath(ref))
	body, err := root.ReadFile(dataPath(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &IntegrityError{name, "is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if got := digestOf(body); got != ref.SHA256 {
		return nil, &IntegrityError{name, fmt.Sprintf("has the SHA-256 %s, the package refers to %s", got, ref.SHA256)}
	}
	return body, nil
}
