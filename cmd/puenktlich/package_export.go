package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
)

// exporting are the flags of package export.
type exporting struct {
	model   string
	version int
	out     string
	full    bool
	keys    reading
	image   imaging
}

func packageExportCommand(p program) *cobra.Command {
	var in exporting
	cmd := &cobra.Command{Use: "export [DIR|ARCHIVE]", Short: "write a package as one file, as a container image, or push it to a registry",
		Long: "Exports a package on this machine or, without DIR, a registered version. The same package gives the same bytes. No container daemon is needed.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.out == "" && in.image.oci == "" && in.image.push == "" {
				return errors.New("give --out FILE, --oci DIR or --push HOST/REPOSITORY:TAG, or several of them")
			}
			if in.full && in.out == "" {
				return errors.New("--full goes with --out: images hold no training data")
			}
			o, err := in.open(cmd.Context(), p, args)
			if err != nil {
				return err
			}
			defer o.close()
			keys, err := in.keys.trusted(p)
			if err != nil {
				return err
			}
			loaded, err := modelpkg.Load(o.dir, keys...)
			if err != nil {
				return err
			}
			if in.out != "" {
				if err := in.archive(cmd.Context(), p, o, loaded); err != nil {
					return err
				}
			}
			return in.image.export(cmd.Context(), p, exported{o.dir, loaded, keys})
		}}
	in.keys.add(cmd)
	cmd.Flags().StringVar(&in.model, "model", schemas.DefaultModel, "name of the model, without DIR")
	cmd.Flags().IntVar(&in.version, "version", 0, "the registered version, without DIR; defaults to the newest")
	cmd.Flags().StringVar(&in.out, "out", "", "a new tar archive")
	cmd.Flags().BoolVar(&in.full, "full", false, "with all data the model was trained, calibrated and tested on; it is read from the object store")
	in.image.add(cmd)
	return cmd
}

// open takes the package that was named, or brings the registered one.
func (in exporting) open(ctx context.Context, p program, args []string) (opened, error) {
	if len(args) == 1 {
		return openPackage(args[0], in.keys.maxBytes)
	}
	s, err := p.shelf()
	if err != nil {
		return opened{}, err
	}
	ref, err := s.version(ctx, in.model, in.version)
	if err != nil {
		return opened{}, err
	}
	return s.fetch(ctx, ref)
}

func (in exporting) archive(ctx context.Context, p program, o opened, loaded *modelpkg.Package) error {
	var data []modelpkg.Attachment
	if in.full {
		s, err := p.shelf()
		if err != nil {
			return err
		}
		if data, err = modelpkg.Data(ctx, s.objects, loaded.Datasets()); err != nil {
			return err
		}
	}
	if err := writeNew(in.out, func(w io.Writer) error { return modelpkg.Pack(w, o.dir, data...) }); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s written to %s, %d files of data with it\n", loaded.Manifest, in.out, len(data))
	return nil
}

// writeNew writes a file that was not there; after an error there is none.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
