package warehouse

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// Options says where the database is.
type Options struct {
	// Addr is http://host:port or https://host:port for ClickHouse's HTTP
	// interface, clickhouse://host:port for its native protocol (with
	// ?secure=true over TLS). Several hosts are separated by commas. Query
	// parameters are those of a clickhouse-go DSN.
	Addr string
	// Database holds the tables; Migrate creates it. Defaults to puenktlich.
	Database string
	// User defaults to default.
	User     string
	Password string
}

// DB is the database. It is safe for concurrent use.
type DB struct {
	conn   driver.Conn
	config *driver.Options
	// together is how many events timelines are read of in one go.
	together uint64
}

// maxOpenConns bounds the statements in flight from one process: a few tails,
// inserts of some pools, two streams for each read of timelines.
const maxOpenConns = 24

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Open prepares access to the database and sends nothing: a process starts
// while ClickHouse is down, and Ping tells. The caller closes the DB.
func Open(opts Options) (*DB, error) {
	config, err := opts.config()
	if err != nil {
		return nil, err
	}
	conn, err := driver.Open(config)
	if err != nil {
		return nil, fmt.Errorf("warehouse: open: %w", err)
	}
	return &DB{conn: conn, config: config, together: timelineEvents}, nil
}

func (o Options) config() (*driver.Options, error) {
	address, err := url.Parse(o.Addr)
	if err != nil || address.Host == "" {
		return nil, fmt.Errorf("warehouse: address %q: want http://host:port, https://host:port or clickhouse://host:port", o.Addr)
	}
	switch address.Scheme {
	case "http", "https", "clickhouse":
	default:
		return nil, fmt.Errorf("warehouse: address %q: scheme %q is none of http, https, clickhouse", o.Addr, address.Scheme)
	}
	if parameters := address.Query(); address.Scheme == "https" {
		parameters.Set("secure", "true") // the driver wants it said twice
		address.RawQuery = parameters.Encode()
	}
	config, err := driver.ParseDSN(address.String())
	if err != nil {
		return nil, fmt.Errorf("warehouse: address %q: %w", o.Addr, err)
	}
	config.Auth.Database = or(o.Database, or(config.Auth.Database, "puenktlich"))
	if !databaseName.MatchString(config.Auth.Database) {
		return nil, fmt.Errorf("warehouse: database %q: want letters, digits and _", config.Auth.Database)
	}
	config.Auth.Username = or(o.User, or(config.Auth.Username, "default"))
	config.Auth.Password = or(o.Password, config.Auth.Password)
	config.MaxOpenConns, config.MaxIdleConns = maxOpenConns, maxOpenConns
	config.DialTimeout = 5 * time.Second
	if config.Compression == nil {
		config.Compression = &driver.Compression{Method: driver.CompressionLZ4}
	}
	return config, nil
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// Ping asks the server for a sign of life.
func (db *DB) Ping(ctx context.Context) error { return classify("ping", db.conn.Ping(ctx)) }

// Close ends all connections.
func (db *DB) Close() error { return classify("close", db.conn.Close()) }
