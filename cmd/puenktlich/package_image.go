package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/oci"
)

// imaging are the flags of package export that make images and artefacts.
type imaging struct {
	oci, push, program string
	plainHTTP          bool
}

func (in *imaging) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&in.oci, "oci", "", "a new directory for an OCI layout with an image that serves the package and a ModelPack artefact; the image alone goes into DIR.tar too")
	cmd.Flags().StringVar(&in.push, "push", "", "HOST/REPOSITORY:TAG for the image; the ModelPack artefact goes to TAG-model")
	cmd.Flags().StringVar(&in.program, "program", "", "the program inside the image; defaults to this one")
	cmd.Flags().BoolVar(&in.plainHTTP, "plain-http", false, "the registry has no TLS")
}

// exported is a package that was verified with these keys.
type exported struct {
	dir    string
	loaded *modelpkg.Package
	keys   []modelpkg.PublicKey
}

// modelSuffix tells the artefact's name and tag from the image's.
const modelSuffix = "-model"

func (in imaging) export(ctx context.Context, p program, e exported) error {
	if in.oci == "" && in.push == "" {
		return nil
	}
	image, artefact, err := in.make(e)
	if err != nil {
		return err
	}
	if in.oci != "" {
		if err := in.write(p, e, image, artefact); err != nil {
			return err
		}
	}
	if in.push == "" {
		return nil
	}
	for _, n := range []oci.Named{{Name: in.push, Image: image.Image}, {Name: in.push + modelSuffix, Image: artefact.Image}} {
		pushed, err := oci.Push(ctx, n.Name, n.Image, in.plainHTTP)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "pushed %s %s\n", pushed.Address, pushed.Digest)
	}
	return nil
}

// make makes the image and the artefact.
func (in imaging) make(e exported) (image, artefact oci.Named, err error) {
	executable := in.program
	if executable == "" {
		if executable, err = os.Executable(); err != nil {
			return image, artefact, fmt.Errorf("find this program: %w", err)
		}
	}
	program, err := oci.ReadProgram(executable)
	if err != nil {
		return image, artefact, err
	}
	name := fmt.Sprintf("%s:%d", e.loaded.Manifest.Name, e.loaded.Manifest.Version)
	image.Name, artefact.Name = name, name+modelSuffix
	if image.Image, err = oci.Image(oci.ImageOptions{Program: program, Dir: e.dir, Keys: e.keys, CodeVersion: codeVersion()}); err != nil {
		return image, artefact, err
	}
	artefact.Image, err = oci.ModelPack(e.dir)
	return image, artefact, err
}

// write writes layout and archive; after an error there is neither.
func (in imaging) write(p program, e exported, image, artefact oci.Named) error {
	archive := in.oci + ".tar"
	if err := oci.WriteLayout(in.oci, image, artefact); err != nil {
		return err
	}
	err := writeNew(archive, func(w io.Writer) error { return oci.WriteArchive(w, image, e.loaded.Manifest.Created) })
	if err != nil {
		return errors.Join(err, os.RemoveAll(in.oci))
	}
	for _, n := range []oci.Named{image, artefact} {
		digest, err := n.Image.Digest()
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s is %s in %s\n", n.Name, digest, in.oci)
	}
	fmt.Fprintf(p.out, "image alone: %s\n", archive)
	return nil
}
