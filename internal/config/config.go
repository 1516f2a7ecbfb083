// Package config is every setting of the program: its name in the environment,
// its default and its meaning. Unknown settings are errors, and all problems
// are reported together.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Prefix of every setting in the environment.
const Prefix = "PUENKTLICH_"

// SourceKind says where timetables and changes come from.
type SourceKind string

// The sources. The collector speaks the same HTTP API to all of them.
const (
	SourceLive       SourceKind = "live"
	SourceRecording  SourceKind = "recording"
	SourceSimulation SourceKind = "simulation"
)

// Config is a complete configuration.
type Config struct {
	DataDir string

	TemporalAddress   string
	TemporalNamespace string
	TemporalUI        string
	S3Endpoint        string
	S3Region          string
	S3AccessKey       string
	S3SecretKey       string
	S3Bucket          string

	ClickHouseAddress  string
	ClickHouseUser     string
	ClickHousePassword string
	ClickHouseDatabase string

	TemporalPort, TemporalUIPort, S3Port, ClickHousePort int

	Source        SourceKind
	TimetablesURL string
	ClientID      string
	APIKey        string
	Stations      []int64
	// CallsPerMinute is what the live API allows; FullEvery how often it is asked
	// for all changes of a station, 0 for after gaps alone.
	CallsPerMinute int
	FullEvery      time.Duration
	Recordings     string
	Seed           uint64

	Listen string
	// Anonymous is what callers of the API without a key may do: local, none, read
	// or predict. AnonymousRate bounds each of their addresses, 0 for no bound.
	Anonymous     string
	AnonymousRate float64
	// AccessKey is the secret in whose name commands act on models.
	AccessKey string
	Instance  string
	// LeaseEvery is how often an instance tells that it serves, and how its packages did.
	LeaseEvery  time.Duration
	LibXGBoost  string
	SigningKey  string
	TrustedKeys string
	Gate        string
	CodeVersion string
	// Policy is a policy file; empty takes the default.
	Policy string
	// Schedules is a file of what starts by itself; MetricsListen where a worker
	// answers /metrics, empty for nowhere.
	Schedules, MetricsListen string
	// AlertWebhook gets a POST for each alert; empty sends none.
	AlertWebhook string

	// Stages of a rollout, see schemas.Rollout.
	ShadowDays, CanaryDays, WatchDays, PatienceDays, MinEvents int
	CanaryShare, MaxLoss                                       float64
	Approval                                                   string
	MaxErrorRate                                               float64
	MaxP99Millis, MinForecasts, ApprovalDays                   int
}

// setting is one line of the table.
type setting struct {
	name, fallback, meaning string
	set                     func(*Config, string) error
}

func text(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error { *at(c) = v; return nil }
}

