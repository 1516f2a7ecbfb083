package archtest_test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"puenktlich/internal/config"
	"puenktlich/schemas"
)

// compose is the part of the Compose specification the file uses; any other key
// is an error.
type compose struct {
	Name     string             `yaml:"name"`
	Image    any                `yaml:"x-image"`
	Settings any                `yaml:"x-settings"`
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Image       string                `yaml:"image"`
	Build       *build                `yaml:"build"`
	Command     []string              `yaml:"command"`
	Restart     string                `yaml:"restart"`
	Environment map[string]string     `yaml:"environment"`
	Volumes     []string              `yaml:"volumes"`
	Ports       []string              `yaml:"ports"`
	DependsOn   map[string]dependency `yaml:"depends_on"`
	Healthcheck *healthcheck          `yaml:"healthcheck"`
	Ulimits     map[string]struct {
		Soft int `yaml:"soft"`
		Hard int `yaml:"hard"`
	} `yaml:"ulimits"`
	StopGracePeriod string `yaml:"stop_grace_period"`
}

type build struct {
	Context    string `yaml:"context"`
	Dockerfile string `yaml:"dockerfile"`
}

type dependency struct {
	Condition string `yaml:"condition"`
}

type healthcheck struct {
	Test     []string `yaml:"test"`
	Interval string   `yaml:"interval"`
	Timeout  string   `yaml:"timeout"`
	Retries  int      `yaml:"retries"`
}

// ourImage is the image that is built from this checkout.
const ourImage = "puenktlich:dev"

var variable = regexp.MustCompile(`\$\{([A-Z0-9_]+)(:?-)?([^}]*)\}`)

