package localstack

import (
	"errors"
	"fmt"
	"io"
	"os"

	enumspb "go.temporal.io/api/enums/v1"
)

// SettingDataDir is the setting that sentences about the data directory name.
const SettingDataDir = "PUENKTLICH_DATA_DIR"

// DataFreeBytes is the free space Start asks of the data directory's disk.
const DataFreeBytes = 512 * mebibyte

// EnginePasswordVariable is the environment variable that hands the ClickHouse
// password to the engine process.
const EnginePasswordVariable = "PUENKTLICH_ENGINE_PASSWORD"

// EngineUser is the ClickHouse user of the engine process.
const EngineUser = "puenktlich"

// SearchAttribute is a typed Temporal search attribute that must exist before
// workers start: setting one that does not hangs a workflow.
type SearchAttribute struct {
	Name string
	Type enumspb.IndexedValueType
}

// Addresses says where the servers answer and with which credentials. As
// Options.External, an address that is set names a server that runs already.
type Addresses struct {
	Temporal           string // host:port of the gRPC frontend
	TemporalUI         string // URL, empty when not known
	TemporalMetrics    string // URL of the server's Prometheus metrics, empty when not known
	S3Endpoint         string // URL, path-style
	S3AccessKey        string
	S3SecretKey        string
	ClickHouseAddr     string // host:port of the HTTP interface
	ClickHouseUser     string
	ClickHousePassword string
}

// Options says what to start and where.
type Options struct {
	// DataDir holds databases, objects, logs and secrets. Defaults to .local.
	DataDir string
	// Ports to listen on, 0 = a free one.
	Ports Ports
	// Components as returned by Setup.
	Components Components
	// EngineCommand is the program and first arguments that run the ClickHouse
	// engine; Start appends --listen host:port --data DIR --lib FILE --user NAME,
	// and hands over the password in EnginePasswordVariable.
	EngineCommand []string
	// SearchAttributes are registered in namespace default, also on a Temporal
	// given by address.
	SearchAttributes []SearchAttribute
	// External names servers that run already; they are waited for, not started.
	External Addresses
	// Out gets progress lines. Defaults to discarding them.
	Out io.Writer
}

// startsAny reports whether any server is to be started here.
func (o Options) startsAny() bool {
	return o.External.Temporal == "" || o.External.S3Endpoint == "" || o.External.ClickHouseAddr == ""
}

// validate reports every part that is missing for what is to be started.
func (o Options) validate() error {
	var errs []error
	need := func(want bool, what, path string) {
		if !want {
			return
		}
		if _, err := os.Stat(path); err != nil {
			errs = append(errs, fmt.Errorf("%s is missing (%q): run set-up first", what, path))
		}
	}
	need(o.External.Temporal == "", "the Temporal server", o.Components.Temporal)
	need(o.External.S3Endpoint == "", "the S3 gateway", o.Components.Versitygw)
	need(o.External.ClickHouseAddr == "", "the ClickHouse library", o.Components.LibChDB)
	if o.External.ClickHouseAddr == "" && len(o.EngineCommand) == 0 {
		errs = append(errs, errors.New("no command given that runs the ClickHouse engine"))
	}
	return errors.Join(errs...)
}