func table() []setting {
	return []setting{
		{"DATA_DIR", ".local", "where an instance keeps its spool, its packages and, embedded, the whole stack", text(func(c *Config) *string { return &c.DataDir })},
		{"TEMPORAL_ADDRESS", "", "host:port of a Temporal server; empty starts the embedded one", text(func(c *Config) *string { return &c.TemporalAddress })},
		{"TEMPORAL_NAMESPACE", "default", "namespace of every workflow", text(func(c *Config) *string { return &c.TemporalNamespace })},
		{"TEMPORAL_UI", "", "address of the Temporal UI, for links", text(func(c *Config) *string { return &c.TemporalUI })},
		{"S3_ENDPOINT", "", "URL of an S3 server; empty starts the embedded one", text(func(c *Config) *string { return &c.S3Endpoint })},
		{"S3_REGION", "us-east-1", "region of the bucket", text(func(c *Config) *string { return &c.S3Region })},
		{"S3_ACCESS_KEY", "", "access key", text(func(c *Config) *string { return &c.S3AccessKey })},
		{"S3_SECRET_KEY", "", "secret key", text(func(c *Config) *string { return &c.S3SecretKey })},
		{"S3_BUCKET", "puenktlich", "bucket, made when missing", text(func(c *Config) *string { return &c.S3Bucket })},
		{"CLICKHOUSE_ADDRESS", "", "URL of a ClickHouse server, http://host:8123 or clickhouse://host:9000; empty starts the embedded engine", text(func(c *Config) *string { return &c.ClickHouseAddress })},
		{"CLICKHOUSE_USER", "default", "user", text(func(c *Config) *string { return &c.ClickHouseUser })},
		{"CLICKHOUSE_PASSWORD", "", "password", text(func(c *Config) *string { return &c.ClickHousePassword })},
		{"CLICKHOUSE_DATABASE", "puenktlich", "database, made when missing", text(func(c *Config) *string { return &c.ClickHouseDatabase })},
		{"TEMPORAL_PORT", "7233", "port of the embedded Temporal server; 0 takes a free one", port(func(c *Config) *int { return &c.TemporalPort })},
		{"TEMPORAL_UI_PORT", "8233", "port of its web UI; 0 takes a free one", port(func(c *Config) *int { return &c.TemporalUIPort })},
		{"S3_PORT", "7070", "port of the embedded S3 server; 0 takes a free one", port(func(c *Config) *int { return &c.S3Port })},
		{"CLICKHOUSE_PORT", "8123", "port of the embedded ClickHouse engine; 0 takes a free one", port(func(c *Config) *int { return &c.ClickHousePort })},
		{"SOURCE", "simulation", "live, recording or simulation", setSource},
		{"TIMETABLES_URL", "", "base URL of a Timetables API; empty serves the recording or the simulation itself, and for live means Deutsche Bahn's", text(func(c *Config) *string { return &c.TimetablesURL })},
		{"CLIENT_ID", "", "DB-Client-Id of the live API", text(func(c *Config) *string { return &c.ClientID })},
		{"API_KEY", "", "DB-Api-Key of the live API", text(func(c *Config) *string { return &c.APIKey })},
		{"STATIONS", "", "EVA numbers to collect, separated by commas; empty takes all stations of the source", setStations},
		{"CALLS_PER_MINUTE", "60", "calls a minute that the live API allows, shared over all stations; other sources have no limit", setCallsPerMinute},
		{"FULL_EVERY", "1h", "how often all changes of a station (fchg) are asked for on the live API, beside after gaps; 0 for after gaps alone", setFullEvery},
		{"RECORDINGS", "", "directory of daily recording archives", text(func(c *Config) *string { return &c.Recordings })},
		{"SEED", "1", "seed of the simulated railway", setSeed},
		{"LISTEN", "127.0.0.1:8080", "address of the prediction API", text(func(c *Config) *string { return &c.Listen })},
		{"ANONYMOUS", "local", "what callers of the API without a key may do: none, read, predict, or local, which is everything for this machine's own until the first key is made, and nothing for others", oneOf(func(c *Config) *string { return &c.Anonymous }, "local", "none", "read", "predict")},
		{"ANONYMOUS_RATE", "0", "requests a second of one address without a key, by each instance; 0 for no limit", rate(func(c *Config) *float64 { return &c.AnonymousRate })},
		{"ACCESS_KEY", "", "secret of an API key in whose name commands act on models", text(func(c *Config) *string { return &c.AccessKey })},
		{"INSTANCE", "api-1", "name of this API instance, stable over restarts", text(func(c *Config) *string { return &c.Instance })},
		{"LEASE_EVERY", "1m", "how often an API instance tells the model's workflow that it serves, and how its packages did: so soon one that fails or is slow is noticed. Promotions wait for an instance until three times that after its last word; from 1s to 10m", setLeaseEvery},
		{"SIGNING_KEY", "", "private key that signs packages, of ECDSA on P-256 or of Ed25519: a PEM file, or the PEM text itself with \\n for its line ends; empty makes one under DATA_DIR, unless TRUSTED_KEYS is given", text(func(c *Config) *string { return &c.SigningKey })},
		{"TRUSTED_KEYS", "", "public keys of which one must have signed a package that is served: PEM files separated by commas, or the PEM text itself with \\n for its line ends; empty trusts SIGNING_KEY. With it the role api needs no private key", text(func(c *Config) *string { return &c.TrustedKeys })},
		{"SHADOW_DAYS", "1", "settled days a new version forecasts in shadow before it is promoted", count(func(c *Config) *int { return &c.ShadowDays })},
		{"CANARY_DAYS", "1", "settled days it answers a share of the trips", count(func(c *Config) *int { return &c.CanaryDays })},
		{"CANARY_SHARE", "0.1", "that share, 0 to 1", share(func(c *Config) *float64 { return &c.CanaryShare })},
		{"WATCH_DAYS", "1", "settled days the champion before is kept in shadow after a switch, to come back where it is clearly better", count(func(c *Config) *int { return &c.WatchDays })},
		{"PATIENCE_DAYS", "14", "settled days after which a stage that cannot be decided ends", count(func(c *Config) *int { return &c.PatienceDays })},
		{"MIN_EVENTS", "200", "events with a truth that a judgement needs", count(func(c *Config) *int { return &c.MinEvents })},
		{"MAX_LOSS", "0.002", "Brier score by which a new version may be worse at the upper end of the interval", share(func(c *Config) *float64 { return &c.MaxLoss })},
		{"MAX_ERROR_RATE", "0.02", "share of failed forecasts beyond which a challenger is rejected and a new champion rolled back; 0 for no limit", share(func(c *Config) *float64 { return &c.MaxErrorRate })},
		{"MAX_P99", "250", "milliseconds that at most 1 % of the forecasts may take longer than, else the same; 5, 10, 25, 50, 100, 250, 500 or 1000, 0 for no limit", count(func(c *Config) *int { return &c.MaxP99Millis })},
		{"MIN_FORECASTS", "100", "forecasts that such a judgement needs", count(func(c *Config) *int { return &c.MinForecasts })},
		{"APPROVAL", "automatic", "automatic, or required: a person lets a new version become champion", text(func(c *Config) *string { return &c.Approval })},
		{"APPROVAL_DAYS", "7", "days of domain time for which a required approval is waited for; then the new version is rejected; 0 waits without end", count(func(c *Config) *int { return &c.ApprovalDays })},
		{"LIBXGBOOST", "", "libxgboost.so; empty looks in the system and in the cache", text(func(c *Config) *string { return &c.LibXGBoost })},
		{"GATE", "", "JSON file with what a model has to hold to be promoted, as docs/evaluation.md lists it; empty takes the defaults", text(func(c *Config) *string { return &c.Gate })},
		{"POLICY", "", "policy file: what a night's signals lead to, as docs/policy.md explains; empty takes the default", text(func(c *Config) *string { return &c.Policy })},
		{"SCHEDULES", "", "YAML file of what starts by itself and when, as docs/runbook.md#schedules tells; empty takes the default", text(func(c *Config) *string { return &c.Schedules })},
		{"METRICS_LISTEN", "", "host:port at which a worker process answers /metrics; empty for nowhere. The API answers them at its own address", text(func(c *Config) *string { return &c.MetricsListen })},
		{"ALERT_WEBHOOK", "", "URL that gets each alert as a POST of JSON; empty keeps alerts in ClickHouse alone", setWebhook},
	}
}

