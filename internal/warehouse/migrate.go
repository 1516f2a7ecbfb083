package warehouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

// migration is one file: one statement.
type migration struct {
	version uint32
	name    string // of the file
	sql     string
	sha256  string // of the file as it is
}

const migrationsTable = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    sha256     String COMMENT 'of the file that was run',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY version`

// Migrate creates the database where it is missing and runs the migrations
// that have not been run, in order. All are parsed, by the server too, before
// the first runs. It answers how many ran. Several processes may migrate at
// once: every statement bears being run twice. A migration that was run and
// has changed since is an error.
func (db *DB) Migrate(ctx context.Context) (int, error) {
	return db.migrate(ctx, schema.FS)
}

func (db *DB) migrate(ctx context.Context, files fs.FS) (int, error) {
	migrations, err := parseMigrations(files)
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	if err := db.createDatabase(ctx); err != nil {
		return 0, err
	}
	if err := db.conn.Exec(ctx, migrationsTable); err != nil {
		return 0, classify("migrate: create schema_migrations", err)
	}
	pending, err := db.pending(ctx, migrations)
	if err != nil {
		return 0, err
	}
	if err := db.check(ctx, pending); err != nil {
		return 0, err
	}
	for i, m := range pending {
		if err := db.apply(ctx, m); err != nil {
			return i, err
		}
	}
	return len(pending), nil
}

// createDatabase works from the database default, since a connection to one
// that does not exist is refused.
func (db *DB) createDatabase(ctx context.Context) error {
	config := *db.config
	config.Auth.Database = "default"
	conn, err := driver.Open(&config)
	if err != nil {
		return classify("migrate: open", err)
	}
	defer func() { _ = conn.Close() }()
	var found uint64
	name := db.config.Auth.Database
	row := conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = {name:String}", driver.Named("name", name))
	if err := row.Scan(&found); err != nil || found > 0 {
		return classify("migrate: look for database "+name, err)
	}
	// Atomic is named because an embedded engine's own choice differs.
	return classify("migrate: create database "+name, conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+name+" ENGINE = Atomic"))
}

func (db *DB) pending(ctx context.Context, migrations []migration) ([]migration, error) {
	rows, err := db.conn.Query(ctx, "SELECT version, sha256 FROM schema_migrations FINAL")
	if err != nil {
		return nil, classify("migrate: read schema_migrations", err)
	}
	defer func() { _ = rows.Close() }()
	done := map[uint32]string{}
	for rows.Next() {
		var version uint32
		var sum string
		if err := rows.Scan(&version, &sum); err != nil {
			return nil, classify("migrate: read schema_migrations", err)
		}
		done[version] = sum
	}
	if err := rows.Err(); err != nil {
		return nil, classify("migrate: read schema_migrations", err)
	}
	return without(migrations, done)
}

// without leaves out the migrations that are done, by the digest of their file.
func without(migrations []migration, done map[uint32]string) ([]migration, error) {
	var pending []migration
	for _, m := range migrations {
		sum, found := done[m.version]
		if found && sum != m.sha256 {
			return nil, fmt.Errorf("migrate: %s was run and has changed since: undo the change and add a new file", m.name)
		}
		if !found {
			pending = append(pending, m)
		}
		delete(done, m.version)
	}
	for version := range done {
		return nil, fmt.Errorf("migrate: the database has migration %d, which this program does not know: it was written by a newer one", version)
	}
	return pending, nil
}

// check has the server parse every statement and run none.
func (db *DB) check(ctx context.Context, migrations []migration) error {
	for _, m := range migrations {
		if err := db.conn.Exec(ctx, "EXPLAIN AST "+m.sql); err != nil {
			return classify("migrate: parse "+m.name, err)
		}
	}
	return nil
}

func (db *DB) apply(ctx context.Context, m migration) error {
	if err := db.conn.Exec(ctx, m.sql); err != nil {
		return classify("migrate: run "+m.name, err)
	}
	err := db.conn.Exec(ctx, "INSERT INTO schema_migrations (version, name, sha256) SELECT {version:UInt32}, {name:String}, {sum:String}",
		driver.Named("version", m.version), driver.Named("name", m.name), driver.Named("sum", m.sha256))
	return classify("migrate: note "+m.name, err)
}

var migrationName = regexp.MustCompile(`^([0-9]{4})_[a-z0-9_]+\.sql$`)

// parseMigrations reads the .sql files, numbered from 0001 without a gap.
func parseMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, name := range names { // Glob sorts by name
		m, err := parseMigration(files, name)
		if err != nil {
			return nil, err
		}
		if m.version != uint32(i+1) {
			return nil, fmt.Errorf("%s: expected number %04d: files are numbered from 0001 without a gap", name, i+1)
		}
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no .sql files")
	}
	return all, nil
}

func parseMigration(files fs.FS, name string) (migration, error) {
	parts := migrationName.FindStringSubmatch(path.Base(name))
	if parts == nil {
		return migration{}, fmt.Errorf("%s: want a name like 0001_stop_plan.sql", name)
	}
	version, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return migration{}, fmt.Errorf("%s: %w", name, err)
	}
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return migration{}, err
	}
	statements, err := splitStatements(string(text))
	if err != nil {
		return migration{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(statements) != 1 {
		return migration{}, fmt.Errorf("%s: has %d statements, want one a file: ClickHouse has no transactions", name, len(statements))
	}
	sum := sha256.Sum256(text)
	return migration{uint32(version), name, strings.TrimSpace(statements[0]), hex.EncodeToString(sum[:])}, nil
}
