package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/serving"
)

// reads makes a command that reads one package.
func (p program) reads(use, short string, do func(o opened, keys []modelpkg.PublicKey) error) *cobra.Command {
	var in reading
	cmd := &cobra.Command{Use: use + " DIR|ARCHIVE", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			keys, err := in.trusted(p)
			if err != nil {
				return err
			}
			o, err := openPackage(args[0], in.maxBytes)
			if err != nil {
				return err
			}
			defer o.close()
			return do(o, keys)
		}}
	in.add(cmd)
	return cmd
}

func packageVerifyCommand(p program) *cobra.Command {
	return p.reads("verify", "check hashes and signature of a package, and of the data in its archive", func(o opened, keys []modelpkg.PublicKey) error {
		loaded, err := modelpkg.Load(o.dir, keys...)
		if err != nil {
			return err
		}
		signed := fmt.Sprintf("signed by one of %d trusted keys", len(keys))
		if len(keys) == 0 {
			signed = "signature not looked at"
		}
		fmt.Fprintf(p.out, "%s holds: manifest %s, %d files, %d golden rows, %s\n", loaded.Manifest, loaded.Digest, len(loaded.Manifest.Files), len(loaded.Golden), signed)
		if o.data() == "" {
			return nil
		}
		files, err := modelpkg.VerifyData(o.data(), loaded.Datasets())
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "its data holds: %d files of %d data sets\n", files, len(loaded.Datasets()))
		return nil
	})
}

func packageTestCommand(p program) *cobra.Command {
	return p.reads("test", "load a package as a server would, and compute golden rows and metrics again", func(o opened, keys []modelpkg.PublicKey) error {
		failed := 0
		for _, check := range append(modelpkg.Test(o.dir, keys...), rehearse(o.dir, keys)) {
			switch {
			case errors.Is(check.Err, modelpkg.ErrUnchecked):
				fmt.Fprintf(p.out, "left out  %-9s %v\n", check.Name, check.Err)
			case check.Err != nil:
				failed++
				fmt.Fprintf(p.out, "FAILED    %-9s %v\n", check.Name, check.Err)
			default:
				fmt.Fprintf(p.out, "holds     %-9s %s\n", check.Name, check.Said)
			}
		}
		if failed > 0 {
			return fmt.Errorf("the package is not to be served: %d checks failed", failed)
		}
		return nil
	})
}

// rehearse does what an API instance does before it swaps a package in.
func rehearse(dir string, keys []modelpkg.PublicKey) modelpkg.Check {
	loaded, err := serving.Rehearse(serving.ModelPackages{Keys: keys}, dir)
	return modelpkg.Check{Name: "server", Said: fmt.Sprintf("an API instance of this program serves %s@%d", loaded.Ref.Model, loaded.Ref.Version), Err: err}
}

func packageCardCommand(p program) *cobra.Command {
	var maxBytes int64
	cmd := &cobra.Command{Use: "card DIR|ARCHIVE", Short: "print the model card, as Markdown", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := openPackage(args[0], maxBytes)
			if err != nil {
				return err
			}
			defer o.close()
			card, err := modelpkg.Card(o.dir)
			if err != nil {
				return err
			}
			_, err = p.out.Write(card)
			return err
		}}
	cmd.Flags().Int64Var(&maxBytes, "max-bytes", modelpkg.MaxArchiveBytes, "what an archive may unpack to")
	return cmd
}
