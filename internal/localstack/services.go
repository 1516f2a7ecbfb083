package localstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"puenktlich/internal/atomicfile"
)

// Names of the children, as Pid and the logs call them.
const (
	ChildTemporal   = "temporal"
	ChildS3         = "s3"
	ChildClickHouse = "clickhouse"
)

// service is one server: started as a child, or reached at an address.
type service struct {
	name    string
	address string // of an external server, empty for a child
	setting string // that gives the address
	child   ChildSpec
	ready   func(context.Context) error
}

// Settings that give the address of a server that runs already.
const (
	SettingTemporalAddress   = "PUENKTLICH_TEMPORAL_ADDRESS"
	SettingS3Endpoint        = "PUENKTLICH_S3_ENDPOINT"
	SettingClickHouseAddress = "PUENKTLICH_CLICKHOUSE_ADDRESS"
)

func (s *Stack) temporalService() (service, error) {
	ready := temporalReady(s.addresses.Temporal, s.opts.SearchAttributes)
	if external := s.opts.External.Temporal; external != "" {
		return service{name: ChildTemporal, address: external, setting: SettingTemporalAddress, ready: ready}, nil
	}
	db, err := temporalDatabase(s.dir)
	if err != nil {
		return service{}, err
	}
	metrics, err := pickPort("Temporal's metrics")
	if err != nil {
		return service{}, err
	}
	http, err := pickPort("Temporal's HTTP API")
	if err != nil {
		return service{}, err
	}
	s.addresses.TemporalMetrics = "http://" + loopbackAddr(metrics) + "/metrics"
	return service{name: ChildTemporal, child: ChildSpec{
		Name: ChildTemporal,
		Command: []string{
			s.opts.Components.Temporal, "server", "start-dev",
			"--ip", loopback,
			"--port", strconv.Itoa(s.opts.Ports.Temporal),
			"--ui-port", strconv.Itoa(s.opts.Ports.TemporalUI),
			"--http-port", strconv.Itoa(http),
			"--metrics-port", strconv.Itoa(metrics),
			"--db-filename", db,
			// Twice the workflows a second; a power cut may lose the last ones.
			"--sqlite-pragma", "journal_mode=wal",
			"--sqlite-pragma", "synchronous=normal",
			"--log-level", "error",
		},
		Ready: func(ctx context.Context) error {
			if err := ready(ctx); err != nil {
				return err
			}
			return markDatabase(db)
		},
		ReadyNote: "UI " + s.addresses.TemporalUI,
	}}, nil
}

// databaseMark lies beside the database once its server was ready for the first
// time.
const databaseMark = ".complete"

// temporalDatabase returns the database file. The server makes its tables only
// when there is no file, so one left by a first start that was cut short would
// never work: it holds nothing yet and is removed.
func temporalDatabase(dir string) (string, error) {
	db := filepath.Join(dir, "temporal.db")
	if !exists(db) || exists(db+databaseMark) {
		return db, nil
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(db + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("incomplete Temporal database: %w", err)
		}
	}
	return db, nil
}

func markDatabase(db string) error {
	if exists(db + databaseMark) {
		return nil
	}
	return atomicfile.Write(db+databaseMark, 0o644, nil)
}

func (s *Stack) s3Service() (service, error) {
	if external := s.opts.External.S3Endpoint; external != "" {
		if u, err := url.Parse(external); err != nil || u.Host == "" {
			return service{}, fmt.Errorf("S3 at %q: not a URL such as http://host:9000: correct %s", external, SettingS3Endpoint)
		}
		return service{name: ChildS3, address: external, setting: SettingS3Endpoint, ready: answersHTTP(external, "")}, nil
	}
	root := filepath.Join(s.dir, "s3")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return service{}, fmt.Errorf("S3 directory: %w", err)
	}
	// The gateway's other place for metadata, beside the objects, publishes an
	// etag before its data: two conditional writers could both win.
	if !keepsAttributes(root) {
		return service{}, fmt.Errorf("S3 directory %s: its file system keeps no extended attributes, which conditional writes rest on: set %s to a directory on a disk (ext4, xfs, btrfs)", root, SettingDataDir)
	}
	args := []string{s.opts.Components.Versitygw, "--port", loopbackAddr(s.opts.Ports.S3), "--quiet", "posix"}
	return service{name: ChildS3, child: ChildSpec{
		Name:    ChildS3,
		Command: append(args, root),
		Env: []string{
			"ROOT_ACCESS_KEY_ID=" + s.addresses.S3AccessKey,
			"ROOT_SECRET_ACCESS_KEY=" + s.addresses.S3SecretKey,
		},
		Ready:     answersHTTP(s.addresses.S3Endpoint, ""),
		ReadyNote: "at " + s.addresses.S3Endpoint,
	}}, nil
}

func (s *Stack) clickHouseService() (service, error) {
	ping := "http://" + s.addresses.ClickHouseAddr + "/ping"
	if external := s.opts.External.ClickHouseAddr; external != "" {
		return service{name: ChildClickHouse, address: external, setting: SettingClickHouseAddress, ready: answersHTTP(ping, "Ok.\n")}, nil
	}
	data := filepath.Join(s.dir, "clickhouse")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return service{}, fmt.Errorf("ClickHouse directory: %w", err)
	}
	command := append([]string{}, s.opts.EngineCommand...)
	return service{name: ChildClickHouse, child: ChildSpec{
		Name: ChildClickHouse,
		Command: append(command,
			"--listen", s.addresses.ClickHouseAddr,
			"--data", data,
			"--lib", s.opts.Components.LibChDB,
			"--user", s.addresses.ClickHouseUser,
		),
		Env:         []string{EnginePasswordVariable + "=" + s.addresses.ClickHousePassword},
		Ready:       answersHTTP(ping, "Ok.\n"),
		ReadyNote:   "at " + s.addresses.ClickHouseAddr,
		StopTimeout: 20 * time.Second, // Merges in progress are let finish.
	}}, nil
}
