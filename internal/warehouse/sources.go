package warehouse

import (
	"context"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

var sourceTable = table[schema.Source]{name: "sources", columns: []column[schema.Source]{
	field("source", func(r *schema.Source) *string { return &r.Source }),
	field("sha256", func(r *schema.Source) *string { return &r.SHA256 }),
	field("file", func(r *schema.Source) *string { return &r.File }),
	field("size_bytes", func(r *schema.Source) *uint64 { return &r.SizeBytes }),
	field("object_key", func(r *schema.Source) *string { return &r.ObjectKey }),
	field("name", func(r *schema.Source) *string { return &r.Name }),
	field("publisher", func(r *schema.Source) *string { return &r.Publisher }),
	field("url", func(r *schema.Source) *string { return &r.URL }),
	optional("retrieved_at", func(r *schema.Source) *time.Time { return &r.RetrievedAt }),
	field("licence", func(r *schema.Source) *string { return &r.Licence }),
	field("terms", func(r *schema.Source) *string { return &r.Terms }),
	field("attribution", func(r *schema.Source) *string { return &r.Attribution }),
	flag("personal_data", func(r *schema.Source) *bool { return &r.PersonalData }),
	field("first_day", func(r *schema.Source) *string { return &r.FirstDay }),
	field("last_day", func(r *schema.Source) *string { return &r.LastDay }),
	field("rows", func(r *schema.Source) *uint64 { return &r.Rows }),
	instant("imported_at", func(r *schema.Source) *time.Time { return &r.ImportedAt }),
	field("version", func(r *schema.Source) *uint64 { return &r.Version }),
}}

// InsertSource records where a file came from; a higher Version supersedes.
func (db *DB) InsertSource(ctx context.Context, token string, s schema.Source) error {
	return insert(ctx, db, sourceTable, token, []schema.Source{s})
}

// Sources reads what was imported under a source and may hold something of the
// days before the given one, 2006-01-02: in the order of its days, then of its
// names.
func (db *DB) Sources(ctx context.Context, source, before string) ([]schema.Source, error) {
	return collect(ctx, db, sourceTable, statement{
		sql: "SELECT " + sourceTable.selectList("") + " FROM sources FINAL" +
			" WHERE source = {source:String} AND (first_day = '' OR first_day < {before:String})" +
			" ORDER BY first_day, file, sha256",
		args: []any{driver.Named("source", source), driver.Named("before", before)},
	})
}
