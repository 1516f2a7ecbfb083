package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
)

func packageBuildCommand(p program) *cobra.Command {
	var model, run, out string
	var version int
	cmd := &cobra.Command{Use: "build", Short: "package a trained and evaluated run, or a version once more from its run", Args: cobra.NoArgs,
		Long: "Builds, signs, tests and registers through the workflow PackageModel. A run that was packaged before gives the same version with the same manifest.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (run == "") == (version == 0) {
				return errors.New("give either --run or --version")
			}
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			s := shelf{a.config, a.objects, a.registry}
			if run == "" {
				if run, err = s.runOf(cmd.Context(), model, version); err != nil {
					return err
				}
			}
			in, err := s.packageInput(cmd.Context(), run)
			if err != nil {
				return err
			}
			ref, err := execute[schemas.PackageRef](cmd.Context(), a, schemas.PackageID(run), schemas.WorkflowPackageModel, in)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%s@%d of run %s: manifest %s, stored under %s\n", ref.Model, ref.Version, run, ref.Digest, ref.Prefix)
			return s.copyTo(cmd.Context(), ref, out)
		}}
	cmd.Flags().StringVar(&run, "run", "", "ID of a finished run; `puenktlich runs list` shows them")
	cmd.Flags().StringVar(&model, "model", schemas.DefaultModel, "name of the model, with --version")
	cmd.Flags().IntVar(&version, "version", 0, "a registered version, to build once more")
	cmd.Flags().StringVar(&out, "out", "", "a new directory that gets the package")
	return cmd
}

// runOf is the run that a registered version was built from.
func (s shelf) runOf(ctx context.Context, model string, version int) (string, error) {
	ref, err := s.version(ctx, model, version)
	if err != nil {
		return "", err
	}
	o, err := s.fetch(ctx, ref)
	if err != nil {
		return "", err
	}
	defer o.close()
	loaded, err := modelpkg.Load(o.dir)
	if err != nil {
		return "", err
	}
	return loaded.Trained.RunID, nil
}

// packageInput is what a run left behind for packaging.
func (s shelf) packageInput(ctx context.Context, run string) (schemas.PackageInput, error) {
	var in schemas.PackageInput
	trained, err := s.newest(ctx, schemas.TrainedPrefix(run))
	if err != nil {
		return in, fmt.Errorf("run %s was not trained on all its days, or by an earlier program: %w", run, err)
	}
	body, err := s.objects.GetContent(ctx, trained)
	if err != nil {
		return in, err
	}
	if err := json.Unmarshal(body, &in.Trained); err != nil {
		return in, fmt.Errorf("%s: %w", trained.Key, err)
	}
	if in.Evaluate.Report, err = s.newest(ctx, schemas.EvaluationPrefix(run)); err != nil {
		return in, fmt.Errorf("run %s was not evaluated: %w", run, err)
	}
	return in, nil
}

// newest is the object below a prefix that was written last. Its name is its
// hash.
func (s shelf) newest(ctx context.Context, prefix string) (schemas.ObjectRef, error) {
	refs, err := s.objects.ListRefs(ctx, prefix)
	if err != nil {
		return schemas.ObjectRef{}, err
	}
	if len(refs) == 0 {
		return schemas.ObjectRef{}, fmt.Errorf("there is nothing under %s", prefix)
	}
	ref := refs[len(refs)-1]
	ref.SHA256 = strings.TrimSuffix(path.Base(ref.Key), ".json")
	return ref, nil
}

// copyTo writes a registered package into a new directory; an empty name writes
// none.
func (s shelf) copyTo(ctx context.Context, ref schemas.PackageRef, out string) error {
	if out == "" {
		return nil
	}
	o, err := s.fetch(ctx, ref)
	if err != nil {
		return err
	}
	defer o.close()
	return copyDir(o.dir, out)
}

// copyDir copies into a new directory.
func copyDir(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s exists: give a new directory", to)
	}
	return os.CopyFS(to, os.DirFS(from))
}