// foreign are settings of set-up and of the embedded stack, read there.
func foreign() []string {
	return []string{"CACHE", "LIBCHDB", "ENGINE_PASSWORD", "COMPAT_CLICKHOUSE"}
}

func port(at func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 65535 {
			return fmt.Errorf("%q: want a port, 0 to 65535", v)
		}
		*at(c) = n
		return nil
	}
}

func count(at func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return fmt.Errorf("%q: want a whole number, 0 or more", v)
		}
		*at(c) = n
		return nil
	}
}

// positive is count without 0.
func positive(at func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		if err := count(at)(c, v); err != nil || *at(c) == 0 {
			return fmt.Errorf("%q: want a whole number, 1 or more", v)
		}
		return nil
	}
}

func share(at func(*Config) *float64) func(*Config, string) error {
	return func(c *Config, v string) error {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return fmt.Errorf("%q: want a number from 0 to 1", v)
		}
		*at(c) = f
		return nil
	}
}

func rate(at func(*Config) *float64) func(*Config, string) error {
	return func(c *Config, v string) error {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || !(f >= 0 && f <= 1e6) {
			return fmt.Errorf("%q: want a number from 0 to 1000000", v)
		}
		*at(c) = f
		return nil
	}
}

func oneOf(at func(*Config) *string, choices ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(choices, v) {
			return fmt.Errorf("%q: want one of %s", v, strings.Join(choices, ", "))
		}
		*at(c) = v
		return nil
	}
}

