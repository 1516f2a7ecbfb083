package archtest

import "strings"

// All stands in Room.May for every room.
const All = "*"

// Room is one folder of Go code, or with a trailing /* every folder directly
// below one.
type Room struct {
	Path string // below the module's root
	// For is the single responsibility, as the table in the documentation has it.
	For string
	// May lists the rooms it may import, in the notation of Path.
	May []string
	// Pure rooms compute: they import no package that reads files, the network
	// or the environment, and no library but gonum.
	Pure bool
}

// knowledge is what the steps may compute with. It leaves out the adapters
// (warehouse, objstore, localstack), which are named where the program is wired.
func knowledge() []string {
	return []string{
		"internal/calibrate", "internal/champion", "internal/dataset", "internal/drift", "internal/experiment", "internal/feature",
		"internal/forecast", "internal/history", "internal/learn", "internal/livestate", "internal/metric", "internal/modelpkg",
		"internal/policy", "internal/rail", "internal/registry", "internal/report", "internal/rulebook", "internal/scoring", "internal/timetables", "internal/timetables/archive", "internal/transfer",
		"internal/vectors", "internal/vectors/columnar",
	}
}

func with(rooms []string, more ...string) []string { return append(rooms, more...) }

// House is the plan: every folder of Go code has a row. A row that names the
// folder itself goes before one with /*.
func House() []Room {
	return []Room{
		{Path: "cmd/puenktlich", For: "parse arguments, build adapters, run one role", May: []string{All}},
		{Path: "workflows", For: "deterministic orchestration, one file a workflow", May: []string{"schemas", "activities/*", "internal/rail"}},
		{Path: "activities/failure", For: "errors that say whether a retry makes sense", May: []string{"schemas"}},
		{Path: "activities/beat", For: "heartbeats of steps that take longer than the server waits for one"},
		{Path: "activities/meter", For: "what the work on a run costs, and on which machine it was done"},
		{Path: "activities/train", For: "candidates, folds and the last fit, through the XGBoost library", May: with(knowledge(), "schemas", "schemas/*", "activities/beat", "activities/failure", "activities/meter", "internal/learn/xgb")},
		{Path: "activities/*", For: "the steps: structs over small interfaces they declare", May: with(knowledge(), "schemas", "schemas/*", "activities/beat", "activities/failure", "activities/meter")},
		{Path: "workers", For: "one file a pool: queue, slots and why, what it registers", May: []string{"schemas", "activities/*", "workflows", "internal/config"}},
		{Path: "api", For: "routes, handlers, error mapping, the departure board", May: []string{"schemas", "schemas/clickhouse", "api/infer", "internal/access", "internal/experiment", "internal/feature", "internal/forecast", "internal/naming", "internal/rail", "internal/registry", "internal/serving", "internal/transfer", "internal/withhold"}},
		{Path: "api/infer", For: "feature vectors answered in the protocols of standard clients", May: []string{"internal/forecast", "internal/serving", "internal/vectors", "internal/vectors/*"}},
		{Path: "schemas", For: "what outlives a process: inputs and results, queues, IDs, failures"},
		{Path: "schemas/*", For: "the layout of stored data: ClickHouse rows and migrations, columns of a data set"},
		{Path: "internal/access", For: "who may do what with the API: keys, roles, rates", May: []string{"internal/atomicfile"}},
		{Path: "internal/rail", For: "the domain: events, service days, delay, on time", Pure: true},
		{Path: "internal/clock", For: "the domain's one clock: live, replayed, stopped at a recording's end", May: []string{"internal/atomicfile"}},
		{Path: "internal/timetables", For: "the Timetables API: wire to domain, a patient client, the same wire served", May: []string{"internal/rail"}},
		{Path: "internal/timetables/archive", For: "recording archives: written, walked, answered from as of any moment", May: []string{"internal/rail", "internal/timetables"}},
		{Path: "internal/history", For: "public releases as Parquet or CSV: rows to planned events and what was seen of them, or to calls of the API", May: []string{"internal/rail", "internal/strictjson", "internal/timetables"}},
		{Path: "internal/history/historytest", For: "test support: small releases, good and broken"},
		{Path: "internal/railsim", For: "the simulated railway, seeded, behind the same API", May: []string{"internal/atomicfile", "internal/rail", "internal/timetables", "internal/timetables/archive"}},
		{Path: "internal/feature", For: "feature definitions, what was known at a cut-off, the one vectoriser", May: []string{"internal/rail"}, Pure: true},
		{Path: "internal/livestate", For: "fills that knowledge from the store: a day at once, or by tailing", May: []string{"schemas/clickhouse", "internal/feature", "internal/rail"}},
		{Path: "internal/dataset", For: "the rows of a data set as Parquet", May: []string{"schemas", "schemas/dataset", "internal/rail"}},
		{Path: "internal/metric", For: "scores with intervals, formulas cited", May: []string{"internal/strictjson"}, Pure: true},
		{Path: "internal/scoring", For: "logged forecasts judged on truth, by version, horizon, product, station, hour and section", May: []string{"schemas/clickhouse", "internal/dataset", "internal/learn", "internal/metric", "internal/rail"}},
		{Path: "internal/drift", For: "distances between two samples of a feature, formulas cited", May: []string{"internal/strictjson"}, Pure: true},
		{Path: "internal/calibrate", For: "probability calibration, fitted and applied", May: []string{"internal/metric", "internal/strictjson"}, Pure: true},
		{Path: "internal/forest", For: "evaluates and explains XGBoost's trees in Go", Pure: true},
		{Path: "internal/forecast", For: "trees and calibration to one distribution of delay", May: []string{"internal/calibrate", "internal/forest", "internal/rail"}, Pure: true},
		{Path: "internal/jsonin", For: "JSON read in one pass, for bodies that are mostly numbers", Pure: true},
		{Path: "internal/vectors", For: "rows of feature values as outside programs send them: columns, tables", Pure: true},
		{Path: "internal/vectors/oip", For: "the Open Inference Protocol: requests to rows, forecasts to responses", May: []string{"internal/forecast", "internal/jsonin", "internal/vectors"}, Pure: true},
		{Path: "internal/vectors/mlflow", For: "MLflow's scoring protocol: the same", May: []string{"internal/forecast", "internal/jsonin", "internal/vectors"}, Pure: true},
		{Path: "internal/vectors/columnar", For: "Arrow streams: the same, within bounds of memory", May: []string{"internal/forecast", "internal/vectors"}},
		{Path: "internal/learn", For: "folds, learners and baselines behind one artefact", May: []string{"internal/calibrate", "internal/dataset", "internal/drift", "internal/forecast", "internal/forest", "internal/learn/xgb", "internal/metric", "internal/rail"}},
		{Path: "internal/learn/xgb", For: "the XGBoost library, loaded at run time", May: []string{"internal/forest", "internal/strictjson"}},
		{Path: "internal/study", For: "what the model is worth on recorded days, written down", May: []string{"internal/atomicfile", "internal/dataset", "internal/feature", "internal/forecast", "internal/forest", "internal/learn", "internal/learn/xgb", "internal/metric", "internal/rail", "internal/strictjson"}},
		{Path: "internal/experiment", For: "recorded runs as people look at them: list, record, comparison, drawings", May: []string{"schemas", "schemas/clickhouse", "internal/forecast", "internal/learn", "internal/metric", "internal/plot"}},
		{Path: "internal/experiment/experimenttest", For: "test support: three recorded runs and what they left behind", May: []string{"schemas", "schemas/clickhouse", "internal/calibrate", "internal/forecast", "internal/learn", "internal/objstore", "internal/warehouse"}},
		{Path: "internal/backtest", For: "the experiment that judges the loop: its definition, what a run comes to, the page", May: []string{"schemas", "internal/metric", "internal/plot", "internal/rail"}},
		{Path: "internal/naming", For: "stations and trains by the names people give them", May: []string{"internal/rail"}, Pure: true},
		{Path: "internal/transfer", For: "the chance to catch a change of trains, and how two delays hang together", May: []string{"internal/metric"}, Pure: true},
		{Path: "internal/plot", For: "small charts as SVG", Pure: true},
		{Path: "internal/policy", For: "nights of signals to a verdict, an evaluation to a gate, a trial to its next step", May: []string{"schemas"}, Pure: true},
		{Path: "internal/report", For: "the page of a night, one file of HTML", May: []string{"schemas", "schemas/clickhouse", "internal/metric", "internal/plot", "internal/rail"}},
		{Path: "internal/agenda", For: "which workflows start by themselves, and when: a file, read and checked"},
		{Path: "internal/rulebook", For: "policy files: read, checked line by line; a stored verdict decided again", May: []string{"schemas", "schemas/clickhouse", "internal/policy"}},
		{Path: "internal/alert", For: "what is wrong: told once, kept while the store or the webhook is away", May: []string{"schemas", "schemas/clickhouse"}},
		{Path: "internal/modelpkg", For: "packages: write, sign, verify, load, test, put into one file", May: []string{"schemas", "internal/calibrate", "internal/dataset", "internal/drift", "internal/feature", "internal/forecast", "internal/forest", "internal/metric", "internal/rail", "internal/strictjson"}},
		{Path: "internal/oci", For: "packages as container images and ModelPack artefacts: layouts, archives, registries", May: []string{"internal/modelpkg"}},
		{Path: "internal/registry", For: "versions, aliases, what was live when", May: []string{"schemas", "internal/strictjson"}},
		{Path: "internal/champion", For: "which package is live, fetched and verified", May: []string{"schemas", "internal/modelpkg", "internal/registry"}},
		{Path: "internal/serving", For: "the champion in a process that answers, and the panel", May: []string{"schemas", "schemas/clickhouse", "internal/atomicfile", "internal/dataset", "internal/feature", "internal/forecast", "internal/learn", "internal/modelpkg", "internal/rail"}},
		{Path: "internal/serving/servingtest", For: "test support: a small champion and live state", May: []string{"schemas", "schemas/clickhouse", "internal/calibrate", "internal/dataset", "internal/drift", "internal/feature", "internal/forecast", "internal/forest", "internal/learn", "internal/modelpkg", "internal/rail", "internal/serving"}},
		{Path: "internal/spool", For: "the prediction log on disk until ClickHouse has it", May: []string{"schemas/clickhouse"}},
		{Path: "internal/withhold", For: "connections that hold an answer back until the log has it, and take its headers"},
		{Path: "internal/warehouse", For: "adapter: ClickHouse", May: []string{"schemas", "schemas/clickhouse", "internal/rail"}},
		{Path: "internal/objstore", For: "adapter: S3", May: []string{"schemas", "internal/atomicfile"}},
		{Path: "internal/localstack", For: "adapter: the embedded servers, set up and supervised", May: []string{"internal/atomicfile", "internal/config"}},
		{Path: "internal/localstack/chengine", For: "the ClickHouse engine behind ClickHouse's HTTP interface"},
		{Path: "internal/atomicfile", For: "files replaced in one step, durably"},
		{Path: "internal/strictjson", For: "JSON documents of our own, in which nothing may be unknown", Pure: true},
		{Path: "internal/config", For: "every setting: name, default, meaning"},
		{Path: "internal/testenv", For: "test support: real servers for tests", May: []string{"schemas", "internal/localstack", "internal/localstack/chengine", "internal/objstore", "internal/warehouse"}},
		{Path: "internal/archtest", For: "this table and the rules that keep it true"},
	}
}

