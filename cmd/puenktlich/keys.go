package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/access"
	"puenktlich/internal/config"
	"puenktlich/internal/objstore"
)

// keysCommand makes, shows and ends the keys of the prediction API.
func keysCommand(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "API keys: create, list, revoke",
		Long: "Keys lie as hashes in the object store; every API instance follows them within seconds. The first key closes the API to callers without one, unless PUENKTLICH_ANONYMOUS lets them in. With --file they lie in a file, for `puenktlich serve --keys FILE`."}
	var file string
	cmd.PersistentFlags().StringVar(&file, "file", "", "file of the keys, in place of the object store")
	book := func() (access.Book, error) { return p.book(file) }
	cmd.AddCommand(keysCreateCommand(p, book), keysListCommand(p, book), keysRevokeCommand(p, book))
	return cmd
}

// opensBook finds the document of the keys.
type opensBook func() (access.Book, error)

// bookAt is the keys of a file.
func bookAt(file string) access.Book {
	return access.Book{Store: access.File{Path: file}, NotFound: fs.ErrNotExist}
}

// book opens the keys of a file or, where it has no name, of the object store;
// nothing else is needed for them.
func (p program) book(file string) (access.Book, error) {
	if file != "" {
		return bookAt(file), nil
	}
	c, err := config.Load(append(savedEnvironment(p.environ), p.environ...), nil)
	if err != nil {
		return access.Book{}, err
	}
	if c.S3Endpoint == "" {
		return access.Book{}, fmt.Errorf("keys lie in the object store: set %sS3_ENDPOINT, or run this where `puenktlich up` runs", config.Prefix)
	}
	objects, err := openObjects(c)
	return bookIn(objects), err
}

func bookIn(objects *objstore.Store) access.Book {
	return access.Book{Store: objects, NotFound: objstore.ErrNotFound}
}

func (a *adapters) book() access.Book { return bookIn(a.objects) }

func keysCreateCommand(p program, opens opensBook) *cobra.Command {
	w := access.Wanted{}
	var role, expires string
	cmd := &cobra.Command{Use: "create", Short: "make a key and show its secret, once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if w.Role, err = access.ParseRole(role); err != nil {
				return fmt.Errorf("--role: %w", err)
			}
			if w.Expires, err = parseExpiry(expires, time.Now()); err != nil {
				return err
			}
			book, err := opens()
			if err != nil {
				return err
			}
			key, secret, err := book.Create(cmd.Context(), w, time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%s\n", secret)
			fmt.Fprintf(p.err, "key %s (%s) may %s%s; %s. This secret is shown once.\n", key.ID, key.Name, key.Role, until(key), rateOf(key))
			return nil
		}}
	cmd.Flags().StringVar(&w.Name, "name", "", "who or what uses the key; stands in the audit")
	cmd.Flags().StringVar(&role, "role", string(access.RolePredict), "read, predict or operate, each with those before it")
	cmd.Flags().Float64Var(&w.PerSecond, "rate", 50, "requests a second that each API instance takes of it; 0 for no limit")
	cmd.Flags().IntVar(&w.Burst, "burst", 0, "requests at once; defaults to a second's worth")
	cmd.Flags().StringVar(&expires, "expires", "", "end of the key: YYYY-MM-DD, RFC 3339, or a time from now such as 720h; empty for none")
	cmd.Flags().StringVar(&w.CreatedBy, "actor", os.Getenv("USER"), "who makes it")
	return cmd
}

// parseExpiry reads a moment or a time from now.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("--expires %q: want YYYY-MM-DD, RFC 3339 or a time from now such as 720h", text)
}

func until(k access.Key) string {
	if k.Expires.IsZero() {
		return ""
	}
	return " until " + k.Expires.Format(time.RFC3339)
}

func rateOf(k access.Key) string {
	if k.PerSecond == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%v a second, %d at once", k.PerSecond, k.Burst)
}

func keysListCommand(p program, opens opensBook) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "list all keys, revoked ones too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			book, err := opens()
			if err != nil {
				return err
			}
			keys, err := book.Keys(cmd.Context())
			if err != nil {
				return err
			}
			if len(keys) == 0 {
				fmt.Fprintln(p.out, "no key was made yet: `puenktlich keys create --name NAME --role predict`")
				return nil
			}
			table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ID\tNAME\tROLE\tSTATE\tRATE\tCREATED\tBY\tENDS")
			for _, k := range keys {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Role, k.State(time.Now()), rateOf(k), k.Created.Format(time.DateOnly), k.CreatedBy, ends(k))
			}
			return table.Flush()
		}}
}

func ends(k access.Key) string {
	switch {
	case !k.Revoked.IsZero():
		return fmt.Sprintf("revoked %s by %s", k.Revoked.Format(time.RFC3339), k.RevokedBy)
	case !k.Expires.IsZero():
		return k.Expires.Format(time.RFC3339)
	}
	return "never"
}

func keysRevokeCommand(p program, opens opensBook) *cobra.Command {
	var actor string
	cmd := &cobra.Command{Use: "revoke ID|NAME", Short: "end a key; every API instance follows within seconds", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			book, err := opens()
			if err != nil {
				return err
			}
			key, err := book.Revoke(cmd.Context(), args[0], actor, time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "key %s (%s) is revoked since %s\n", key.ID, key.Name, key.Revoked.Format(time.RFC3339))
			return nil
		}}
	cmd.Flags().StringVar(&actor, "actor", os.Getenv("USER"), "who revokes it")
	return cmd
}

// actor is in whose name a command acts on models: that of the key it was given
// or, while there are no keys, the name it was given. The context bounds a read.
func (a *adapters) actor(ctx context.Context, named string) (string, error) {
	keys, err := a.book().Keys(ctx)
	if err != nil {
		return "", err
	}
	if a.config.AccessKey == "" {
		if len(keys) > 0 {
			return "", fmt.Errorf("there are API keys: set %sACCESS_KEY to one of the role %s, whose name the audit keeps", config.Prefix, access.RoleOperate)
		}
		if named == "" {
			named = "somebody"
		}
		return named + " (unauthenticated command line)", nil
	}
	key, err := access.Identify(keys, a.config.AccessKey, access.RoleOperate, time.Now())
	if err != nil {
		return "", fmt.Errorf("%sACCESS_KEY: %w", config.Prefix, err)
	}
	return access.Caller{KeyID: key.ID, Name: key.Name}.Actor(), nil
}