func setSource(c *Config, v string) error {
	c.Source = SourceKind(v)
	if !slices.Contains([]SourceKind{SourceLive, SourceRecording, SourceSimulation}, c.Source) {
		return fmt.Errorf("%q: want live, recording or simulation", v)
	}
	return nil
}

func setSeed(c *Config, v string) (err error) {
	if c.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
		return fmt.Errorf("%q: want a whole number", v)
	}
	return nil
}

func setCallsPerMinute(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 10000 {
		return fmt.Errorf("%q: want a whole number from 1 to 10000", v)
	}
	c.CallsPerMinute = n
	return nil
}

func setFullEvery(c *Config, v string) (err error) {
	if c.FullEvery, err = time.ParseDuration(v); err != nil || c.FullEvery < 0 || c.FullEvery > 0 && c.FullEvery < 5*time.Minute {
		return fmt.Errorf("%q: want a time such as 1h or 30m, at least 5m, or 0", v)
	}
	return nil
}

func setLeaseEvery(c *Config, v string) (err error) {
	if c.LeaseEvery, err = time.ParseDuration(v); err != nil || c.LeaseEvery < time.Second || c.LeaseEvery > 10*time.Minute {
		return fmt.Errorf("%q: want a time such as 1m or 15s, from 1s to 10m", v)
	}
	return nil
}

func setWebhook(c *Config, v string) error {
	u, err := url.Parse(v)
	if v != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("want an address such as https://host/path") // the value may be a secret
	}
	c.AlertWebhook = v
	return nil
}

func setStations(c *Config, v string) error {
	c.Stations = nil
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		eva, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return fmt.Errorf("%q: want EVA numbers separated by commas", part)
		}
		c.Stations = append(c.Stations, eva)
	}
	return nil
}

// Load reads the environment (as os.Environ gives it) over the defaults.
// overrides hold settings by name without prefix, as flags give them; an empty
// value is no override.
func Load(environ []string, overrides map[string]string) (Config, error) {
	given := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if short, ours := strings.CutPrefix(name, Prefix); ours {
			given[short] = value
		}
	}
	for name, value := range overrides {
		if value != "" {
			given[name] = value
		}
	}
	var c Config
	var problems []error
	for _, s := range table() {
		value, found := given[s.name]
		if !found || value == "" {
			value = s.fallback
		}
		if err := s.set(&c, value); err != nil {
			problems = append(problems, fmt.Errorf("%s%s: %w", Prefix, s.name, err))
		}
		delete(given, s.name)
	}
	for _, name := range foreign() {
		delete(given, name)
	}
	for name := range given {
		problems = append(problems, fmt.Errorf("%s%s: no such setting; `puenktlich settings` lists them", Prefix, name))
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return c, errors.Join(append(problems, c.check()...)...)
}

// check finds settings that do not fit together.
func (c Config) check() []error {
	var problems []error
	if c.Source == SourceRecording && c.Recordings == "" && c.TimetablesURL == "" {
		problems = append(problems, fmt.Errorf("%sSOURCE=recording needs %sRECORDINGS, a directory of daily archives", Prefix, Prefix))
	}
	if c.Source == SourceLive && (c.ClientID == "" || c.APIKey == "") {
		problems = append(problems, fmt.Errorf("%sSOURCE=live needs %sCLIENT_ID and %sAPI_KEY of the DB API marketplace", Prefix, Prefix, Prefix))
	}
	if c.Approval != "automatic" && c.Approval != "required" {
		problems = append(problems, fmt.Errorf("%sAPPROVAL: %q: want automatic or required", Prefix, c.Approval))
	}
	if c.Source == SourceLive && len(c.Stations) == 0 {
		problems = append(problems, fmt.Errorf("%sSOURCE=live needs %sSTATIONS, the EVA numbers to collect", Prefix, Prefix))
	}
	return problems
}

