package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/activities/prepare"
	"puenktlich/internal/objstore"
	"puenktlich/schemas"
)

func datasetCommand(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "dataset", Short: "look into data sets, valid or not"}
	on := func(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, d datasets, args []string) error) {
		cmd.AddCommand(&cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			return do(cmd.Context(), datasets{a.objects, p.out}, args)
		}})
	}
	on("list", "list data sets, the newest first", cobra.NoArgs, func(ctx context.Context, d datasets, _ []string) error { return d.list(ctx) })
	on("show ID", "what a data set holds, from where, and what its checks found", cobra.ExactArgs(1),
		func(ctx context.Context, d datasets, args []string) error { return d.show(ctx, args[0]) })
	on("validate ID", "read every part again and check it anew", cobra.ExactArgs(1),
		func(ctx context.Context, d datasets, args []string) error { return d.validate(ctx, args[0]) })
	on("export ID DIR", "write manifest, parts and profiles into a new directory", cobra.ExactArgs(2),
		func(ctx context.Context, d datasets, args []string) error { return d.export(ctx, args[0], args[1]) })
	return cmd
}

// datasets answers the commands. An ID may be given by its beginning.
type datasets struct {
	objects *objstore.Store
	out     io.Writer
}

// sealed is a manifest and where it lies.
type sealed struct {
	schemas.DatasetManifest
	key string
}

// all reads the manifests whose data set's ID begins so, the newest first.
func (d datasets) all(ctx context.Context, id string) ([]sealed, error) {
	found, err := d.objects.List(ctx, schemas.DatasetPrefix+id)
	if err != nil {
		return nil, fmt.Errorf("list data sets: %w", err)
	}
	var all []sealed
	for _, object := range found {
		if dir := filepath.Dir(object.Key); !strings.HasSuffix(dir, "/manifest") || !strings.HasSuffix(object.Key, ".json") {
			continue
		}
		body, _, err := d.objects.Get(ctx, object.Key)
		if err != nil {
			return nil, err
		}
		one := sealed{key: object.Key}
		if err := json.Unmarshal(body, &one.DatasetManifest); err != nil {
			return nil, fmt.Errorf("manifest %s: %w", object.Key, err)
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b sealed) int {
		return cmp.Or(b.AsOf.Compare(a.AsOf), cmp.Compare(a.ID, b.ID), cmp.Compare(a.key, b.key))
	})
	return all, nil
}

// one is the newest manifest of the data set that the beginning of an ID names.
func (d datasets) one(ctx context.Context, id string) (sealed, error) {
	if len(id) < 4 || strings.Trim(id, "0123456789abcdef") != "" {
		return sealed{}, fmt.Errorf("data set %q: want its ID or the first 4 and more of its hexadecimal digits; `puenktlich dataset list` shows them", id)
	}
	all, err := d.all(ctx, id)
	if err != nil {
		return sealed{}, err
	}
	if len(all) == 0 {
		return sealed{}, fmt.Errorf("data set %s: there is none; `puenktlich dataset list` shows them", id)
	}
	for _, other := range all {
		if other.ID != all[0].ID {
			return sealed{}, fmt.Errorf("data set %s: %s and %s begin so: give more digits", id, all[0].ID, other.ID)
		}
	}
	return all[0], nil
}

func (d datasets) list(ctx context.Context) error {
	all, err := d.all(ctx, "")
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(d.out, "no data set yet: start PrepareDataset or RunLifecycle")
		return nil
	}
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tDAYS\tHORIZONS\tROWS\tEVENTS\tLATE\tFEATURES\tAS OF\tSOURCE")
	for _, m := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", m.ID[:min(12, len(m.ID))], m.State, m.Query.Days, commas(m.Horizons),
			m.Rows, m.Events, percentOf(m.Late, m.Events), m.FeatureVersion, m.AsOf.Format(time.RFC3339), m.Query.Source)
	}
	return w.Flush()
}

func commas(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ","), "[]")
}

func percentOf(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

func (d datasets) show(ctx context.Context, id string) error {
	m, err := d.one(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "data set  %s\nstate     %s\nmanifest  %s\ndays      %s of the %s\nhorizons  %s min\nas of     %s\nfeatures  %s, %d of them\nwritten   by puenktlich %s\nrows      %d of %d events that ran, %s late, and of those cancelled\nselected  %s\n",
		m.ID, m.State, m.key, m.Query.Days, m.Query.Source, commas(m.Horizons), m.AsOf.Format(time.RFC3339), m.FeatureVersion, len(m.Features),
		m.CodeVersion, m.Rows, m.Events, percentOf(m.Late, m.Events), m.Query.Selection)
	for _, s := range m.Sources {
		fmt.Fprintf(d.out, "source    %s, licence %s, personal data: %v\n", s.Source, s.Licence, s.PersonalData)
	}
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nDAY\tROWS\tEVENTS\tLATE\tBYTES\tSHA256")
	for _, part := range m.Parts {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%s\n", part.Day, part.Object.Rows, part.Events, percentOf(part.Late, part.Events), part.Object.SizeBytes, part.Object.SHA256)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	d.tell(m.Checks)
	return nil
}

// tell lists the checks and what they found.
func (d datasets) tell(checks []schemas.Check) {
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nCHECK\tHOLDS\tIF NOT\tWHAT")
	for _, c := range checks {
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\n", c.Name, c.Passed, c.Severity, c.Detail)
	}
	_ = w.Flush()
	if table := schemas.CheckTable(checks); table != "" {
		fmt.Fprintf(d.out, "\n%s", table)
	}
}

func (d datasets) validate(ctx context.Context, id string) error {
	m, err := d.one(ctx, id)
	if err != nil {
		return err
	}
	checks, err := prepare.ValidateDataset(ctx, d.objects, m.DatasetManifest)
	if err != nil {
		return err
	}
	d.tell(checks)
	if schemas.Stops(checks) {
		return fmt.Errorf("data set %s does not hold", m.ID)
	}
	fmt.Fprintf(d.out, "\ndata set %s holds: %d parts read again, %d checks\n", m.ID, len(m.Parts), len(checks))
	return nil
}

// export writes the manifest last: a directory with one is whole.
func (d datasets) export(ctx context.Context, id, dir string) error {
	m, err := d.one(ctx, id)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("export data set: %w", err)
	}
	for _, part := range m.Parts {
		for name, ref := range map[string]schemas.ObjectRef{part.Day + ".parquet": part.Object, part.Day + ".profile.json": part.Profile} {
			body, err := d.objects.GetContent(ctx, ref)
			if err != nil {
				return fmt.Errorf("export data set %s: %w", m.ID, err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
				return fmt.Errorf("export data set %s: %w", m.ID, err)
			}
		}
	}
	body, _, err := d.objects.Get(ctx, m.key)
	if err != nil {
		return fmt.Errorf("export data set %s: %w", m.ID, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), body, 0o644); err != nil {
		return fmt.Errorf("export data set %s: %w", m.ID, err)
	}
	fmt.Fprintf(d.out, "data set %s, %s, written to %s: %d parts\n", m.ID, m.State, dir, len(m.Parts))
	return nil
}
