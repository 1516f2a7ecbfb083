package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"puenktlich/internal/config"
	"puenktlich/internal/modelpkg"
)

func packageSignCommand(p program) *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{Use: "sign DIR", Short: "sign a package, in the place of a signature that it may have", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := p.privateKey(keyFile)
			if err != nil {
				return err
			}
			if err := modelpkg.Sign(args[0], key); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "signed by the key %s\n", key.KeyID())
			return nil
		}}
	cmd.Flags().StringVar(&keyFile, "key", "", "PEM file of the private key; defaults to the configured one, or that of the stack in this directory")
	return cmd
}

func packageKeyCommand(p program) *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{Use: "key", Short: "print the public half of the signing key, for PUENKTLICH_TRUSTED_KEYS", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			key, err := p.privateKey(keyFile)
			if err != nil {
				return err
			}
			_, err = p.out.Write(key.Public().PEM())
			return err
		}}
	cmd.Flags().StringVar(&keyFile, "key", "", "PEM file of the private key; defaults as with sign")
	return cmd
}

// privateKey reads the named file, which must be there, or the configured key.
func (p program) privateKey(file string) (*modelpkg.Key, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		return modelpkg.ParseKey(text)
	}
	c, err := config.Load(append(savedEnvironment(p.environ), p.environ...), nil)
	if err != nil {
		return nil, err
	}
	return signingKey(c)
}