// support are the rooms that only tests import.
func support(room string) bool {
	return room == "internal/testenv" || strings.HasSuffix(room, "test")
}

// Library says which rooms may name a library outside their tests.
type Library struct {
	Prefix string // of the import path
	Rooms  []string
	Why    string
}

// Libraries are those a change of which should touch few rooms.
func Libraries() []Library {
	return []Library{
		{"github.com/ClickHouse/clickhouse-go/", []string{"internal/warehouse"}, "ClickHouse is reached through one adapter"},
		{"github.com/aws/", []string{"internal/objstore"}, "S3 is reached through one adapter"},
		{"github.com/gin-gonic/", []string{"api"}, "HTTP routing is the API's own affair"},
		{"github.com/ebitengine/purego", []string{"internal/learn/xgb", "internal/localstack/chengine"}, "C libraries are loaded in two places"},
		{"github.com/google/go-containerregistry", []string{"internal/oci"}, "images are made and pushed in one place"},
		{"github.com/apache/arrow/", []string{"internal/dataset", "internal/history", "internal/vectors/columnar", "schemas/dataset"}, "data sets are read and written in one place, public releases and outsiders' rows in others"},
		{"github.com/spf13/cobra", []string{"cmd/puenktlich"}, "arguments are parsed in main"},
		{"go.temporal.io/", []string{"cmd/puenktlich", "workflows", "activities/*", "workers", "internal/localstack"}, "only what runs under Temporal knows it"},
		{"go.opentelemetry.io/", []string{"api"}, "a request's trace begins in the API"},
		{"github.com/stretchr/testify", nil, "assertions belong to tests"},
	}
}

// WallClock is the reason why a room may read the time of day.
func WallClock() map[string]string {
	return map[string]string{
		"activities/evaluate":          "measures how long a forecast takes",
		"activities/meter":             "measures how long the work on a run took",
		"api":                          "measures how long a request took",
		"api/infer":                    "bounds how long a body may take to arrive",
		"internal/livestate":           "bounds how often the history is read again while tailing",
		"internal/localstack":          "waits for servers and counts restarts",
		"internal/localstack/chengine": "measures how long a statement took",
		"internal/serving":             "measures how long a forecast took",
		"internal/spool":               "measures how long a write took",
		"internal/timetables":          "keeps the rate limit of the API, which counts real minutes",
	}
}
