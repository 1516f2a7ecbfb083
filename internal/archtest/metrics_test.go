package archtest_test

import (
	"encoding/json"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"puenktlich/internal/serving"
	"puenktlich/internal/spool"
)

// described collects the names of what is registered.
type described struct {
	prometheus.Registerer
	names []string
}

var descriptor = regexp.MustCompile(`fqName: "([^"]+)"`)

func (d *described) MustRegister(collectors ...prometheus.Collector) {
	for _, c := range collectors {
		descriptions := make(chan *prometheus.Desc, 16)
		c.Describe(descriptions)
		close(descriptions)
		for description := range descriptions {
			d.names = append(d.names, descriptor.FindStringSubmatch(description.String())[1])
		}
	}
}

// metrics lists every metric of a process: those of its parts, and the
// literals in the API, in the watch and in alerts.
func metrics(t *testing.T) []string {
	t.Helper()
	var d described
	serving.NewMetrics(&d)
	spool.NewMetrics(&d)
	tree, err := repository()
	require.NoError(t, err)
	for _, p := range tree.Packages {
		if p.Path != "api" && p.Path != "cmd/puenktlich" && p.Path != "internal/alert" {
			continue
		}
		for _, f := range p.Code() {
			ast.Inspect(f.Syntax, func(n ast.Node) bool {
				if basic, is := n.(*ast.BasicLit); is && strings.HasPrefix(literal(basic), "puenktlich_") {
					d.names = append(d.names, literal(basic))
				}
				return true
			})
		}
	}
	require.Subset(t, d.names, []string{"puenktlich_spool_records", "puenktlich_forecasts_total", "puenktlich_live_age_seconds"})
	return d.names
}

var metricName = regexp.MustCompile(`\bpuenktlich_[a-z_]+\b`)

// unknownMetrics are names in an expression that nothing registers. A histogram
// has the names of its series too.
func unknownMetrics(expression string, known []string) []string {
	var unknown []string
	for _, name := range metricName.FindAllString(expression, -1) {
		base := name
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !slices.Contains(known, name) && !slices.Contains(known, base) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func TestUnknownMetricsAreFound(t *testing.T) {
	t.Parallel()
	known := []string{"puenktlich_a_seconds", "puenktlich_b_total"}
	require.Empty(t, unknownMetrics(`rate(puenktlich_a_seconds_bucket{x="puenktlich-api"}[5m]) / puenktlich_b_total`, known))
	require.Equal(t, []string{"puenktlich_c_total"}, unknownMetrics(`sum(puenktlich_c_total)`, known))
}

// rules is the part of Prometheus's rule file the alerts use.
type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func TestAlertsNameMetricsAndRunbook(t *testing.T) {
	t.Parallel()
	var file rules
	decoder := yaml.NewDecoder(strings.NewReader(readFile(t, "deploy", "prometheus", "rules.yml")))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	known, headings := metrics(t), anchors(readFile(t, "docs", "runbook.md"))
	seen := map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			require.False(t, seen[rule.Alert], "%s stands twice", rule.Alert)
			seen[rule.Alert] = true
			require.Empty(t, unknownMetrics(rule.Expr, known), rule.Alert)
			require.Regexp(t, metricName, rule.Expr, rule.Alert)
			require.Contains(t, []string{"page", "ticket"}, rule.Labels["severity"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			anchor, found := strings.CutPrefix(rule.Annotations["runbook"], "docs/runbook.md#")
			require.True(t, found, rule.Alert)
			require.Contains(t, headings, anchor, "%s: the runbook has no such heading", rule.Alert)
		}
	}
	require.GreaterOrEqual(t, len(seen), 10)
}

// anchors are the headings of a Markdown page as links name them.
func anchors(page string) []string {
	var found []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		plain := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		found = append(found, strings.ReplaceAll(plain, " ", "-"))
	}
	return found
}

func TestDashboardShowsEveryMetric(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		Panels []struct {
			ID      int    `json:"id"`
			Title   string `json:"title"`
			GridPos struct{ X, Y, W, H int }
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
			FieldConfig struct {
				Defaults struct {
					Unit string `json:"unit"`
				} `json:"defaults"`
			} `json:"fieldConfig"`
		} `json:"panels"`
	}
	text := readFile(t, "deploy", "grafana", "dashboard.json")
	require.NoError(t, json.Unmarshal([]byte(text), &dashboard))
	known := metrics(t)
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		require.NotEmpty(t, panel.FieldConfig.Defaults.Unit, "%s has no unit", panel.Title)
		require.LessOrEqual(t, panel.GridPos.X+panel.GridPos.W, 24, panel.Title)
		for _, target := range panel.Targets {
			require.Empty(t, unknownMetrics(target.Expr, known), panel.Title)
		}
	}
	for _, name := range known {
		require.Contains(t, text, name, "no panel shows it")
	}
}

// TestDocumentationLinks: a page or file that another page names is there.
func TestDocumentationLinks(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(fromRoot(t, "docs", "*.md"))
	require.NoError(t, err)
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(?:#([a-z0-9-]+))?\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, to := range link.FindAllStringSubmatch(string(text), -1) {
			target := filepath.Join(filepath.Dir(page), filepath.FromSlash(to[1]))
			body, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
				continue
			}
			require.NoError(t, err, "%s links to %s", filepath.Base(page), to[1])
			if to[2] != "" {
				require.Contains(t, anchors(string(body)), to[2], "%s links to %s#%s", filepath.Base(page), to[1], to[2])
			}
		}
	}
}