// interpolate gives variables their defaults; one without is an error, since the
// file has to work as it stands.
func interpolate(text string) (string, error) {
	var missing []string
	out := variable.ReplaceAllStringFunc(text, func(match string) string {
		parts := variable.FindStringSubmatch(match)
		if parts[2] == "" {
			missing = append(missing, parts[1])
		}
		return parts[3]
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("variables without a default: %v", missing)
	}
	return out, nil
}

// parseCompose reads a compose file with the defaults of its variables.
func parseCompose(text string) (compose, error) {
	var file compose
	text, err := interpolate(text)
	if err != nil {
		return file, err
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	return file, decoder.Decode(&file)
}

// problems lists what is wrong with a compose file as a whole.
func (c compose) problems(line commandLine) []string {
	var found []string
	for name, s := range c.Services {
		for _, check := range []func(commandLine) []string{s.imageProblems, s.portProblems, s.volumeProblems(c.Volumes), s.dependencyProblems(c.Services), s.settingProblems(c.Services)} {
			for _, problem := range check(line) {
				found = append(found, name+": "+problem)
			}
		}
	}
	slices.Sort(found)
	return found
}

func (s service) imageProblems(line commandLine) []string {
	if s.Image == ourImage {
		if s.Build == nil || s.Build.Dockerfile != "deploy/Dockerfile" {
			return []string{"our image is not built from deploy/Dockerfile"}
		}
		if problem := line.problem(s.Command); problem != "" || len(s.Command) == 0 {
			return []string{fmt.Sprintf("command %q: %s", s.Command, problem)}
		}
		return nil
	}
	if !pinned(s.Image) {
		return []string{"image " + s.Image + " is not pinned to a version"}
	}
	return nil
}

var versionTag = regexp.MustCompile(`^[^:]+:v?[0-9]+(\.[0-9]+)+[a-z0-9.-]*$|@sha256:[0-9a-f]{64}$`)

func pinned(image string) bool { return versionTag.MatchString(image) }

func (s service) portProblems(commandLine) []string {
	var found []string
	for _, port := range s.Ports {
		if !regexp.MustCompile(`^127\.0\.0\.1:[0-9]+:[0-9]+$`).MatchString(port) {
			found = append(found, "port "+port+" is not published on 127.0.0.1 alone")
		}
	}
	return found
}

func (s service) volumeProblems(declared map[string]any) func(commandLine) []string {
	return func(commandLine) (found []string) {
		for _, mount := range s.Volumes {
			name, _, _ := strings.Cut(mount, ":")
			if _, exists := declared[name]; !exists {
				found = append(found, "volume "+name+" is not declared")
			}
		}
		return found
	}
}

func (s service) dependencyProblems(services map[string]service) func(commandLine) []string {
	return func(commandLine) (found []string) {
		for name, on := range s.DependsOn {
			target, exists := services[name]
			switch {
			case !exists:
				found = append(found, "depends on "+name+", which is no service")
			case on.Condition == "service_healthy" && target.Healthcheck == nil:
				found = append(found, "waits for the health of "+name+", which has no health check")
			case on.Condition == "service_completed_successfully" && target.Restart == "unless-stopped":
				found = append(found, "waits for the end of "+name+", which is always started again")
			case !slices.Contains([]string{"service_healthy", "service_completed_successfully"}, on.Condition):
				found = append(found, fmt.Sprintf("condition %q on %s", on.Condition, name))
			}
		}
		return found
	}
}

// settingProblems finds settings the program would refuse, and addresses that
// lead to no service it waits for.
func (s service) settingProblems(services map[string]service) func(commandLine) []string {
	return func(commandLine) (found []string) {
		if s.Image != ourImage || len(s.Environment) == 0 {
			return nil
		}
		var environ []string
		for name, value := range s.Environment {
			environ = append(environ, name+"="+value)
		}
		c, err := config.Load(environ, nil)
		if err != nil {
			return []string{err.Error()}
		}
		for _, address := range []string{"tcp://" + c.TemporalAddress, c.S3Endpoint, c.ClickHouseAddress, c.TimetablesURL} {
			at, err := url.Parse(address)
			if err != nil {
				found = append(found, err.Error())
				continue
			}
			_, exists := services[at.Hostname()]
			_, waits := s.DependsOn[at.Hostname()]
			if !exists || !waits && address != c.TimetablesURL {
				found = append(found, fmt.Sprintf("address %q leads to no service it waits for", address))
			}
		}
		return found
	}
}

func TestComposeFile(t *testing.T) {
	t.Parallel()
	text := readFile(t, "docker-compose.yml")
	file, err := parseCompose(text)
	require.NoError(t, err)
	require.Subset(t, keys(file.Services), []string{"clickhouse", "temporal", "s3", "simulate", "migrate", "schedule", "worker", "train", "api"})
	require.Empty(t, file.problems(readCommandLine(t)))
	require.ElementsMatch(t, queues(), composedPools(file), "each pool runs in one service")
}

// TestComposeFileHoldsNoSecret: what is secret comes from outside, and its
// default says that it is none.
func TestComposeFileHoldsNoSecret(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(?m)^\s*(\S*(?:PASSWORD|SECRET|ACCESS_KEY|API_KEY|CLIENT_ID)\S*): *(.*)$`)
	found := secret.FindAllStringSubmatch(readFile(t, "docker-compose.yml"), -1)
	require.GreaterOrEqual(t, len(found), 8)
	for _, match := range found {
		require.Regexp(t, `^\$\{[A-Z0-9_]+:-(local-only-[a-z]+)?\}$`, match[2], match[1])
	}
}

func TestComposeProblemsAreFound(t *testing.T) {
	t.Parallel()
	head := "services:\n  s3: {image: \"s3:v1.0\", healthcheck: {test: [CMD, x]}}\n  x:\n    "
	ours := "image: puenktlich:dev\n    build: {context: ., dockerfile: deploy/Dockerfile}\n    command: [api]\n    "
	tests := map[string]struct{ text, want string }{
		"sound":               {head + "image: a/b:1.2\n", ""},
		"unknown key":         {head + "imagee: a/b:1.2\n", "field imagee not found"},
		"latest":              {head + "image: a/b:latest\n", "x: image a/b:latest is not pinned to a version"},
		"no tag":              {head + "image: a/b\n", "x: image a/b is not pinned to a version"},
		"every interface":     {head + "image: a/b:1.2\n    ports: [\"80:80\"]\n", "x: port 80:80 is not published on 127.0.0.1 alone"},
		"undeclared volume":   {head + "image: a/b:1.2\n    volumes: [\"v:/v\"]\n", "x: volume v is not declared"},
		"unknown dependency":  {head + "image: a/b:1.2\n    depends_on: {y: {condition: service_healthy}}\n", "x: depends on y, which is no service"},
		"no health check":     {head + "image: a/b:1.2\n    depends_on: {x: {condition: service_healthy}}\n", "x: waits for the health of x, which has no health check"},
		"variable":            {head + "image: a/b:${TAG}\n", "variables without a default: [TAG]"},
		"unknown command":     {head + strings.Replace(ours, "api", "apo", 1) + "\n", `x: command ["apo"]: no command apo`},
		"misspelt setting":    {head + ours + "environment: {PUENKTLICH_SORCE: live}\n", "x: PUENKTLICH_SORCE: no such setting"},
		"address of nothing":  {head + ours + "environment: {PUENKTLICH_S3_ENDPOINT: \"http://s4:1\"}\n", `x: address "http://s4:1" leads to no service it waits for`},
		"address not awaited": {head + ours + "environment: {PUENKTLICH_S3_ENDPOINT: \"http://s3:1\"}\n", `x: address "http://s3:1" leads to no service it waits for`},
	}
	line := readCommandLine(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := parseCompose(tt.text)
			found := append(file.problems(line), fmt.Sprint(err))
			if tt.want == "" {
				require.Equal(t, []string{"<nil>"}, found)
				return
			}
			require.Contains(t, strings.Join(found, "\n"), tt.want)
		})
	}
}

func composedPools(file compose) []string {
	var pools []string
	for _, s := range file.Services {
		if len(s.Command) > 0 && s.Command[0] == "worker" {
			pools = append(pools, poolsOf(s.Command)...)
		}
	}
	return pools
}

func queues() []string {
	var names []string
	for _, queue := range schemas.Queues() {
		names = append(names, string(queue))
	}
	return names
}

func keys[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return names
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := readFile(t, "deploy", "Dockerfile")
	from := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(text, -1)
	require.Len(t, from, 2, "a stage that builds and one that runs")
	require.Regexp(t, `^golang:1\.26-`, from[0][1], "the version of go.mod")
	require.Regexp(t, `^debian:[a-z]+-slim$`, from[1][1], "glibc, a named release")
	for _, part := range []string{"CGO_ENABLED=0", "-trimpath", "libxgboost0", "\nUSER 10001:10001\n", `ENTRYPOINT ["puenktlich"]`} {
		require.Contains(t, text, part)
	}
	_, after, _ := strings.Cut(text, "\nUSER ")
	require.NotContains(t, after, "RUN ", "nothing runs as root after the user was set")
}