// Describe lists every setting with its default and meaning.
func Describe() string {
	var b strings.Builder
	for _, s := range table() {
		fmt.Fprintf(&b, "%-32s %s", Prefix+s.name, s.meaning)
		if s.fallback != "" {
			fmt.Fprintf(&b, ". Defaults to %s", s.fallback)
		}
		b.WriteString(".\n")
	}
	return b.String()
}

// oneLine keeps a PEM text on one line of a saved environment.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", `\n`) }

// PEM is the text of a setting that holds keys themselves rather than name
// files; false where it names files.
func PEM(setting string) (text string, inline bool) {
	setting = strings.TrimSpace(strings.ReplaceAll(setting, `\n`, "\n"))
	return setting, strings.HasPrefix(setting, "-----BEGIN ")
}

// Environ is the configuration as an environment, for child processes.
func (c Config) Environ() []string {
	stations := make([]string, len(c.Stations))
	for i, eva := range c.Stations {
		stations[i] = strconv.FormatInt(eva, 10)
	}
	var environ []string
	for name, value := range map[string]string{
		"DATA_DIR": c.DataDir, "TEMPORAL_ADDRESS": c.TemporalAddress, "TEMPORAL_NAMESPACE": c.TemporalNamespace, "TEMPORAL_UI": c.TemporalUI,
		"S3_ENDPOINT": c.S3Endpoint, "S3_REGION": c.S3Region, "S3_ACCESS_KEY": c.S3AccessKey, "S3_SECRET_KEY": c.S3SecretKey, "S3_BUCKET": c.S3Bucket,
		"CLICKHOUSE_ADDRESS": c.ClickHouseAddress, "CLICKHOUSE_USER": c.ClickHouseUser, "CLICKHOUSE_PASSWORD": c.ClickHousePassword, "CLICKHOUSE_DATABASE": c.ClickHouseDatabase,
		"SOURCE": string(c.Source), "TIMETABLES_URL": c.TimetablesURL, "CLIENT_ID": c.ClientID, "API_KEY": c.APIKey, "STATIONS": strings.Join(stations, ","),
		"CALLS_PER_MINUTE": strconv.Itoa(c.CallsPerMinute), "FULL_EVERY": c.FullEvery.String(),
		"RECORDINGS": c.Recordings, "SEED": strconv.FormatUint(c.Seed, 10), "LISTEN": c.Listen, "ANONYMOUS": c.Anonymous, "ANONYMOUS_RATE": strconv.FormatFloat(c.AnonymousRate, 'g', -1, 64), "INSTANCE": c.Instance, "LEASE_EVERY": c.LeaseEvery.String(), "SIGNING_KEY": oneLine(c.SigningKey), "TRUSTED_KEYS": oneLine(c.TrustedKeys), "LIBXGBOOST": c.LibXGBoost, "GATE": c.Gate, "ALERT_WEBHOOK": c.AlertWebhook,
		"POLICY": c.Policy, "SCHEDULES": c.Schedules,
		"SHADOW_DAYS": strconv.Itoa(c.ShadowDays), "CANARY_DAYS": strconv.Itoa(c.CanaryDays), "WATCH_DAYS": strconv.Itoa(c.WatchDays),
		"PATIENCE_DAYS": strconv.Itoa(c.PatienceDays), "MIN_EVENTS": strconv.Itoa(c.MinEvents), "APPROVAL": c.Approval,
		"MAX_ERROR_RATE": strconv.FormatFloat(c.MaxErrorRate, 'g', -1, 64), "MAX_P99": strconv.Itoa(c.MaxP99Millis), "MIN_FORECASTS": strconv.Itoa(c.MinForecasts), "APPROVAL_DAYS": strconv.Itoa(c.ApprovalDays),
		"CANARY_SHARE": strconv.FormatFloat(c.CanaryShare, 'g', -1, 64), "MAX_LOSS": strconv.FormatFloat(c.MaxLoss, 'g', -1, 64),
	} {
		environ = append(environ, Prefix+name+"="+value)
	}
	slices.Sort(environ)
	return environ
}
